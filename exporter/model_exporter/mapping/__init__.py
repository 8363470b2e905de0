"""Mappings: data that says where a record of any shape keeps what a prediction log tells.

`read_mapping` compiles one from what a configuration file or a file of `systems/` holds; `Mapping.rows` turns a record
into native ones. Pure: JSON-like values in, the same out.
"""

from model_exporter.mapping.document import DocumentError, read_mapping
from model_exporter.mapping.fields import FIELDS, SCOPES
from model_exporter.mapping.mapping import Mapping, NativeRow
from model_exporter.mapping.path import Path, PathError, parse_path
from model_exporter.mapping.systems import built_in_mappings, built_in_text, with_built_in

__all__ = [
    "FIELDS",
    "SCOPES",
    "DocumentError",
    "Mapping",
    "NativeRow",
    "Path",
    "PathError",
    "built_in_mappings",
    "built_in_text",
    "parse_path",
    "read_mapping",
    "with_built_in",
]
