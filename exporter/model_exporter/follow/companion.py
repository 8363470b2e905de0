"""The file that stands beside a file and tells what its records mean."""

import os
from typing import Final

_SCHEMA_BYTES: Final = 64 * 1024
"""Of the end of a schema file; the last line counts."""


def companion(path: str) -> str:
    """The last line of the schema that belongs to the data in `path`, empty when there is none.

    BentoML writes `data/data.WORKER.log` and `schema/schema.WORKER.log`, and rotates each on its own:

        iris/data/data.1.log.2026-11-26 -> iris/schema/schema.1.log, or the newest iris/schema/schema.1.log.*
    """
    folder, name = os.path.split(path)
    above, kind = os.path.split(folder)
    if kind != "data" or not name.startswith("data."):
        return ""
    worker = "schema" + name.removeprefix("data").partition(".log")[0] + ".log"
    schemas = os.path.join(above, "schema")
    try:
        names = sorted((other for other in os.listdir(schemas) if other.startswith(worker)), reverse=True)
    except OSError:
        return ""
    for other in sorted(names, key=lambda other: other != worker):
        if line := _last_line(os.path.join(schemas, other)):
            return line
    return ""


def _last_line(path: str) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _SCHEMA_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return ""
    return next((line.decode("utf-8", "replace") for line in reversed(lines) if line.strip()), "")
