import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import click
import pytest

from model_exporter import __version__
from model_exporter.baseline.file import read_baseline
from model_exporter.baseline.model import FeatureType
from model_exporter.batch import Role
from model_exporter.cli import baseline, run, serve
from model_exporter.cli.options import environment_variable
from model_exporter.errors import ConfigError, ModelExporterError

Capture = pytest.CaptureFixture[str]


@dataclass
class FakeOptions:
    """What `serve` was asked for."""

    config_file: Path | None
    grpc_address: str
    http_address: str
    web_address: str
    log_files: tuple[str, ...]
    enable_lifecycle: bool
    storage_path: Path
    grace_seconds: float
    compiled_decoder: bool


class FakeApp:
    """Takes the place of the app; `failure` is raised when it runs."""

    started: ClassVar[list[FakeOptions]] = []
    failure: ClassVar[BaseException | None] = None

    def __init__(self, options: FakeOptions) -> None:
        self._options = options

    def run(self) -> None:
        """Remember the options, and fail if asked to."""
        self.started.append(self._options)
        if self.failure:
            raise self.failure


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> type[FakeApp]:
    """`serve` starts a fake app, with no flag set by the environment and logging left alone."""
    module = ModuleType("model_exporter.app")
    vars(module).update(App=FakeApp, Options=FakeOptions)
    monkeypatch.setitem(sys.modules, "model_exporter.app", module)
    monkeypatch.setattr("model_exporter.logs.configure_logging", lambda **_: None)
    for variable in [name for name in os.environ if name.startswith("MODEL_EXPORTER_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setattr(FakeApp, "started", [])
    monkeypatch.setattr(FakeApp, "failure", None)
    return FakeApp


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A CSV of 200 rows with an id, a time, two inputs and a score."""
    file = tmp_path / "train.csv"
    lines = [f"{n},{1_800_000_000 + n},{n % 40}.5,{'de' if n % 3 else 'N/A'},{n / 200}" for n in range(200)]
    file.write_text("\n".join(["id,timestamp,amount,country,score", *lines]) + "\n")
    return file


def _error(capsys: Capture) -> str:
    """The one line on standard error, which is an error; nothing else was printed."""
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    return line


def test_the_version_is_the_packages(capsys: Capture) -> None:
    """--version prints the name and the version."""
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"model_exporter, version {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["serve"], ["check-config"], ["baseline"], ["baseline", "build"], ["demo"]])
def test_every_command_has_help(capsys: Capture, arguments: list[str]) -> None:
    """--help exits with 0 and fits a terminal of 100 columns."""
    assert run([*arguments, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: model_exporter")
    assert max(map(len, out.splitlines())) <= 100


def test_no_command_prints_the_help_as_an_error(capsys: Capture) -> None:
    """Without a command nothing can run: the help goes to standard error, and the exit code is 2."""
    assert run([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Usage: model_exporter")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sevre"], "No such command 'sevre'"),
        (["serve", "--config.fil=x"], "No such option"),
        (["serve", "extra"], "unexpected extra argument"),
        (["serve", "--otlp.grpc-address=4317"], "'4317' has no port; write host:port"),
        (["serve", "--web.listen-address=localhost:70000"], "has a port over 65535"),
        (["serve", "--shutdown.grace=30"], "'30' is not a duration such as 15s"),
        (["serve", "--log.level=trace"], "'trace' is not one of"),
        (["check-config"], "give the FILE to check, or --reference"),
        (["baseline", "build", "x.csv"], "Missing option '-o'"),
        (["baseline", "build", "-o", "x.json"], "Missing argument 'FILE...'"),
        (["demo", "--rate=0"], "0.0 is not in the range"),
    ],
)
def test_a_mistake_in_the_command_line_is_one_line_and_exit_code_2(
    capsys: Capture, arguments: list[str], told: str
) -> None:
    """The line says what is wrong and which help to read."""
    assert run(arguments) == 2
    line = _error(capsys)
    assert told in line
    assert "--help`)" in line


def test_serve_has_the_documented_defaults(app: type[FakeApp]) -> None:
    """Receivers listen on loopback, metrics on all interfaces, state in ./data, 30 seconds to stop."""
    assert run(["serve"]) == 0
    assert app.started == [
        FakeOptions(None, "127.0.0.1:4317", "127.0.0.1:4318", ":19464", (), False, Path("data"), 30.0, True)  # noqa: FBT003
    ]


def test_serve_passes_its_flags_on(app: type[FakeApp]) -> None:
    """Each flag reaches the app as it was given."""
    arguments = ["--config.file=a.yml", "--otlp.grpc-address=[::1]:1", "--otlp.http-address=localhost:2"]
    arguments += ["--web.listen-address=:3", "--web.enable-lifecycle", "--storage.path=/x", "--shutdown.grace=1m30s"]
    arguments += ["--decode.logs=python", "--logs.file=a.log", "--logs.file=m=*.log"]
    assert run(["serve", *arguments]) == 0
    assert app.started == [
        FakeOptions(Path("a.yml"), "[::1]:1", "localhost:2", ":3", ("a.log", "m=*.log"), True, Path("/x"), 90.0, False)  # noqa: FBT003
    ]


def test_serve_reads_the_environment_and_flags_win(app: type[FakeApp], monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment variable sets what no flag sets; an empty one is as good as none."""
    monkeypatch.setenv("MODEL_EXPORTER_OTLP_GRPC_ADDRESS", ":1")
    monkeypatch.setenv("MODEL_EXPORTER_OTLP_HTTP_ADDRESS", ":2")
    monkeypatch.setenv("MODEL_EXPORTER_WEB_ENABLE_LIFECYCLE", "true")
    monkeypatch.setenv("MODEL_EXPORTER_WEB_LISTEN_ADDRESS", "")
    monkeypatch.setenv("MODEL_EXPORTER_LOGS_FILE", "a.log /b/*.log")
    assert run(["serve", "--otlp.http-address=:3"]) == 0
    (options,) = app.started
    assert (options.grpc_address, options.http_address, options.web_address) == (":1", ":3", ":19464")
    assert options.enable_lifecycle
    assert options.log_files == ("a.log", "/b/*.log")


def test_a_wrong_environment_variable_is_named(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says that the value came from the environment."""
    monkeypatch.setenv("MODEL_EXPORTER_LOG_FORMAT", "xml")
    assert run(["serve"]) == 2
    assert "MODEL_EXPORTER_LOG_FORMAT" in _error(capsys)


def _serve_flags() -> list[click.Option]:
    return [parameter for parameter in serve.serve.params if isinstance(parameter, click.Option)]


@pytest.mark.parametrize("option", _serve_flags(), ids=lambda option: str(option.opts[0]))
def test_every_flag_of_serve_has_a_variable_and_a_sentence(option: click.Option) -> None:
    """The variable is the flag in capitals with underscores, and the help ends as a sentence does."""
    (flag,) = option.opts
    assert re.fullmatch(r"--[a-z]+\.[a-z-]+", flag)
    assert option.envvar == environment_variable(flag)
    assert option.show_envvar
    assert option.help is not None
    assert option.help.endswith(".")


@pytest.mark.parametrize(
    ("failure", "ending"),
    [
        (ConfigError(file="a.yml", path="x", problem="bad", remedy="Mend"), (2, "error: a.yml: x: bad. Mend")),
        (ModelExporterError("the port\nis taken"), (1, "error: the port is taken")),
        (PermissionError(13, "Permission denied", "/data"), (1, "error: /data: Permission denied")),
        (OSError("cannot listen on :1"), (1, "error: cannot listen on :1")),
    ],
)
def test_a_failure_is_one_line_and_an_exit_code(
    app: type[FakeApp], capsys: Capture, monkeypatch: pytest.MonkeyPatch, failure: Exception, ending: tuple[int, str]
) -> None:
    """A wrong configuration exits with 2, anything that the world refuses with 1, and no stack is shown."""
    monkeypatch.setattr(app, "failure", failure)
    assert (run(["serve"]), _error(capsys)) == ending


def test_a_bug_crashes_loudly(app: type[FakeApp], monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception keeps its stack."""
    monkeypatch.setattr(app, "failure", ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        run(["serve"])


def test_an_interrupt_is_no_error(app: type[FakeApp], capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130 and without a stack."""
    monkeypatch.setattr(app, "failure", KeyboardInterrupt())
    assert run(["serve"]) == 130
    assert capsys.readouterr().err.strip() == ""


def test_check_config_sums_up_a_valid_file(capsys: Capture, tmp_path: Path, rows: Path) -> None:
    """Models, baselines with their rows, objectives and features are shown; warnings go to standard error."""
    assert run(["baseline", "build", str(rows), "-o", str(tmp_path / "fraud.json")]) == 0
    capsys.readouterr()
    file = tmp_path / "exporter.yml"
    file.write_text(
        "models:\n"
        "  fraud:\n"
        "    owner: payments-ml\n"
        "    baseline: fraud.json\n"
        "    features: {amount: {min: 0, required: true}, amuont: , country: {thresholds: {psi: {page: 1}}}}\n"
        "    slo: {availability: 0.99}\n"
        "    thresholds: {psi: {page: 0.5, ticket: 0.2}}\n"
        "    outcome: {positive: fraud, wait: 7d}\n"
        "    segments: {region: feature.country}\n"
        "    business: {loss: {sum: value.loss}}\n"
        "    privacy: {drop: [feature.ssn]}\n"
        "  churn: {learn: {rows: 500, stable_for: 90m}}\n"
        "mappings: {acme: {fields: {prediction: y}}}\n"
    )
    assert run(["check-config", str(file)]) == 0
    captured = capsys.readouterr()
    for told in (
        f"{file} is valid",
        "mappings     acme, and those that are built in",
        f"{tmp_path / 'fraud.json'}: of fraud, 200 rows, 3 features",
        "owner       payments-ml",
        "objectives  availability 0.99",
        "thresholds  psi page 0.5, psi ticket 0.2",
        "outcome     fraud is positive, awaited for 7d",
        "segments    region",
        "business    loss (sum)",
        "dropped     feature.ssn",
        "amount: from 0, required",
        "country: psi page 1",
        "learned from the first 500 predictions over at least 1h30m",
    ):
        assert told in captured.out
    warnings = captured.err.splitlines()
    assert all(line.startswith("warning: ") for line in warnings)
    assert "warning: models.fraud.features.amuont: the baseline has no such feature. Did you mean amount?" in warnings
    assert any(line.startswith("warning: baseline of fraud: fewer than") for line in warnings)


def test_check_config_fails_on_a_mistake(capsys: Capture, tmp_path: Path) -> None:
    """The first mistake is the one line, and the exit code is 2."""
    file = tmp_path / "exporter.yml"
    file.write_text("models: {fraud: {kind: x}}")
    assert run(["check-config", str(file)]) == 2
    assert f'{file}:1: models.fraud.kind: "x" is not one of' in _error(capsys)


def test_check_config_prints_the_reference(capsys: Capture) -> None:
    """--reference needs no file."""
    assert run(["check-config", "--reference"]) == 0
    assert "models.NAME.tier: a whole number from 1 to 5" in capsys.readouterr().out


def test_baseline_build_writes_a_file_and_says_how_to_use_it(capsys: Capture, tmp_path: Path, rows: Path) -> None:
    """The model is named after the file to write; ids and times are no features; the score is an output."""
    target = tmp_path / "fraud.json"
    assert run(["baseline", "build", str(rows), "-o", str(target)]) == 0
    built = read_baseline(target)
    assert (built.model, built.rows, built.span_seconds, built.source) == ("fraud", 200, 199, "train.csv")
    assert [(feature.name, feature.role) for feature in built.features] == [
        ("amount", Role.INPUT),
        ("country", Role.INPUT),
        ("score", Role.OUTPUT),
    ]
    captured = capsys.readouterr()
    assert f"  fraud:\n    baseline: {target}" in captured.out
    assert "left out  id" in captured.out
    assert captured.err == ""


def test_baseline_build_takes_its_options_to_heart(tmp_path: Path, rows: Path) -> None:
    """Name, types, outputs, ignored columns, missing texts and the time are as asked for."""
    target = tmp_path / "b.json"
    options = ["--model=risk", "--type", "amount=categorical", "--output=country", "--ignore=score"]
    options += ["--time=timestamp", "--missing=N/A", "--missing=-"]
    assert run(["baseline", "build", str(rows), "-o", str(target), *options]) == 0
    built = read_baseline(target)
    assert built.model == "risk"
    assert [(feature.name, feature.role, feature.type) for feature in built.features] == [
        ("amount", Role.INPUT, FeatureType.CATEGORICAL),
        ("country", Role.OUTPUT, FeatureType.CATEGORICAL),
    ]
    country = dict(zip(built.features[1].bins, built.features[1].counts, strict=True))
    assert country["_missing"] == 67
    assert "N/A" not in country


def test_baseline_build_tells_the_hours_apart(capsys: Capture, tmp_path: Path) -> None:
    """Rows over eight days with times in ISO 8601: what is different by night gets hours, and `show` says so."""
    lines = ["timestamp,load"]
    for minute in range(8 * 1440):
        hour = minute // 60 % 24
        lines += [
            f"2025-11-{minute // 1440 + 1:02}T{hour:02}:{minute % 60:02}:00Z,{row + hour % 12}" for row in range(3)
        ]
    (tmp_path / "log.csv").write_text("\n".join(lines))
    target = tmp_path / "m.json"
    assert run(["baseline", "build", str(tmp_path / "log.csv"), "-o", str(target)]) == 0
    assert run(["baseline", "show", str(target)]) == 0
    assert "seasons  24 hours of the day (UTC), 1,440 rows or more each, for 1 of 1 features" in capsys.readouterr().out


def test_baseline_build_does_not_overwrite(capsys: Capture, tmp_path: Path, rows: Path) -> None:
    """Only --force replaces a file."""
    target = tmp_path / "fraud.json"
    target.write_text("precious")
    assert run(["baseline", "build", str(rows), "-o", str(target)]) == 2
    assert "give --force to replace it" in _error(capsys)
    assert target.read_text() == "precious"
    assert run(["baseline", "build", str(rows), "-o", str(target), "--force"]) == 0
    assert read_baseline(target).rows == 200


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--type", "amuont=numeric"], "--type amuont: there is no such column. Did you mean amount?"),
        (["--type", "amount=number"], "is not NAME=TYPE with one of the types numeric, categorical"),
        (["--type", "numeric"], "'numeric' is not NAME=TYPE"),
        (["--output", "scroe"], "--output scroe: there is no such column. Did you mean score?"),
        (["--ignore", "nope"], "--ignore nope: there is no such column. The columns are amount, country, id, score"),
    ],
)
def test_an_option_that_names_no_column_is_refused(
    capsys: Capture, tmp_path: Path, rows: Path, options: list[str], told: str
) -> None:
    """A slip of the pen does not change the baseline in silence; nothing is written."""
    assert run(["baseline", "build", str(rows), "-o", str(tmp_path / "b.json"), *options]) == 2
    assert told in _error(capsys)
    assert not (tmp_path / "b.json").exists()


def test_baseline_build_looks_at_the_target_before_it_reads(capsys: Capture, tmp_path: Path) -> None:
    """A folder that is not there is told at once."""
    assert run(["baseline", "build", "absent.csv", "-o", str(tmp_path / "no" / "b.json")]) == 2
    assert f"there is no folder {tmp_path / 'no'}" in _error(capsys)


def test_rows_that_cannot_be_read_are_one_line(capsys: Capture, tmp_path: Path) -> None:
    """A missing file is a failure, not a stack."""
    assert run(["baseline", "build", str(tmp_path / "absent.csv"), "-o", str(tmp_path / "b.json")]) == 1
    assert str(tmp_path / "absent.csv") in _error(capsys)


def test_odd_names_are_quoted_in_the_configuration_to_copy(capsys: Capture, tmp_path: Path, rows: Path) -> None:
    """A model called `a: b` gives YAML that reads back."""
    target = tmp_path / "b.json"
    assert run(["baseline", "build", str(rows), "-o", str(target), "--model", "a: b"]) == 0
    out = capsys.readouterr().out
    config = tmp_path / "exporter.yml"
    config.write_text(out[out.index("models:") : out.index("`model_exporter")])
    assert run(["check-config", str(config)]) == 0
    assert "model a: b" in capsys.readouterr().out


def test_baseline_show_prints_a_table(capsys: Capture, tmp_path: Path, rows: Path) -> None:
    """The table has a line for each feature and keeps to the width."""
    target = tmp_path / "fraud.json"
    run(["baseline", "build", str(rows), "-o", str(target)])
    capsys.readouterr()
    assert run(["baseline", "show", str(target), "--width", "80"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[-3:]] == ["amount", "country", "score"]
    assert max(map(len, lines)) <= 80


def test_baseline_show_of_a_damaged_file_is_one_line(capsys: Capture, tmp_path: Path) -> None:
    """A file that is no baseline is told as such."""
    file = tmp_path / "b.json"
    file.write_text(json.dumps({"a": 1}))
    assert run(["baseline", "show", str(file)]) == 1
    assert "is not a baseline" in _error(capsys)


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_for_terminals(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: Path, *, terminal: bool
) -> None:
    """A bar shows on a terminal when there is much to read, and never in a log."""
    monkeypatch.setattr(baseline, "_SHOWS_PROGRESS", 1)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert run(["baseline", "build", str(rows), "-o", str(tmp_path / "b.json")]) == 0
    assert ("100%" in capsys.readouterr().err) is terminal


def test_help_loads_no_library_that_only_serving_needs() -> None:
    """`model_exporter --help` stays quick: numpy, grpc, aiohttp, msgspec and yaml are not imported."""
    script = (
        "import sys; from model_exporter.cli import run; run(['--help']);"
        "print([m for m in ('numpy', 'grpc', 'aiohttp', 'msgspec', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_python_m_model_exporter_is_the_same_command() -> None:
    """`python -m model_exporter` exits with the code of the command."""
    command = [sys.executable, "-m", "model_exporter", "check-config", "/nonexistent/exporter.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: /nonexistent/exporter.yml: the file does not exist")


def test_a_reader_that_hangs_up_is_no_crash() -> None:
    """`model_exporter check-config --reference | head -1` shows no stack."""
    command = f"{sys.executable} -m model_exporter check-config --reference | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("environment: ")
    assert done.stderr == ""
