"""Fuzzing in small: what was found to reach something, and mutations of that with fixed seeds."""

import random

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from fuzz.campaign import kept
from fuzz.mutation import NotAMessageError, protobuf, put_together, take_apart
from fuzz.seeds import seeds
from fuzz.targets import TARGETS
from model_exporter.decode.decoder import HAS_COMPILED

KIND = ExportLogsServiceRequest.DESCRIPTOR
MUTATIONS = 150
"""Of each target: a second or so."""
MOST_BYTES = 1_000_000


def _able(name: str) -> None:
    if name in {"scanner", "probe", "lines"} and not HAS_COMPILED:
        pytest.skip("the compiled decoder is not built")


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_that_are_kept_find_nothing(name: str) -> None:
    """Those that fuzzing made, and those that it begins with."""
    _able(name)
    inputs = [*kept(name).values(), *seeds(name)]
    assert inputs
    for data in inputs:
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_find_nothing(name: str) -> None:
    """A walk of mutations from the same inputs, the same one in every run; for OTLP both decoders have to agree."""
    _able(name)
    generator = random.Random(name)
    pool = [*kept(name).values(), *seeds(name)]
    for _ in range(MUTATIONS):
        place = generator.randrange(len(pool))
        data = TARGETS[name].mutated(pool[place], generator.getrandbits(32))[:MOST_BYTES]
        TARGETS[name](data)
        if len(data) < 4096:
            pool[place] = data


def test_a_message_that_is_taken_apart_can_be_put_together() -> None:
    """A request as libraries write it comes out as it was."""
    for seed in seeds("logs"):
        assert put_together(take_apart(seed[1:], KIND)) == seed[1:]


def test_mutations_keep_the_structure() -> None:
    """Most of what is made of a request can be taken apart again, and differs from it."""
    generator = random.Random(7)
    request = seeds("logs")[0][1:]
    mutate = protobuf(KIND)
    made = [mutate(request, generator) for _ in range(200)]
    assert sum(map(_is_message, made)) > 120
    assert sum(other != request for other in made) > 180


def test_a_mutation_is_the_same_for_the_same_seed() -> None:
    """So that a finding can be told by its seed."""
    target, data = TARGETS["logs"], seeds("logs")[0]
    assert target.mutated(data, 5) == target.mutated(data, 5)
    assert len({target.mutated(data, seed) for seed in range(10)}) > 5


def _is_message(body: bytes) -> bool:
    try:
        take_apart(body, KIND)
    except NotAMessageError:
        return False
    return True
