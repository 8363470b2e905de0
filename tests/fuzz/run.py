#!/usr/bin/env python
"""Fuzzes one target: `run.py TARGET [options of libFuzzer] [folders of inputs]`, as `make fuzz` starts it."""

import sys

import atheris

_ROOMS = (
    "decode",
    "mapping",
    "indicators",
    "config",
    "pairing",
    "batch",
    "receive.inflate",
    "expose.text",
    "json_text",
)

with atheris.instrument_imports(include=[f"model_exporter.{room}" for room in _ROOMS]):
    from fuzz.targets import TARGETS

_target = TARGETS[sys.argv[1]]


def _mutated(data: bytes, most: int, seed: int) -> bytes:
    # libFuzzer's own mutations know what the code compared with; those of the target keep its structure.
    made = atheris.Mutate(data, most) if seed % 3 == 0 else _target.mutated(data, seed)
    return made if len(made) <= most else data


atheris.Setup([sys.argv[0], *sys.argv[2:]], _target, custom_mutator=_mutated if _target.is_structured else None)
atheris.Fuzz()
