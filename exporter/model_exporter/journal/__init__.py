"""What outlives a restart, on disk: of the rolling state, and of what clients tell only once."""

from model_exporter.journal.checkpoints import Checkpoints
from model_exporter.journal.file import CheckpointFile
from model_exporter.journal.schemas import SchemaFile, SchemaKeeper

__all__ = ["CheckpointFile", "Checkpoints", "SchemaFile", "SchemaKeeper"]
