"""The file of checkpoints."""

import logging
from pathlib import Path

from model_exporter.files import replace_file
from model_exporter.journal.frame import unpack
from model_exporter.window.kept import KeptVersion

log = logging.getLogger(__name__)


class CheckpointFile:
    """The last checkpoint, in one file.

    Args:
        path: the file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set_aside: Path | None = None

    def read(self) -> tuple[KeptVersion, ...]:
        """What was kept; nothing when there is no file.

        A file that is no checkpoint, a damaged one, one of another format version and one that cannot be read is
        renamed to `*.corrupt`: `set_aside` then names it, and nothing was kept.
        """
        try:
            return unpack(self.path.read_bytes())
        except FileNotFoundError:
            return ()
        except (ValueError, OSError) as error:
            self._put_aside(error)
            return ()

    def write(self, packed: bytes) -> None:
        """Keep a checkpoint from `frame.pack` instead of the last one.

        Raises:
            OSError: the disk refuses; the last one stays.
        """
        replace_file(self.path, packed)

    def _put_aside(self, why: Exception) -> None:
        aside = self.path.with_suffix(".corrupt")
        try:
            self.path.replace(aside)
        except OSError as error:
            log.warning("the checkpoint can be neither read nor set aside", extra={"error": f"{why}; {error}"})
        else:
            self.set_aside = aside
            log.warning(
                "the checkpoint was set aside; verdicts and performance begin anew",
                extra={"file": str(aside), "error": str(why)},
            )
