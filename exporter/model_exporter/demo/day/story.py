"""The story of the day: which model of which team meets which fault, and what must be told of it."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

ENVIRONMENT: Final = "production"
PLATFORM: Final = "ml-platform"
"""The team of the exporter, and of what nobody owns."""
UPSTREAM: Final = "cellar-db"
LOST: Final = ("flavanoids", "color_intensity", "hue")
"""Features that come from the upstream, and are missing when it fails."""
LOST_SHARE: Final = 0.3


class Fault(Enum):
    """What happens to a model. The value is the cause that its incident has to name; None, and there must be none."""

    NONE = None
    UPSTREAM = "upstream_failure"
    DEPLOYMENT = "deployment"
    POPULATION = "population_shift"
    CONCEPT = "concept_shift"


@dataclass(frozen=True, slots=True)
class Role:
    """A model in the story.

    Attributes:
        name: of the model.
        owner: its team.
        tier: how much depends on it.
        way: how its team is told, as `page` or `ticket`; empty when there is nothing to tell.
        kind: of model.
        fault: what happens to it.
        text: how it happens.
        dashboard: where to look after the incident's own dashboard, by its uid.
        fact: the annotation of the alert that says most about the cause.
    """

    name: str
    owner: str
    tier: int
    way: str
    kind: str
    fault: Fault
    text: str
    dashboard: str = ""
    fact: str = ""


CAST: Final = (
    Role(
        "wine",
        "cellar-ml",
        3,
        "ticket",
        "classification",
        Fault.UPSTREAM,
        f"{UPSTREAM} fails {LOST_SHARE:.0%} of the calls of wine, and three features are missing then",
        "model-quality",
        "upstream",
    ),
    Role(
        "iris",
        "garden-ml",
        1,
        "page",
        "classification",
        Fault.DEPLOYMENT,
        "version 1.1.0 of iris is deployed, which reads its columns in the wrong order",
        "model-detail",
        "changed",
    ),
    Role(
        "diabetes",
        "clinic-ml",
        3,
        "ticket",
        "regression",
        Fault.POPULATION,
        "diabetes is asked by a clinic for older people",
        "model-drift",
        "features",
    ),
    Role(
        "tumour",
        "screening-ml",
        1,
        "page",
        "classification",
        Fault.CONCEPT,
        "a new pathologist calls cells of high texture malignant, whatever tumour says",
        "model-performance",
        "features",
    ),
    Role("digits", "post-ml", 1, "", "classification", Fault.NONE, "nothing happens to digits"),
)


def exporter_config() -> str:
    """The exporter's configuration for the cast."""
    lines = [f"environment: {ENVIRONMENT}", "learn: {rows: 600, stable_for: 5s}", "models:"]
    for role in CAST:
        lines += [
            f"  {role.name}:",
            f"    kind: {role.kind}",
            f"    owner: {role.owner}",
            f"    tier: {role.tier}",
            "    outcome: {wait: 1h, reference: 300}",
        ]
        if role.fault is Fault.UPSTREAM:  # known to be missing now and then: no violation of the schema
            optional = ", ".join(f"{name}: {{required: false}}" for name in LOST)
            lines.append(f"    features: {{{optional}}}")
    return "\n".join(lines) + "\n"


def owners(port: int) -> str:
    """The ownership file: each team has one webhook, on a loopback `port`."""
    teams = dict.fromkeys([*(role.owner for role in CAST), PLATFORM])
    lines = [f"default: {PLATFORM}", "teams:"]
    lines += [f"  {team}: {{webhook: {{url: 'http://127.0.0.1:{port}/{team}'}}}}" for team in teams]
    return "\n".join(lines) + "\n"
