"""What must be seen of the day, and whether it was."""

from collections.abc import Mapping, Sequence

from model_exporter.demo.day.board import INCIDENT, words
from model_exporter.demo.day.story import Fault, Role
from model_exporter.demo.day.told import Told
from model_exporter.demo.day.watch import Sight
from model_exporter.demo.findings import Finding


def told_of(role: Role, told: Sequence[Told]) -> tuple[Told, ...]:
    """Who was told of an incident of the model, in order."""
    return tuple(one for one in told if (one.labels["alertname"], one.labels.get("model")) == (INCIDENT, role.name))


def is_told(role: Role, told: Sequence[Told]) -> bool:
    """Whether the owner alone was told, and last what the role wants; without a fault, whether nobody was told."""
    messages = told_of(role, told)
    if role.fault is Fault.NONE:
        return not messages
    last = [(one.way, one.labels["cause"]) for one in messages[-1:]]
    return last == [(role.way, role.fault.value)] and {one.team for one in messages} == {role.owner}


def judge(role: Role, told: Sequence[Told]) -> Finding:
    """The same, in words."""
    said = ", then ".join(f"{words(one.labels['cause'])} to {one.team} ({one.way})" for one in told_of(role, told))
    wanted = f"{words(role.fault.value)} to {role.owner} ({role.way})" if role.fault.value else "nothing"
    return Finding(is_told(role, told), f"{role.name}: told {said or 'nothing'}; to be told: {wanted}")


def early(told: Sequence[Told], sights: Mapping[str, Sight]) -> Finding:
    """Whether nobody was told anything before the first fault, and no model had an incident that might be told yet."""
    names = [one.labels["alertname"] for one in told]
    names += [f"incident of {model}" for model, sight in sorted(sights.items()) if sight.incident is not None]
    return Finding(not names, f"wrong while all was well: {', '.join(names) or 'nothing'}")


def others(told: Sequence[Told]) -> Finding:
    """Whether nothing but incidents was told of."""
    names = sorted({one.labels["alertname"] for one in told} - {INCIDENT})
    return Finding(not names, f"alerts besides incidents: {', '.join(names) or 'none'}")
