"""Whether the groups of a model version's segments are treated alike."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, zip_longest
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Facts, class_of
from model_exporter.config.settings import ModelKind, ModelSettings
from model_exporter.config.templates import POSITIVE
from model_exporter.stats.fairness import GroupErrors, GroupRates
from model_exporter.window.cohorts import SLOT_SECONDS, SUMS, Cohorts
from model_exporter.window.delays import Delays
from model_exporter.window.facts import Calls
from model_exporter.window.gap_alarms import ALARM_SERIES, GapAlarms
from model_exporter.window.kept_sums import KeptCohorts, KeptGroups, to_bytes, to_texts
from model_exporter.window.scoring import Pair, called
from model_exporter.window.segments import Grouped, SegmentReader
from model_exporter.window.snapshot import COHORTS, GroupSnapshot, SegmentSnapshot, SegmentWindow

_IS, _IS_NOT, _ANOTHER = 1, 0, 2
"""Codes of classes: the positive one, one that is not, and a predicted one that is neither positive nor right."""
_TRUTHS: Final = frozenset({"0", "1"})
_SERIES_OF_GROUP: Final = 6 + len(COHORTS) * 3 * 5 * 2
"""Counters, and in each window five metrics and their gaps to the rest, with bounds."""

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


class GroupPair(NamedTuple):
    """A pair as it is booked: sign 1 enters its cohort, -1 leaves it; counters keep the first of a prediction."""

    pair: Pair
    made_at: float
    sign: int
    first: bool


class GroupPerformance:
    """Rates or errors by group, in cohorts and since the start, one segment after another in one vector of sums.

    Of classifiers the selection rate counts all predictions, with or without outcome. Of models that neither classify
    nor predict numbers there is the traffic of groups alone, and so there is while a model whose kind
    is not configured has not met an outcome that tells it.

    Args:
        settings: of the model.
        reader: tells groups; the codes of its words are places in the sums.
        limit: groups of one segment that have a name.
        delays: of the model version's outcomes; they say where windows end.
        now: unix seconds.
    """

    def __init__(
        self, settings: ModelSettings, reader: SegmentReader, *, limit: int, delays: Delays, now: float
    ) -> None:
        self._reader = reader
        self._positive = settings.outcome.positive or POSITIVE
        # A segment of ranges has one more of them than edges; one of values has `_other` beside those with a name.
        self._sizes = [len(segment.edges) + 1 if segment.edges else limit + 1 for segment in reader.segments]
        self._kind: ModelKind | None = None
        self._is_numeric = self._is_classifier = False
        self._columns = 0
        self._predicted: set[str] = set()  # grows until one is neither true nor false
        self._traffic = [np.zeros(size, np.int64) for size in self._sizes]
        self._totals = np.zeros(0)
        self._cohorts = Cohorts(0, wait=settings.outcome.wait_seconds, now=now, delays=delays)
        self._names: list[tuple[str, ...]] = [()] * len(self._sizes)
        self._revision = 0
        self._alarms = [GapAlarms() for _ in self._sizes]
        self._looked = self._revision, now // SLOT_SECONDS
        self.fairness_gap = settings.fairness_gap
        if settings.kind:
            self.score_as(settings.kind)

    @property
    def series(self) -> int:
        """How many series it takes at most."""
        return sum(ALARM_SERIES + _SERIES_OF_GROUP * (len(names) + 1) for names in self._names)

    @property
    def looks_binary(self) -> bool:
        """Whether all classes predicted so far are true and false, and there are some."""
        return bool(self._predicted) and self._predicted <= _TRUTHS

    @property
    def revision(self) -> tuple[int, int]:
        """Changes with what it tells."""
        return self._revision, self._cohorts.revision

    def score_as(self, kind: ModelKind) -> None:
        """Have rates or errors from now on, as a model of `kind` has them; the first that is told holds."""
        if self._kind is not None:
            return
        self._kind = kind
        self._is_numeric = kind in (ModelKind.REGRESSION, ModelKind.FORECASTING)
        self._is_classifier = kind is ModelKind.CLASSIFICATION
        self._columns = _rates([]).width if self._is_classifier else GroupErrors([]).width if self._is_numeric else 0
        width = sum((size + 1) * self._columns for size in self._sizes)
        self._totals = np.zeros(width)
        self._cohorts.restart(width)
        self._revision += 1

    def expect(self, grouped: Grouped, calls: Calls) -> None:
        """Count the groups of predictions, and what was predicted for those that did not fail."""
        self._revision += 1
        self._learn_names(grouped)
        for segment, words in enumerate(grouped.groups):
            self._traffic[segment] += np.bincount(words.codes[words.codes >= 0], minlength=self._sizes[segment])
        if not self._is_classifier or not len(calls.rows):
            return
        slots, places = self._slots(calls.made_at)
        names = {value: called(Facts(value)) for value in set(calls.predicted)}
        if self._predicted <= _TRUTHS:
            self._predicted.update(name for name in names.values() if name is not None)
        code_of = {value: -1 if name is None else int(name == self._positive) for value, name in names.items()}
        codes = np.array([code_of[value] for value in calls.predicted], np.int64)
        parts: list[Floats] = []
        for words, size in zip(grouped.groups, self._sizes, strict=True):
            cells = _rates([""] * (len(slots) * (size + 1)))
            groups = words.codes[calls.rows].astype(np.int64)
            parts.append(self._by_slot(cells.predicted(_cells(groups, places, size), codes), len(slots)))
        sums = np.concatenate(parts, axis=1)
        self._cohorts.realised(slots, sums, np.zeros(len(slots)))
        self._totals += sums.sum(axis=0)

    def realise(self, pairs: Sequence[GroupPair]) -> None:
        """Book pairs that can be scored."""
        if not self._columns or not pairs:
            return
        self._revision += 1
        slots, places = self._slots(np.array([one.made_at for one in pairs], np.float64))
        groups = self._codes([one.pair.facts for one in pairs])
        sums = np.zeros((len(slots), self._cohorts.width))
        for sign in (1, -1):
            rows = [row for row, one in enumerate(pairs) if one.sign == sign]
            chosen = [pairs[row].pair for row in rows]
            sums += sign * self._sums(chosen, [codes[rows] for codes in groups], places[rows], len(slots))
        self._cohorts.realised(slots, sums, np.zeros(len(slots)))
        rows = [row for row, one in enumerate(pairs) if one.first]
        chosen, nowhere = [pairs[row].pair for row in rows], np.zeros(len(rows), np.int64)
        self._totals += self._sums(chosen, [codes[rows] for codes in groups], nowhere, 1)[0]

    def advance(self, now: float, *, is_binary: bool) -> None:
        """Let time pass, and compare the groups once in a slot; `is_binary` as for `snapshot`."""
        self._cohorts.advance(now)
        slot = now // SLOT_SECONDS
        if self._columns and slot > self._looked[1] and self._revision != self._looked[0]:
            for alarms, (begin, end), names in zip(self._alarms, self._parts(), self._names, strict=True):
                listed = self._listed(self._totals[begin:end], len(names)).ravel()
                alarms.look(self._tally(names, is_binary=is_binary), listed, self.fairness_gap)
            self._revision += 1
            self._looked = self._revision, slot

    def checkpoint(self) -> KeptGroups:
        """Sums by group and slot, with the groups' names; counters begin at 0 after a restart."""
        return KeptGroups(tuple(self._sizes), tuple(map(to_bytes, self._names)), self._cohorts.checkpoint())

    def restore(self, kept: KeptGroups) -> None:
        """Add the sums that were kept to the places that their groups have now, those without one to `_other`.

        Raises:
            ValueError: they are of other segments, or damaged.
        """
        names = [to_texts(told) for told in kept.names]
        if not len(names) == len(kept.sizes) == len(self._sizes):
            raise ValueError(f"no sums by {len(self._sizes)} segments are those by {len(kept.sizes)}")
        if any(len(told) > size for told, size in zip(names, kept.sizes, strict=True)):
            raise ValueError("there are more groups than places for them")
        width = sum((size + 1) * self._columns for size in kept.sizes)
        starts, table = kept.cohorts.slots(SUMS + width)
        grouped = self._reader.recode(list(zip_longest(*names, fillvalue="")))
        self._learn_names(grouped)
        parts, begin = [table[:, :SUMS]], SUMS
        for told, words, old, size in zip(names, grouped.groups, kept.sizes, self._sizes, strict=True):
            end = begin + (old + 1) * self._columns
            blocks = table[:, begin:end].reshape(len(starts), old + 1, self._columns).swapaxes(0, 1)
            moved = np.zeros((size + 1, len(starts), self._columns))
            np.add.at(moved, np.append(words.codes[: len(told)], size), blocks[[*range(len(told)), old]])
            parts.append(moved.swapaxes(0, 1).reshape(len(starts), (size + 1) * self._columns))
            begin = end
        self._cohorts.restore(KeptCohorts.of(starts, np.concatenate(parts, axis=1)))

    def snapshot(self, now: float, *, is_binary: bool) -> tuple[SegmentSnapshot, ...]:
        """What groups tell, segment by segment. Without a positive class the accuracy is their only rate."""
        windows = {name: self._cohorts.window(name, now).sums for name in COHORTS} if self._columns else {}
        found: list[SegmentSnapshot] = []
        for segment, (begin, end), names, traffic, alarms in zip(
            self._reader.segments, self._parts(), self._names, self._traffic, self._alarms, strict=True
        ):
            tally = self._tally(names, is_binary=is_binary)
            told: list[SegmentWindow] = []
            for name, sums in windows.items():
                listed = self._listed(sums[begin:end], len(names)).ravel()
                told.append(SegmentWindow(name, tuple(tally.measures(listed)), tuple(tally.gaps(listed))))
            since = self._listed(self._totals[begin:end], len(names))
            groups = self._counted(names, traffic, since, is_binary=is_binary)
            found.append(
                SegmentSnapshot(segment.name, tuple(groups), tuple(told), alarms.detected, alarms.alarms, alarms.worst)
            )
        return tuple(found)

    def _parts(self) -> list[tuple[int, int]]:
        """Where each segment's sums stand."""
        ends = list(accumulate((size + 1) * self._columns for size in self._sizes))
        return list(zip([0, *ends[:-1]], ends, strict=True))

    def _tally(self, names: Sequence[str], *, is_binary: bool) -> GroupRates | GroupErrors:
        return GroupErrors(names) if self._is_numeric else _rates(names, is_binary=is_binary)

    def _counted(
        self, names: Sequence[str], traffic: Codes, sums: Floats, *, is_binary: bool
    ) -> Iterator[GroupSnapshot]:
        for place, (name, predictions) in enumerate(zip(names, traffic.tolist(), strict=False)):
            row = sums[place].tolist()
            if self._is_numeric:
                yield GroupSnapshot(name, predictions, outcomes=row[0], absolute_error=row[2])
            elif self._is_classifier and is_binary:
                yield GroupSnapshot(name, predictions, positives=row[2], confusion=tuple(row[3:7]))
            else:
                yield GroupSnapshot(name, predictions)

    def _sums(self, pairs: Sequence[Pair], groups: Sequence[Codes], places: Codes, number: int) -> Floats:
        """Sums of the pairs of each place, float64[number, width]."""
        weights = np.array([pair.weight for pair in pairs], np.float64)
        parts: list[Floats] = []
        for codes, size in zip(groups, self._sizes, strict=True):
            names, at = [""] * (number * (size + 1)), _cells(codes, places, size)
            if self._is_numeric:
                actual = np.array([pair.outcome.value for pair in pairs], np.float64)
                predicted = np.array([pair.facts.predicted for pair in pairs], np.float64)
                flat = GroupErrors(names).realised(at, actual, predicted, weights)
            else:
                flat = _rates(names).realised(at, *self._classes(pairs), weights)
            parts.append(self._by_slot(flat, number))
        return np.concatenate(parts, axis=1)

    def _classes(self, pairs: Sequence[Pair]) -> tuple[Codes, Codes]:
        """Codes of what happened and of what was predicted, equal where the classes are."""
        actual = [class_of(pair.outcome.value) for pair in pairs]
        happened = [_IS if name == self._positive else _IS_NOT for name in actual]
        answered = []
        for pair, truth in zip(pairs, actual, strict=True):
            name = called(pair.facts)
            negative = _IS_NOT if truth in {name, self._positive} else _ANOTHER
            answered.append(-1 if name is None else _IS if name == self._positive else negative)
        return np.array(happened, np.int64), np.array(answered, np.int64)

    def _codes(self, facts: Sequence[Facts]) -> list[Codes]:
        """For each segment, the code of each prediction's group; -1 where it is not known."""
        grouped = self._reader.recode([one.groups for one in facts])
        self._learn_names(grouped)
        return [words.codes.astype(np.int64) for words in grouped.groups]

    def _learn_names(self, grouped: Grouped) -> None:
        self._names = [words.words for words in grouped.groups]

    def _slots(self, made_at: Floats) -> tuple[Floats, Codes]:
        slots, places = np.unique(self._cohorts.places(made_at), return_inverse=True)
        return slots, places.astype(np.int64)

    def _by_slot(self, flat: Floats, number: int) -> Floats:
        """Sums of cells without those of the last block, which no row falls in: float64[number, cells * columns]."""
        return flat[: -self._columns].reshape(number, -1)

    def _listed(self, sums: Floats, groups: int) -> Floats:
        """Of one segment's sums those of the groups that have been seen, and of rows without one: [groups + 1, m]."""
        if not self._columns:
            return np.zeros((groups + 1, 0))
        blocks = sums.reshape(-1, self._columns)
        return np.concatenate([blocks[:groups], blocks[-1:]])


def _rates(names: Sequence[str], *, is_binary: bool = True) -> GroupRates:
    return GroupRates(names, positive=_IS if is_binary else None)


def _cells(groups: Codes, places: Codes, size: int) -> Codes:
    """One number for place and group; the last group of each place is none."""
    return places * (size + 1) + np.where(groups < 0, size, groups)
