"""What of the rolling state outlives a restart, on disk."""

from model_exporter.journal.checkpoints import Checkpoints
from model_exporter.journal.file import CheckpointFile

__all__ = ["CheckpointFile", "Checkpoints"]
