from pathlib import Path

import pytest

from model_exporter.config.advice import advise
from model_exporter.config.load import load_settings
from model_exporter.config.settings import (
    ForwardCompression,
    ForwardedSignal,
    ForwardSettings,
    Settings,
    WhenFull,
)
from model_exporter.errors import ConfigError

TOKEN = "Bearer correct-horse"  # noqa: S105  # nobody's
CONCEALING = "models: {m: {privacy: {drop: [feature.ssn]}}}"


def load(tmp_path: Path, text: str) -> Settings:
    """The settings of a file with this text."""
    file = tmp_path / "exporter.yml"
    file.write_text(text)
    return load_settings(file)


def mistake(tmp_path: Path, text: str) -> ConfigError:
    """What is wrong with the file."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return caught.value


def test_everything_can_be_said(tmp_path: Path) -> None:
    """Values of files are read, names of headers put in lower case, and a slash at the end dropped."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    text = """
forward:
  endpoint: https://otlp.example.org/otlp/
  headers: {Authorization: {file: token}, X-Scope-OrgID: team-a}
  compression: gzip
  timeout: 3s
  retry_for: 1m
  queue_bytes: 1000000
  on_full: refuse
  signals: [logs, traces]
"""
    loaded = load(tmp_path, text).forward
    assert loaded == ForwardSettings(
        endpoint="https://otlp.example.org/otlp",
        headers=(("authorization", TOKEN), ("x-scope-orgid", "team-a")),
        compression=ForwardCompression.GZIP,
        timeout_seconds=3.0,
        retry_seconds=60.0,
        queue_bytes=1_000_000,
        on_full=WhenFull.REFUSE,
        signals=frozenset({ForwardedSignal.LOGS, ForwardedSignal.TRACES}),
    )
    assert TOKEN not in repr(loaded)


@pytest.mark.parametrize(
    ("keys", "path", "told"),
    [
        ("endpoint: collector:4317", "endpoint", "this is no address of an OTLP endpoint"),
        ("endpoint: ftp://collector:4317", "endpoint", "this is no address of an OTLP endpoint"),
        ("endpoint: 'http://'", "endpoint", "this is no address of an OTLP endpoint"),
        ("endpoint: 'http://a b'", "endpoint", "this is no address of an OTLP endpoint"),
        ("endpoint: http://c:70000", "endpoint", "this is no address: Port out of range"),
        ("endpoint: 'http://[::1'", "endpoint", "this is no address: Invalid IPv6"),
        ("endpoint: http://user:password@c:4318", "endpoint", "credentials do not belong into an address"),
        ("endpoint: 'http://c:4318/?a=b'", "endpoint", "no query"),
        ("endpoint: http://c:4318/v1/logs", "endpoint", "the path is that of one signal"),
        ("endpoint: grpc://c", "endpoint", "there is no port. Write grpc://c:4317"),
        ("endpoint: grpc://c:4317/x", "endpoint", 'OTLP/gRPC has no path, and this has "/x"'),
        ("endpoint: http://c, ca_file: ca.pem", "ca_file", "http:// is not encrypted"),
        ("endpoint: https://c, ca_file: ca.pem", "ca_file", "ca.pem cannot be read (No such file"),
        ("endpoint: https://c, ca_file: exporter.yml", "ca_file", "holds no certificates in PEM"),
        ("headers: {authorization: Bearer x}", "headers.authorization", "a credential does not belong into this file"),
        ("headers: {X-Api-Key: x}", "headers.X-Api-Key", "Write `X-Api-Key: {file: PATH}`"),
        ("headers: {a: {file: nowhere}}", "headers.a.file", "nowhere cannot be read (No such file"),
        ("headers: {a: {file: lines}}", "headers.a", "not one line of printable ASCII"),
        ("headers: {a: {file: empty}}", "headers.a", "not one line of printable ASCII"),
        ('headers: {a: "\xe9"}', "headers.a", "not one line of printable ASCII"),
        ("headers: {a: {}}", "headers.a", "the key file is missing. Add `file: secrets/token`"),
        ("headers: {'a b': x}", 'headers["a b"]', '"a b" cannot be a header'),
        ("headers: {Content-Type: x}", "headers.Content-Type", "the exporter itself writes Content-Type"),
        ("headers: {grpc-timeout: x}", "headers.grpc-timeout", "the exporter itself writes grpc-timeout"),
        ("headers: {A: x, a: y}", "headers.a", "a is there twice"),
        ("signals: []", "signals", "the list is empty"),
        ("signals: [profiles]", "signals[0]", '"profiles" is not one of logs, traces, metrics'),
        ("on_full: block", "on_full", '"block" is not one of drop, refuse'),
        ("queue_bytes: 0", "queue_bytes", "0 is not a whole number from 1"),
        ("endpont: http://c", "endpont", "there is no such key. Did you mean endpoint?"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, keys: str, path: str, told: str) -> None:
    """With the place, what is wrong and what to write; never a password."""
    (tmp_path / "lines").write_text("one\ntwo\n")
    (tmp_path / "empty").write_text("\n")
    error = mistake(tmp_path, f"forward: {{{keys}}}")
    assert f"exporter.yml:1: forward.{path}: " in str(error)
    assert told in str(error)
    assert "password" not in str(error)


def test_concealed_values_leave_only_if_that_is_said(tmp_path: Path) -> None:
    """What is passed on is what was received: either the file says so, for an auditor, or there is no start."""
    error = mistake(tmp_path, f"forward: {{endpoint: http://c:4318}}\n{CONCEALING}")
    assert "models.m.privacy conceals values" in str(error)
    assert "Write `unconcealed: true`" in str(error)
    said = load(tmp_path, f"forward: {{endpoint: http://c:4318, unconcealed: true}}\n{CONCEALING}")
    assert advise(said) == ("forward: http://c:4318 gets the values that models.m.privacy conceals here",)
    load(tmp_path, f"forward: {{timeout: 1s}}\n{CONCEALING}")


def test_settings_without_an_endpoint_are_worth_a_warning(tmp_path: Path) -> None:
    """They are valid and do nothing."""
    assert advise(load(tmp_path, "forward: {timeout: 1s}")) == (
        "forward: there is no endpoint, so that nothing is passed on",
    )
    assert advise(load(tmp_path, "forward: {endpoint: http://c:4318}")) == ()
