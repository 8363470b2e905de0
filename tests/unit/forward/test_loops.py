import pytest

from model_exporter.config.settings import ForwardSettings
from model_exporter.errors import ConfigError
from model_exporter.forward import refuse_own_doors

DOORS = ("127.0.0.1:4317", ":4318")


@pytest.mark.parametrize(
    "endpoint",
    [
        "grpc://127.0.0.1:4317",
        "grpc://localhost:4317",
        "http://127.0.0.1:4317/otlp",
        "http://127.0.0.2:4318",
        "http://[::1]:4318",
        "http://0.0.0.0:4318",
    ],
)
def test_an_own_door_is_refused(endpoint: str) -> None:
    """By whatever name of this machine."""
    with pytest.raises(ConfigError, match=r"c\.yml: forward\.endpoint: .* is this exporter's own door") as caught:
        refuse_own_doors(ForwardSettings(endpoint=endpoint), DOORS, "c.yml")
    assert caught.value.remedy == "Name another endpoint"


@pytest.mark.parametrize(
    "endpoint",
    ["", "grpc://127.0.0.1:4319", "http://192.0.2.1:4318", "grpc://127.0.0.2:4317", "http://nobody.invalid:4318"],
)
def test_others_are_not(endpoint: str) -> None:
    """Another port, another machine, another address of this one, or a name that nobody knows yet."""
    refuse_own_doors(ForwardSettings(endpoint=endpoint), DOORS, "c.yml")


def test_doors_on_any_free_port_are_nobodys_target() -> None:
    """Port 0 is none that could be named, and an endpoint without a port has that of its scheme."""
    refuse_own_doors(ForwardSettings(endpoint="http://127.0.0.1"), ("127.0.0.1:0",), "c.yml")
    with pytest.raises(ConfigError):
        refuse_own_doors(ForwardSettings(endpoint="http://127.0.0.1"), ("127.0.0.1:80",), "c.yml")
