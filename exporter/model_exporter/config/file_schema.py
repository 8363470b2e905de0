"""What a configuration file may say of log files."""

from enum import Enum
from typing import Annotated

from msgspec import Meta

from model_exporter.config.keys import Keys, Name

Glob = Annotated[str, Meta(min_length=1, max_length=4000, pattern=r"^[^\x00-\x1f\x7f]*$", title="a path, or a glob")]


class Start(Enum):
    """Where files begin that are there at the very first start."""

    BEGINNING = "beginning"
    END = "end"


class FileKeys(Keys, frozen=True):
    """An entry of `files`."""

    path: Annotated[
        Glob,
        Meta(
            description="The files: `*`, `?` and `[...]` within a name, `**` for folders at any depth. Relative to the "
            "folder of the configuration file. Files compressed by gzip are read, too.",
            examples=["/var/log/models/*.jsonl"],
        ),
    ]
    mapping: Annotated[
        Name | None,
        Meta(
            description="Name of the mapping that reads each line, one of `mappings` or built in. Without it, lines "
            "are native predictions.",
            examples=["kserve"],
        ),
    ] = None
    model: Annotated[Name | None, Meta(description="The model of records that name none.", examples=["fraud"])] = None
    version: Annotated[Name | None, Meta(description="The version of records that name none.", examples=["1.4.2"])] = (
        None
    )
    start: Annotated[
        Start,
        Meta(
            description="Where to begin with files that are there when they are followed for the first time. Later "
            "ones are read from their beginning, and all of them from where they were left after a restart."
        ),
    ] = Start.BEGINNING
