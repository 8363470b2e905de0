"""What calls of language models used, and that a call that several spans tell of counts once."""

from dataclasses import replace
from itertools import permutations
from math import nan

import numpy as np
import pytest

from batches import T0, batch_of
from model_exporter.batch import Batch, Call, ModelCalls, Origin, join_batches, take_rows
from model_exporter.config.settings import Limits, Settings
from model_exporter.telemetry import Telemetry
from model_exporter.window.calls import MAX_FINISH_REASONS
from model_exporter.window.fleet import Fleet
from model_exporter.window.snapshot import CallsSnapshot, VersionSnapshot


def calls_of(*calls: Call, keys: tuple[int, ...] = ()) -> Batch:
    """A batch of spans, a row a call."""
    batch = batch_of({}, rows=len(calls))
    told = np.array(keys or [0] * len(calls), np.int64)
    return replace(batch, origin=Origin.SPAN, keys=told, calls=ModelCalls.of(calls))


def fleet(**limits: int) -> Fleet:
    """Without any model yet."""
    return Fleet(Settings(limits=Limits(**limits)), learned={}, recorder=Telemetry(), notify=lambda _: None, now=T0)


def counted(*arrivals: list[Batch], **limits: int) -> VersionSnapshot:
    """What is counted of batches of one model that arrive together, and one after another."""
    windows = fleet(**limits)
    for batches in arrivals:
        windows.announce(batches)
        for batch in batches:
            windows.predict("gpt", batch, T0)
    windows.advance(T0)
    (version,) = windows.snapshot(T0).models[0].versions
    return version


def of(version: VersionSnapshot) -> CallsSnapshot:
    """Its calls."""
    assert version.calls
    return version.calls


def test_tokens_add_up_and_absence_is_no_zero() -> None:
    """A kind that no call told has no count, and calls that told nothing are not metered."""
    told = [Call((3, 4, nan, nan)), Call((10, nan, 2, nan), 0.5, "stop"), Call()]
    calls = of(counted([calls_of(*told)]))
    assert calls.tokens == (("input", 13), ("output", 4), ("cached", 2))
    assert calls.metered == 2
    assert calls.first_token
    assert (calls.first_token.buckets.sum(), calls.first_token.total_seconds) == (1, 0.5)
    assert calls.finish_reasons == (("stop", 1),)


def test_other_models_have_none_of_it() -> None:
    """Nor do calls that told nothing make series."""
    assert counted([batch_of({}, rows=3)]).calls is None
    calls = of(counted([calls_of(Call())]))
    assert (calls.tokens, calls.metered, calls.first_token, calls.finish_reasons) == ((), 0, None, ())


def test_reasons_to_finish_are_bounded() -> None:
    """What comes after shares a name, and the limit's hits are counted."""
    told = [Call(finish_reason=f"reason {i}") for i in range(MAX_FINISH_REASONS + 3)]
    calls = of(counted([calls_of(*told)]))
    assert len(calls.finish_reasons) == MAX_FINISH_REASONS + 1
    assert dict(calls.finish_reasons)["_other"] == 3


def test_without_room_for_their_series_calls_still_are_predictions() -> None:
    """Only what they used is not counted."""
    windows = fleet()
    windows.predict("gpt", batch_of({}, rows=1), T0)
    used = windows.snapshot(T0).series
    plain = replace(calls_of(Call()), calls=None)
    version = counted([plain], [calls_of(Call((1, 1, nan, nan)))], series=used)
    assert (version.predictions, version.calls) == (2, None)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_nested_spans_that_come_together_the_innermost_counts(order: tuple[int, ...]) -> None:
    """In whatever order, and in batches of their own: their versions may differ."""
    spans = [
        calls_of(Call((1, 1, nan, nan)), keys=(1,)),
        calls_of(Call((1, 1, nan, nan), within=1), keys=(2,)),
        calls_of(Call((5, 5, nan, nan), within=2), keys=(3,)),
    ]
    version = counted([spans[place] for place in order])
    assert (version.predictions, version.duplicates) == (1, 2)
    assert of(version).tokens == (("input", 5), ("output", 5))


def test_an_outer_span_that_comes_later_does_not_count() -> None:
    """Exports are cut anywhere; spans end from the inside out."""
    inner = calls_of(Call((5, 5, nan, nan), within=1), keys=(2,))
    outer = calls_of(Call((1, 1, nan, nan)), keys=(1,))
    assert of(counted([inner], [outer])).tokens == (("input", 5), ("output", 5))


def test_an_inner_span_that_comes_later_does_not_count() -> None:
    """Another process may serve the call, and export when it likes."""
    outer = calls_of(Call((1, 1, nan, nan)), keys=(1,))
    inner = calls_of(Call((5, 5, nan, nan), within=1), keys=(2,))
    assert of(counted([outer], [inner])).tokens == (("input", 1), ("output", 1))


def test_calls_side_by_side_all_count() -> None:
    """Within one span that is a call itself, as of a client that tries again, also when they come one by one."""
    outer = calls_of(Call(), keys=(1,))
    inner = [calls_of(Call((1, 1, nan, nan), within=1), keys=(key,)) for key in (2, 3, 4)]
    version = counted(inner[:1], inner[1:2], [outer], inner[2:])
    assert (version.predictions, version.duplicates) == (3, 1)


def test_the_same_answer_counts_once() -> None:
    """Unless the first span that has it does not count itself."""
    first, second = calls_of(Call(answer=7), keys=(1,)), calls_of(Call(answer=7), keys=(2,))
    assert counted([first], [second]).predictions == 1
    inner = calls_of(Call(answer=7, within=1), keys=(2,))
    assert counted([first, inner]).predictions == 1


def test_a_repeated_export_counts_nothing_twice() -> None:
    """A retry after a lost reply."""
    spans = [calls_of(Call((5, 5, nan, nan), within=1, answer=7), Call(answer=7), keys=(2, 1))]
    version = counted(spans, spans)
    assert (version.predictions, version.duplicates) == (1, 3)
    assert of(version).tokens == (("input", 5), ("output", 5))


def test_series_are_given_back() -> None:
    """With the version that took them."""
    windows = fleet(expire_after_seconds=60)
    windows.predict("gpt", calls_of(Call((1, 1, nan, nan), 0.5, "stop")), T0)
    windows.advance(T0 + 3600)
    assert windows.snapshot(T0 + 3600).series == 0


def test_rows_of_batches_keep_their_calls() -> None:
    """Joined with rows that are no calls, and taken apart again."""
    joined = join_batches([batch_of({}, rows=1), calls_of(Call((1, 2, nan, nan), 0.5, "stop", 3, 4))])
    assert joined.calls
    assert joined.calls.within.tolist() == [0, 3]
    taken = take_rows(joined, np.array([1]))
    assert taken.calls
    assert taken.calls.tokens[0, :2].tolist() == [1, 2]
    assert (taken.calls.first_token_seconds.tolist(), taken.calls.answers.tolist()) == ([0.5], [4])
    assert [taken.calls.finish_reasons.words[code] for code in taken.calls.finish_reasons.codes] == ["stop"]
