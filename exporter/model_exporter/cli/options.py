"""Flags as Prometheus spells them, each with an environment variable, and the types of their values."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from model_exporter.addresses import Address
from model_exporter.config.durations import EXAMPLES, parse_duration

_PREFIX: Final = "MODEL_EXPORTER_"
_C = TypeVar("_C", bound=Callable[..., object])


def environment_variable(flag: str) -> str:
    """The environment variable of a flag.

    >>> environment_variable("--otlp.grpc-address")
    'MODEL_EXPORTER_OTLP_GRPC_ADDRESS'
    """
    return _PREFIX + flag.lstrip("-").replace(".", "_").replace("-", "_").upper()


def flag(name: str, parameter: str, **attributes: Any) -> Callable[[_C], _C]:  # noqa: ANN401  # those of click.option
    """A click option `name` that fills `parameter`, and that an environment variable can set as well."""
    return click.option(name, parameter, envvar=environment_variable(name), show_envvar=True, **attributes)


class AddressType(click.ParamType[str]):
    """`host:port`, `[ipv6]:port` or `:port`; the value is the text, checked."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """`value` if it is an address."""
        try:
            Address.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return value


class DurationType(click.ParamType[float]):
    """A Prometheus duration; the value is in seconds."""

    name = "duration"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds of `value`."""
        try:
            return parse_duration(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a duration such as {EXAMPLES}", param, ctx)
