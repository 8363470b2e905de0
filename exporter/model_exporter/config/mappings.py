"""The mappings of a configuration file."""

import re
from collections.abc import Mapping
from typing import Final

from model_exporter.config.document import Node, quoted
from model_exporter.mapping import DocumentError, read_mapping
from model_exporter.mapping import Mapping as RecordMapping

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
"""A mapping's name is a part of the path that takes its records."""


def mappings(documents: Mapping[str, object], node: Node) -> dict[str, RecordMapping]:
    """The mappings that `documents` describe, as they stand at `node`.

    Raises:
        ConfigError: the first mistake.
    """
    return {name: _mapping(name, document, node.find(name)) for name, document in documents.items()}


def _mapping(name: str, document: object, node: Node) -> RecordMapping:
    if not _NAME.fullmatch(name):
        raise node.mistake(
            f"{quoted(name)} cannot be the name of a mapping",
            "Write 1 to 100 letters, digits, and the characters _ . -",
        )
    try:
        return read_mapping(name, document)
    except DocumentError as error:
        place = node.find(*map(str, error.path))
        raise place.mistake(error.problem, error.remedy) from error
