"""Files that hold either the old content or all of the new, at any moment."""

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex


def replace_file(path: Path, content: bytes) -> None:
    """Make `content` that of the file `path`, through a power cut too where the system can.

    Raises:
        OSError: the disk refuses; the old content stays.
    """
    target = path.resolve()  # a link stays a link
    draft = target.with_name(f".{target.name}.{token_hex(4)}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        sync_folder(target.parent)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make a renaming in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
