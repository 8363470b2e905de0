"""Patterns of paths that name a model."""

from pathlib import Path

import pytest

from model_exporter.config.load import load_settings
from model_exporter.config.paths import BUILT_IN_PATHS, NamedByPath, PathPattern, Paths
from model_exporter.errors import ConfigError


@pytest.mark.parametrize(
    ("path", "model", "version"),
    [
        ("/v2/models/iris/infer", "iris", ""),
        ("/v2/models/iris/versions/3/infer", "iris", "3"),
        ("/v2/models/iris/versions/v%2F1/generate_stream", "iris", "v/1"),
        ("/v1/models/half_plus_two:predict", "half_plus_two", ""),
        ("/v1/models/m/versions/2:predict", "m", "2"),
        ("/v1/models/m/labels/canary:classify", "m", "canary"),
        ("/v1/projects/1/locations/x/endpoints/77:predict", "77", ""),
        ("/predictions/densenet", "densenet", ""),
        ("/predictions/densenet/1.0", "densenet", "1.0"),
        ("/seldon/team/fraud/api/v1.0/predictions", "fraud", ""),
        ("/endpoints/churn/invocations", "churn", ""),
        ("/serving-endpoints/churn/invocations", "churn", ""),
        ("/models/churn/invoke", "churn", ""),
        ("/gateway/v2/models/iris/infer", "iris", ""),
    ],
)
def test_known_servers_name_their_models(path: str, model: str, version: str) -> None:
    """Behind a gateway's prefix too."""
    assert Paths(BUILT_IN_PATHS).match(path) == NamedByPath(model, version)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/invocations",
        "/v2/repository/models/iris/load",
        "/v2/models",
        "/v2/models/",
        "/predict",
        "/predictions",
    ],
)
def test_others_name_none(path: str) -> None:
    """MLflow and SageMaker's containers serve one model, whose name is the service's."""
    assert Paths(BUILT_IN_PATHS).match(path) is None


def test_a_pattern_matches_whole_parts() -> None:
    """Anywhere, but never the half of one."""
    paths = Paths([PathPattern("/score/{model}")])
    assert paths.match("/api/score/a/b") == NamedByPath("a", "")
    assert paths.match("/underscore/a") is None
    assert Paths([PathPattern("/score")]).match("/scores") is None


def test_the_first_pattern_wins() -> None:
    """The more special one goes first."""
    paths = Paths([PathPattern("/m/{model}/{version}"), PathPattern("/m/{model}")])
    assert paths.match("/m/a/2") == NamedByPath("a", "2")
    assert paths.match("/m/a") == NamedByPath("a", "")


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("score/{model}", "must begin with a slash"),
        ("/", "name something"),
        ("/{model}/{model}", "more than once"),
        ("/{name}", "no other braces"),
        ("/score?x={model}", "no query"),
        ("/{model}{version}", "between two placeholders"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, pattern: str, problem: str) -> None:
    """With what is wrong about it."""
    file = tmp_path / "c.yml"
    file.write_text(f"traces:\n  paths: [{pattern!r}]\n")
    with pytest.raises(ConfigError, match=problem):
        load_settings(file)
