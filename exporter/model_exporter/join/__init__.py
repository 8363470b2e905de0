"""Outcomes on their way to their predictions."""

from model_exporter.join.store import OutcomeStore

__all__ = ["OutcomeStore"]
