"""Predictions and outcomes that wait for each other."""

from model_exporter.join.opening import limits_of, open_store
from model_exporter.join.sqlite import SqliteStore
from model_exporter.join.store import Account, JoinStore, Lost, StorageError, StoreLimits, Unmatched

__all__ = [
    "Account",
    "JoinStore",
    "Lost",
    "SqliteStore",
    "StorageError",
    "StoreLimits",
    "Unmatched",
    "limits_of",
    "open_store",
]
