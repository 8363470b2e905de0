"""Shared stores when their server goes away."""

import pytest

from joining import MODEL, T0, awaited, outcome, told
from model_exporter.join import StorageError, StoreLimits
from model_exporter.join.postgresql_database import PostgresqlDatabase
from model_exporter.join.redis_database import RedisDatabase
from model_exporter.join.shared import Database, SharedStore
from servers import postgresql_server, redis_server

pytestmark = pytest.mark.e2e
LIMITS = StoreLimits(predictions=1000, size=1 << 40, outcomes=1000)


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
def test_a_server_that_stops_refuses_outcomes_without_its_address(kind: str) -> None:
    """The caller hears of it at once, and the error does not repeat the address, which may hold a password."""
    with redis_server() if kind == "redis" else postgresql_server() as url:
        database: Database = RedisDatabase(url) if kind == "redis" else PostgresqlDatabase(url)
        store = SharedStore(database, LIMITS)
        store.wait_for(MODEL, [awaited("p1")], T0)
        assert [told(p) for p in store.tell([(MODEL, outcome("p1"))], T0)] == [("p1", "yes", None)]
    with pytest.raises(StorageError) as caught:
        store.tell([(MODEL, outcome("p1", "no"))], T0 + 2)
    assert "127.0.0.1" not in str(caught.value)
    assert store.wait_for(MODEL, [awaited("p2")], T0 + 2) == []
    store.close()
