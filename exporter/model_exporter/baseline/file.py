"""Baselines in files.

A baseline file is JSON in UTF-8, indented, with one bin on a line, so that two versions of it compare well::

    {
      "format": "model_exporter baseline",
      "format_version": 1,
      "model": "fraud",                         the model it belongs to
      "created": "2025-11-23T04:59:40.25Z",     when it was built
      "source": "train.csv",                    what from, for people
      "rows": 10000,                            baseline rows
      "span_seconds": 86400.0,                  from the first row to the last; null when the rows had no time
      "stable": true,                           false: learned from live traffic that changed meanwhile
      "features": [
        {
          "name": "amount",
          "type": "numeric",                    numeric, categorical, boolean or identifier
          "role": "input",                      input or output
          "rows": 10000,
          "required": true,                     whether a record without it violates the schema
          "phi": 1.31, "rho": 0.001,            dependence, see `stats.dependence`; left out when not measured
          "wave": 0.04,                         divergence of an hour from all rows, see `stats.seasonality`; as phi
          "seasons": "hour_of_day",             left out of a feature that is the same at all hours
          "mean": 88.1, "sd": 250.2, "minimum": 0.0, "maximum": 25691.2,
          "fence_low": -210.0, "fence_high": 290.3,   numbers outside of these are outliers
          "bins": [
            {"bin": "_below", "count": 0},      under the minimum
            {"bin": "00", "count": 50, "up_to": 0.75, "mean": 0.31, "by_season": [4, 0, 2, ...]},
            {"bin": "01", "count": 150, "up_to": 1.0, "mean": 0.92},     above 0.75, up to and with 1.0
            {"bin": "_above", "count": 0},      over the maximum, which is the last up_to
            {"bin": "_missing", "count": 3}     absent, null, not finite, or not a number
          ]
        },
        {
          "name": "country",
          "type": "categorical",
          "role": "input",
          "rows": 10000,
          "required": true,
          "bins": [
            {"bin": "DE", "count": 6000},       a category that begins with "_" has one more in front
            {"bin": "_other", "count": 3990},   one of "known"
            {"bin": "_unseen", "count": 7},     any other: an estimate, see `baseline.categories`
            {"bin": "_missing", "count": 3}
          ],
          "known": [
            "AT"
          ]
        }
      ],
      "seasons": [                              left out when no feature has any
        {"kind": "hour_of_day", "season_of_hour": [0, 0, 0, 1, ...], "rows": [1204, 1377, ...]}
      ],
      "pairs": [                                left out when there are none
        {"first": "input amount", "second": "output score", "counts": [81, 90, ...]}
      ],
      "checksum": "sha256:..."
    }

A boolean has the bins false, true and _missing; an identifier has neither bins nor known. Every other key must be there
and no more may be. The counts of a feature's bins sum to its rows. Numbers are written so that they come back the same
to the last bit.

Seasons are hours of the day or of the week, in UTC; the first hour of a week is Monday's from 0 to 1 o'clock.
`season_of_hour` has a number from 0 for each hour: neighbouring hours with few rows share a season. `rows` and
`by_season` have a number for each season, which counts the rows that have a time.

Pairs are of numeric features, by role and name. The 25 `counts` are rows by the fifths of the baseline that both values
lie in: the first feature's lowest fifth with all five of the second's, then its next.

The checksum is SHA-256 over everything else as JSON with sorted keys, without spaces, in ASCII, numbers spelled as
Python spells them. It guards against damage and half-made edits, not against malice. Layout and number spelling may be
changed without harm to it.
"""

import json
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any, Final

import msgspec

from model_exporter.baseline.document import Document, from_document, to_document
from model_exporter.baseline.model import Baseline
from model_exporter.errors import BaselineError
from model_exporter.files import replace_file

FORMAT: Final = "model_exporter baseline"
FORMAT_VERSION: Final = 1

_BUILD_AGAIN: Final = "Build it again with `model_exporter baseline build`"


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write `baseline` to the file `path`, which holds either the old content or all of the new at any moment.

    Raises:
        BaselineError: the baseline contradicts itself, or the disk refuses.
    """
    text = _text(baseline, path)
    try:
        replace_file(path, text.encode("utf-8"))
    except OSError as error:
        raise BaselineError(
            f"{path}: cannot be written: {error.strerror or error}. Check that its folder exists, has room and may be "
            "written to"
        ) from error


def read_baseline(path: Path) -> Baseline:
    """The baseline in the file `path`.

    Raises:
        BaselineError: there is none, or it is damaged; the message names the file, what is wrong, and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BaselineError(
            f"{path}: there is no such file. Check the path, or build it with `model_exporter baseline build`"
        ) from error
    except OSError as error:
        raise BaselineError(
            f"{path}: cannot be read: {error.strerror or error}. Check what it is and its permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise BaselineError(f"{path}: is not text in UTF-8. {_BUILD_AGAIN}") from error
    return _parse(text, path)


def _parse(text: str, path: Path) -> Baseline:
    try:
        content = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{path}: is not JSON: {error}. {_BUILD_AGAIN}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BaselineError(
            f'{path}: is not a baseline: it lacks "format": "{FORMAT}". Point to a file that '
            "`model_exporter baseline build` wrote"
        )
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        raise BaselineError(
            f"{path}: has format_version {version!r}, and this model_exporter reads {FORMAT_VERSION}. "
            "Update model_exporter, or build the baseline again with this one"
        )
    checksum = content.pop("checksum", None)
    try:
        document = msgspec.convert(content, Document)
    except msgspec.ValidationError as error:
        raise BaselineError(f"{path}: {error}. {_BUILD_AGAIN}") from error
    if checksum != _checksum(document):
        raise BaselineError(
            f"{path}: its checksum does not fit its content: it is damaged or was edited. {_BUILD_AGAIN}"
        )
    try:
        return from_document(document)
    except ValueError as error:
        raise BaselineError(f"{path}: {error}. {_BUILD_AGAIN}") from error


def _text(baseline: Baseline, path: Path) -> str:
    """What the file holds, once it is sure that it can be read back."""
    try:
        document = to_document(baseline, name=FORMAT, version=FORMAT_VERSION)
        checksum = _checksum(document)
    except ValueError as error:
        raise BaselineError(f"{path}: the baseline cannot be written: {error}") from error
    content = {**msgspec.to_builtins(document), "checksum": checksum}
    content["features"] = [_for_people(feature) for feature in content["features"]]
    text = f"{_render(content)}\n"
    if _parse(text, path) != baseline:
        raise BaselineError(f"{path}: the baseline cannot be written: its parts do not agree with each other")
    return text


def _for_people(feature: dict[str, Any]) -> dict[str, Any]:  # Any: parts of a JSON document
    """`feature` with its name first and its lists last."""
    lists: dict[str, Any] = {key: feature.pop(key) for key in ("bins", "known") if key in feature}
    return {"name": feature.pop("name"), **feature, **lists}


def _checksum(document: Document) -> str:
    canonical = json.dumps(msgspec.to_builtins(document), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"sha256:{sha256(canonical.encode('ascii')).hexdigest()}"


def _render(value: Any, indent: str = "") -> str:  # noqa: ANN401  # any part of a JSON document
    """JSON with one item on a line: a scalar, a list of numbers, or an object that holds nothing but these."""
    inner = f"{indent}  "
    if isinstance(value, dict) and not all(map(_fits_a_line, value.values())):
        items = [f"{inner}{_scalar(key)}: {_render(part, inner)}" for key, part in value.items()]
        return "\n".join(["{", ",\n".join(items), f"{indent}}}"])
    if isinstance(value, list) and value and not _fits_a_line(value):
        return "\n".join(["[", ",\n".join(f"{inner}{_render(part, inner)}" for part in value), f"{indent}]"])
    return _scalar(value)


def _fits_a_line(part: object) -> bool:
    if isinstance(part, list):
        return bool(part) and all(isinstance(item, int | float) for item in part)
    return not isinstance(part, dict)


def _scalar(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # A name may hold half of a surrogate pair, which only its escape can carry.
    return text if text.isascii() or text.isprintable() else json.dumps(value)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if isfinite(number) else _refuse(digits)


def _refuse(digits: str) -> float:
    raise ValueError(f"{digits} is not a finite number")
