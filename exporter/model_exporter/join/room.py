"""How the embedded store makes room: what has waited long enough goes, and beyond the limits a sample is kept."""

from collections.abc import Callable
from typing import Final

from model_exporter.join.partitions import Partition
from model_exporter.join.shelves import Shelves
from model_exporter.join.store import Account, Lost, StoreLimits, Unmatched

_DROPS_PER_CALL: Final = 8
"""Partitions whose time is over that one call drops; the next call drops the next ones."""
_WORTH_FORGETTING: Final = 0.25
"""Share of rows with an outcome from which on these make room before the sample gets smaller."""


def drop_expired(shelves: Shelves, account: Account, now: float, wait_of: Callable[[str], float]) -> None:
    """Drop what has waited long enough."""
    over = [p for p in shelves.all() if now - p.newest >= wait_of(p.model)]
    for partition in over[:_DROPS_PER_CALL]:
        if partition.predictions:
            beyond, settled = _beyond(shelves, partition, partition.rate)
            account.lost[partition.model, Lost.SAMPLED_OUT] += beyond - settled
            account.lost[partition.model, Lost.TIMED_OUT] += partition.waiting - (beyond - settled)
        else:
            lowest = min([partition.early_rate, *(p.rate for p in shelves.of(partition.model, predictions=True))])
            beyond, _ = shelves.tables.beyond(partition, lowest)
            account.unmatched[partition.model, Unmatched.SAMPLED_OUT] += beyond
            account.unmatched[partition.model, Unmatched.NO_PREDICTION] += partition.rows - beyond
        shelves.drop(partition)


def fullness(shelves: Shelves, limits: StoreLimits, size: int) -> float:
    """How much of the limit that is closest to be hit is taken; above 1 room has to be made."""
    rows = sum(p.rows for p in shelves.all() if p.predictions)
    return max(rows / limits.predictions, size / limits.size)


def make_room(shelves: Shelves, account: Account, now: float, taken: float) -> None:
    """One step towards the limits, `taken` being the `fullness`: at most one partition is written anew."""
    unthinned = next((p for p in shelves.all() if p.rate < p.thinned_to), None)
    if unthinned is None and taken > 1:
        if _forget_one(shelves, account):
            return
        _halve(shelves, now)
        unthinned = next((p for p in shelves.all() if p.rate < p.thinned_to), None)
    if unthinned is None:
        return
    gone, settled = shelves.tables.thin(unthinned)
    if unthinned.predictions:
        account.lost[unthinned.model, Lost.SAMPLED_OUT] += gone - settled
        account.forgotten[unthinned.model] += settled
    else:
        account.unmatched[unthinned.model, Unmatched.SAMPLED_OUT] += gone
    if not unthinned.rows:
        shelves.drop(unthinned)


def drop_oldest_outcomes(shelves: Shelves, account: Account, limit: int) -> None:
    """Keep no more than `limit` outcomes waiting; the oldest go first."""
    early = [p for p in shelves.all() if not p.predictions]
    waiting = sum(p.rows for p in early)
    for partition in early:
        if waiting <= limit:
            return
        waiting -= partition.rows
        account.unmatched[partition.model, Unmatched.LIMIT] += partition.rows
        shelves.drop(partition)


def raise_share(shelves: Shelves, now: float, taken: float, wait_of: Callable[[str], float]) -> None:
    """Double the smallest share when there is room for it."""
    shares = shelves.shared()
    if not shares:
        return
    model, share = min(shares.items(), key=lambda item: item[1].rate)
    if share.may_rise(now, wait=wait_of(model), fullness=taken):
        shelves.keep_share(model, share.doubled(now))


def _beyond(shelves: Shelves, partition: Partition, rate: float) -> tuple[int, int]:
    return shelves.tables.beyond(partition, rate) if partition.rate < partition.thinned_to else (0, 0)


def _forget_one(shelves: Shelves, account: Account) -> bool:
    """Forget the oldest predictions that have their outcome, when they are many."""
    kept = [p for p in shelves.all() if p.predictions]
    if sum(p.settled for p in kept) < _WORTH_FORGETTING * sum(p.rows for p in kept):
        return False
    for partition in kept:
        if partition.settled >= max(1, _WORTH_FORGETTING * partition.rows):
            account.forgotten[partition.model] += shelves.tables.forget_settled(partition)
            if not partition.rows:
                shelves.drop(partition)
            return True
    return False


def _halve(shelves: Shelves, now: float) -> None:
    """Halve the share of the model that takes most of the store."""
    rows: dict[str, int] = {}
    for partition in shelves.all():
        if partition.predictions:
            rows[partition.model] = rows.get(partition.model, 0) + partition.rows
    model = max(rows, key=lambda name: (rows[name], name), default=None)
    if model is not None:
        shelves.keep_share(model, shelves.share(model).halved(now))
