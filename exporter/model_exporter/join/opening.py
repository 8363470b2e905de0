"""The store that the configuration asks for."""

from pathlib import Path

from model_exporter.config.settings import JoinSettings, JoinStoreKind, Limits
from model_exporter.join.shared import Database, SharedStore
from model_exporter.join.sqlite import SqliteStore
from model_exporter.join.store import JoinStore, StorageError, StoreLimits


def limits_of(limits: Limits) -> StoreLimits:
    """The bounds of a store among those of the exporter."""
    return StoreLimits(
        predictions=limits.remembered_predictions, size=limits.remembered_bytes, outcomes=limits.outcomes
    )


def open_store(settings: JoinSettings, folder: Path, limits: Limits) -> JoinStore:
    """The store of `settings`; the embedded one is a file in `folder`. A shared one need not be there yet.

    Raises:
        StorageError: it cannot be opened, its client is not installed, or its address is none.
    """
    if settings.store is JoinStoreKind.SQLITE:
        return SqliteStore(folder / "join.db", limits_of(limits))
    return SharedStore(_database(settings), limits_of(limits))


def _database(settings: JoinSettings) -> Database:
    try:
        if settings.store is JoinStoreKind.REDIS:
            from model_exporter.join.redis_database import RedisDatabase  # noqa: PLC0415  # an extra

            return RedisDatabase(settings.url)
        from model_exporter.join.postgresql_database import PostgresqlDatabase  # noqa: PLC0415  # an extra

        return PostgresqlDatabase(settings.url)
    except ImportError as error:
        name = settings.store.value
        raise StorageError(f"join.store: {name} needs its client: pip install 'model_exporter[{name}]'") from error
    except ValueError as error:
        # The address may hold a password, so that neither it nor the client's own message is repeated.
        raise StorageError(f"join.url: this is no address of a {settings.store.value} server") from error
