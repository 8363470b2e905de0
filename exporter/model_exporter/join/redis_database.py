"""Redis under the shared store.

Of each model there are: its entries, one string each; for each state the keys by the end of their wait; and the keys
by their hash, for the sample. All have the model's name as their hash tag, so that they stand on one node of a cluster.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import redis
from msgspec import DecodeError
from msgspec.msgpack import Decoder, encode

from model_exporter.join.entries import STATES
from model_exporter.join.matching import HASH_BITS
from model_exporter.join.sampling import Share
from model_exporter.join.shared import Change, Counts
from model_exporter.join.store import StorageError

_T = TypeVar("_T")
_TIMEOUT_SECONDS: Final = 1.0
_PREFIX: Final = "model_exporter"
_MODELS: Final = f"{_PREFIX}:models"
_SHARES: Final = f"{_PREFIX}:shares"
_SCORE_BITS: Final = 53
"""Scores are double-precision numbers."""
_SHARES_OF: Final = Decoder(list[Share])

_SWAP: Final = """
local base, refused = KEYS[1], {}
redis.call('SADD', KEYS[2], ARGV[1])
for i = 2, #ARGV, 6 do
  local key, score, old, new, state, due = unpack(ARGV, i, i + 5)
  local name = base .. 'entry:' .. key
  local now = redis.call('GET', name)
  if (now or '') == old then
    redis.call('SET', name, new)
    for other = 0, 2 do
      if tostring(other) ~= state then redis.call('ZREM', base .. 'due:' .. other, key) end
    end
    redis.call('ZADD', base .. 'due:' .. state, due, key)
    redis.call('ZADD', base .. 'hash', score, key)
  else
    refused[#refused + 1] = key
  end
end
return refused
"""
_TAKE: Final = """
local base, taken = KEYS[1], {}
local keys = redis.call('ZRANGEBYSCORE', base .. ARGV[1], ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4])
for _, key in ipairs(keys) do
  local name = base .. 'entry:' .. key
  taken[#taken + 1] = redis.call('GET', name) or ''
  redis.call('DEL', name)
  for state = 0, 2 do redis.call('ZREM', base .. 'due:' .. state, key) end
  redis.call('ZREM', base .. 'hash', key)
end
return taken
"""
_SWAP_SHARES: Final = """
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') == ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
"""


class RedisDatabase:
    """See `shared.Database`.

    Args:
        url: `redis://`, `rediss://` or `unix://`; it may hold a password and is never repeated.

    Raises:
        ValueError: `url` is none.
    """

    def __init__(self, url: str) -> None:
        # Any: the client's answers have no better types.
        self._client: Any = redis.Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=None,
            protocol=2,
        )
        self._swap = self._client.register_script(_SWAP)
        self._take = self._client.register_script(_TAKE)
        self._swap_shares = self._client.register_script(_SWAP_SHARES)

    def read(self, model: str, keys: Sequence[str]) -> list[bytes | None]:
        """See `shared.Database`."""
        base = _base(model)
        return list(_ask(lambda: self._client.mget([f"{base}entry:{key}" for key in keys])))

    def swap(self, model: str, changes: Sequence[Change]) -> set[str]:
        """See `shared.Database`."""
        told: list[str | bytes | int] = [model]
        for change in changes:
            told += (change.key, _score(change.hash), change.old or b"", change.new, change.state, repr(change.due))
        refused = _ask(lambda: self._swap(keys=[_base(model), _MODELS], args=told))
        return {key.decode("utf-8", "surrogatepass") for key in refused}

    def take_overdue(self, model: str, state: int, now: float, limit: int) -> list[bytes]:
        """See `shared.Database`."""
        return list(_ask(lambda: self._take(keys=[_base(model)], args=[f"due:{state}", "-inf", repr(now), limit])))

    def take_beyond(self, model: str, threshold: int, limit: int) -> list[bytes]:
        """See `shared.Database`."""
        lowest = _score(threshold)
        return list(_ask(lambda: self._take(keys=[_base(model)], args=["hash", lowest, "+inf", limit])))

    def counts(self) -> dict[str, Counts]:
        """See `shared.Database`."""
        found: dict[str, Counts] = {}
        for name in _ask(lambda: self._client.smembers(_MODELS)):
            model = name.decode("utf-8", "surrogatepass")
            with self._client.pipeline(transaction=False) as pipeline:
                for state in STATES:
                    pipeline.zcard(f"{_base(model)}due:{state}")
                found[model] = Counts(*_ask(pipeline.execute))
        return found

    def shares(self) -> dict[str, list[Share]]:
        """See `shared.Database`."""
        found = _ask(lambda: self._client.hgetall(_SHARES))
        return {name.decode("utf-8", "surrogatepass"): _shares(told) for name, told in found.items()}

    def swap_shares(self, model: str, old: list[Share], new: list[Share]) -> None:
        """See `shared.Database`."""
        _ask(lambda: self._swap_shares(keys=[_SHARES], args=[model, encode(old) if old else b"", encode(new)]))

    def size(self) -> int:
        """See `shared.Database`: memory of the whole server."""
        return int(_ask(lambda: self._client.info("memory"))["used_memory"])

    def close(self) -> None:
        """See `shared.Database`."""
        self._client.close()


def _base(model: str) -> str:
    return f"{_PREFIX}:{{{model}}}:"


def _score(number: int) -> int:
    return number >> (HASH_BITS - _SCORE_BITS)


def _shares(told: bytes) -> list[Share]:
    try:
        return _SHARES_OF.decode(told)
    except DecodeError:
        return []


def _ask(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except (redis.RedisError, OSError) as error:
        raise StorageError(f"Redis: {type(error).__name__}") from error
