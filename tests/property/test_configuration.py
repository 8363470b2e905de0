import math
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from model_exporter.config.load import load_settings
from model_exporter.config.reference import all_keys
from model_exporter.config.settings import Settings
from model_exporter.errors import ConfigError

_WORDS = sorted({word for path, _ in all_keys() for word in path.split(".")})
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["numeric", "1h", "1e6", "NO", "https://x", "feature.a", "a == b", math.nan]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(_WORDS) | st.text(max_size=4), below),
    max_leaves=20,
)


def _mistake(file: Path) -> ConfigError | None:
    try:
        assert isinstance(load_settings(file), Settings)
    except ConfigError as error:
        return error
    return None


def _loads_or_tells(file: Path) -> None:
    """Either settings come out, or one error of one line with the file and a remedy."""
    mistake = _mistake(file)
    if mistake:
        assert str(mistake).startswith(str(file))
        assert len(str(mistake).splitlines()) == 1
        assert mistake.problem
        assert mistake.remedy


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one file that all examples are written to."""
    return tmp_path_factory.mktemp("config") / "exporter.yml"


@given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_no_bytes_crash_the_loader(file: Path, content: bytes) -> None:
    """Whatever a file holds, loading it ends in settings or in one ConfigError."""
    file.write_bytes(content)
    _loads_or_tells(file)


@given(document=_VALUES)
@example(document={"\x85\u2028": 1})
@example(document={"models": {"a": {"owner": "\u2028"}}})
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_no_document_crashes_the_loader(file: Path, document: object) -> None:
    """The same for valid YAML made of the schema's own keys with values of every type."""
    file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8", "surrogatepass")
    _loads_or_tells(file)
