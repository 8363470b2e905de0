"""A whole alertmanager.yml from an ownership file and a base."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from model_exporter.config.document import quoted
from model_exporter.errors import ConfigError
from model_exporter.files import replace_file
from model_exporter.pack.base import Base, Tree, load_base
from model_exporter.pack.inhibition import inhibit_rules
from model_exporter.pack.integrations import Integrations
from model_exporter.pack.owners import load_owners
from model_exporter.pack.profiles import Profile
from model_exporter.pack.routes import Routing, routing
from model_exporter.pack.shipped import shipped
from model_exporter.pack.yaml_text import Commented, yaml_lines

_FOLDER: Final = "alertmanager"
_TEMPLATES: Final = "templates"
_COMPONENTS: Final = 'component=~"model|model_exporter"'
"""Every alert of the rules has this label."""


def render(owners_file: Path, base_file: Path | None, profile: Profile) -> str:
    """The text of alertmanager.yml; without a base, the one that is shipped.

    Raises:
        ConfigError: the first mistake in one of the files.
    """
    base = load_base(base_file or shipped(_FOLDER) / "base.yml")
    owners = load_owners(owners_file, profile=profile, base=base)
    built = routing(owners, Integrations(profile, owners.dashboard_url))
    _check_names(base, built)
    tree: Tree = {
        "global": base.settings,
        "templates": list(base.templates or (f"{_TEMPLATES}/*.tmpl",)),
        "route": _route(base, built),
        "inhibit_rules": [*inhibit_rules(profile, owners.by), *base.inhibit_rules],
        "receivers": [*built.receivers, *base.receivers],
        "time_intervals": [*built.time_intervals, *base.time_intervals],
    }
    source = f"{owners_file.name}, for Alertmanager {_words(profile)}"
    head = [
        f"# Rendered by `model_exporter pack alertmanager` from {quoted(source)[1:-1]}.",
        "# Change that file and render again: what is written here will be replaced.",
    ]
    return "\n".join([*head, *_sections(tree)]) + "\n"


def write_templates(folder: Path) -> tuple[Path, ...]:
    """Put the templates of messages into `folder`/templates, where alertmanager.yml looks for them.

    Returns:
        Those that were not there, or were different.

    Raises:
        OSError: the folder cannot be written to.
    """
    written = []
    for source in sorted((shipped(_FOLDER) / _TEMPLATES).glob("*.tmpl")):
        target, content = folder / _TEMPLATES / source.name, source.read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(exist_ok=True)
            replace_file(target, content)
            written.append(target)
    return tuple(written)


def _sections(tree: Tree) -> Iterator[str]:
    for key, value in tree.items():
        if value:
            yield ""
            yield from yaml_lines({key: value})


def _route(base: Base, built: Routing) -> Tree:
    """Our tree alone, or before all else in the tree of the base."""
    if not base.route:
        return built.route
    ours = {"receiver": built.route["receiver"], "matchers": [_COMPONENTS], **built.route}
    others = base.route.get("routes", [])
    routes = [Commented("Models and their exporters", ours), *(others if isinstance(others, list) else [])]
    return {key: value for key, value in base.route.items() if key != "routes"} | {"routes": routes}


def _check_names(base: Base, built: Routing) -> None:
    """A name means one receiver and one interval."""
    ours = {str(named["name"]) for named in (*built.receivers, *built.time_intervals)}
    theirs = [named.get("name") for named in (*base.receivers, *base.time_intervals) if isinstance(named, dict)]
    taken = next((name for name in theirs if name in ours), None)
    if taken is not None:
        raise ConfigError(
            file=base.file,
            path="receivers",
            problem=f"the name {taken} is taken by the rendered configuration",
            remedy="Give it another name",
        )


def _words(profile: Profile) -> str:
    return "0.32 and newer" if profile.is_current else "0.25 and newer"
