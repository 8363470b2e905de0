"""The mappings that are built in: a file a system, in the language that users write."""

from collections.abc import Mapping as Map
from functools import cache
from importlib.resources import files

import yaml

from model_exporter.mapping.document import read_mapping
from model_exporter.mapping.mapping import Mapping


@cache
def built_in_mappings() -> dict[str, Mapping]:
    """All of them by name, in the order of their names."""
    return {
        name: read_mapping(name, document)
        for text in _texts().values()
        for name, document in yaml.safe_load(text).items()
    }


def with_built_in(own: Map[str, Mapping]) -> dict[str, Mapping]:
    """`own` mappings, and those built in whose names they leave; a record is tried on `own` ones first."""
    return {**own, **{name: mapping for name, mapping in built_in_mappings().items() if name not in own}}


def built_in_text(name: str) -> str | None:
    """The text of the file that holds the mapping `name`, as an example to write one's own by; None without one."""
    return next((text for text in _texts().values() if name in yaml.safe_load(text)), None)


@cache
def _texts() -> dict[str, str]:
    folder = files("model_exporter.mapping.systems")
    found = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".yml")}
    return dict(sorted(found.items()))
