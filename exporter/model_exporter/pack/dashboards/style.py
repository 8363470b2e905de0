"""Colours, states and units that all dashboards share.

Colours are those of Okabe and Ito, which people with any common colour blindness can tell apart; the blue is lighter,
so that words in it can be read on dark and on light pages. Red against green never carries a meaning, and a state is
always told in words as well.
"""

from typing import Any, Final

Json = dict[str, Any]

BLUE: Final = "#2E8FCC"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
YELLOW: Final = "#F0E442"
ORANGE: Final = "#E69F00"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GREY: Final = "#8A8A8A"

PERCENT: Final = "percentunit"
SECONDS: Final = "s"
RATE: Final = "reqps"
COUNT: Final = "short"
NATS: Final = "none"
BYTES: Final = "bytes"
DATE: Final = "dateTimeAsIso"
AGO: Final = "dateTimeFromNow"
CLOCK: Final = "dateTimeAsIsoNoDateIfToday"


def fixed(color: str) -> Json:
    """One colour, whatever the value."""
    return {"mode": "fixed", "fixedColor": color}


def by_steps(*steps: tuple[float | None, str]) -> Json:
    """Colours from values on; the first step has no value."""
    return {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]}


def values(told: dict[str, tuple[str, str]]) -> Json:
    """Words and colours of single values, in the order given."""
    options = {
        value: {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(told.items())
    }
    return {"type": "value", "options": options}


def absent(text: str, color: str = GREY) -> Json:
    """Words of a field without a value."""
    return {"type": "special", "options": {"match": "null+nan", "result": {"text": text, "color": color, "index": 99}}}


def matching(pattern: str, text: str, color: str) -> Json:
    """A word in the place of values that match a regular expression."""
    return {"type": "regex", "options": {"pattern": pattern, "result": {"text": text, "color": color, "index": 0}}}


STATES: Final = values({"0": ("healthy", BLUE), "1": ("ticket", ORANGE), "2": ("page", VERMILION)})
"""What a model is in: the numbers of `model:incident_severity`, and 0 without an incident."""
YES_NO: Final = values({"0": ("no", BLUE), "1": ("yes", VERMILION)})
"""Of something that should not be."""
GOOD_BAD: Final = values({"0": ("no", VERMILION), "1": ("yes", BLUE)})
"""Of something that should be."""
YES: Final = values({"0": ("no", GREY), "1": ("yes", BLUE)})
"""Of something that may be either."""
