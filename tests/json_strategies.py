"""Records of predictions as JSON has them: plain ones, and such as have something odd about them."""

import math

from hypothesis import strategies as st

names = st.sampled_from(["a", "b", "c"])
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
usual = (
    numbers
    | st.sampled_from(["red", "green", "", "x" * 130, "\u00e9", "[1]", '["i","j"]', "{}"])
    | st.none()
    | st.booleans()
)
odd = (
    usual
    | st.sampled_from([math.nan, math.inf, 10**400, -(10**400), "\ud800", "n" * 30, [], [1], ["i", "j"], {}, {"k": 1}])
    | st.dictionaries(names, numbers | st.dictionaries(names, numbers, max_size=2), max_size=2)
    | st.lists(numbers, max_size=3)
)
identifiers: st.SearchStrategy[object] = st.sampled_from(
    ["1", "2", 1, 2, 3.0, "", None, "x" * 24, "x" * 25, True, 2**63, -(2**63), {}]
)
moments = (
    st.floats(0, 1e20)
    | st.integers(0, 2**64)
    | st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01 00:00:00", "5", "", "soon", None, True, -1.5])
)
FIELDS: dict[str, st.SearchStrategy[object]] = {
    "model": st.sampled_from(["m", "n", "", None, 5, "m" * 25]),
    "model_name": st.just("other"),
    "version": identifiers,
    "id": identifiers,
    "request_id": identifiers,
    "time": moments,
    "latency_ms": st.floats(-1, 1e6) | st.sampled_from([12, 0, "12.5", "", None, "slow", True]),
    "latency_seconds": st.floats(0, 10),
    "error": st.sampled_from(["Timeout", "", None, False, True, 5, "x" * 30, {}]),
    "prediction": usual,
    "score": usual,
    "probabilities": st.dictionaries(names, numbers, max_size=3) | st.lists(numbers, max_size=3) | usual,
    "features": st.dictionaries(names, usual, max_size=3)
    | st.lists(usual, max_size=3)
    | st.sampled_from([None, "", '{"a":1}']),
    "feature.a": usual,
    "feature.d": odd,
    "segment.region": usual,
    "segments": st.dictionaries(names, usual, max_size=2) | usual,
    "lower": numbers | usual,
    "upper": numbers,
    "horizon": usual,
    "outcome": usual,
    "value.kpi": usual,
    "values": st.dictionaries(names, usual, max_size=2),
    "source": usual,
    "ignored": odd,
}
NAMES = sorted(FIELDS)


@st.composite
def alike(draw: st.DrawFn) -> list[dict[str, object]]:
    """Records with the same keys, with model, id and features more often than not; mostly plain, some not."""
    keys = draw(st.permutations(["model", "features", "id", *draw(st.lists(st.sampled_from(NAMES), max_size=5))]))
    keys = [key for key in dict.fromkeys(keys) if draw(st.integers(0, 9))]
    inputs = draw(st.lists(names, unique=True, min_size=1))
    plain_features = st.fixed_dictionaries(dict.fromkeys(inputs, usual))
    kinds: dict[str, st.SearchStrategy[object]] = {
        "model": st.just("m") | st.sampled_from(["m", "m", "n"]),
        "features": plain_features,
        "id": st.sampled_from(["1", "2", "3", 4]),
        "latency_ms": st.floats(0, 1e6) | st.none(),
        "time": st.floats(0, 1e20),
        "prediction": draw(st.sampled_from([numbers, st.sampled_from(["yes", "no"])])),
        "score": numbers,
        "probabilities": st.fixed_dictionaries({"yes": numbers, "no": numbers}),
    }
    record = st.fixed_dictionaries({key: kinds.get(key, FIELDS[key]) for key in keys})
    found = draw(st.lists(record, min_size=1, max_size=6))
    if not draw(st.integers(0, 2)):
        spoilt = draw(st.sampled_from(found))
        spoilt[draw(st.sampled_from(keys or NAMES))] = draw(odd)
    return found


TIDY: dict[str, st.SearchStrategy[object]] = {
    "version": st.sampled_from(["1", "2", 3]),
    "id": st.sampled_from(["1", "2", "3", 4]),
    "time": st.floats(0, 1e20) | st.integers(0, 2**64),
    "latency_ms": st.floats(0, 1e6) | st.none(),
    "error": st.sampled_from(["Timeout", "", None]),
    "prediction": st.sampled_from(["yes", "no"]),
    "score": usual,
    "probabilities": st.fixed_dictionaries({"yes": numbers, "no": numbers}),
    "feature.d": usual,
    "segment.region": usual,
    "ignored": odd,
}


@st.composite
def tidy(draw: st.DrawFn) -> list[dict[str, object]]:
    """Plain records of one or two models, some of which lack a feature; now and then one is spoilt."""
    keys = draw(st.lists(st.sampled_from(sorted(TIDY)), unique=True, max_size=6))
    every = dict.fromkeys(draw(st.lists(names, unique=True, min_size=1)), usual)
    lacking = draw(st.booleans())
    inputs = st.fixed_dictionaries({}, optional=every) if lacking else st.fixed_dictionaries(every)
    models = st.sampled_from(draw(st.sampled_from([["m"], ["m", "n"]])))
    record = st.fixed_dictionaries({"model": models, "features": inputs, **{key: TIDY[key] for key in keys}})
    found = draw(st.lists(record, min_size=1, max_size=8))
    if lacking:
        found[0]["features"] = draw(st.fixed_dictionaries(every))
    if not draw(st.integers(0, 3)):
        draw(st.sampled_from(found))[draw(st.sampled_from(NAMES))] = draw(odd)
    return found


anything = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), odd, max_size=5)
groups = st.lists(tidy() | alike() | st.lists(anything, max_size=2), max_size=4)
records = tidy() | groups.map(lambda parts: [record for part in parts for record in part])
