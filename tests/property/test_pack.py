"""Laws of what is rendered: any text survives YAML, and every valid ownership file makes a valid configuration."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from e2e.programs import given as named
from e2e.programs import require
from model_exporter.config.reference import all_keys
from model_exporter.errors import ConfigError
from model_exporter.pack.alertmanager import render
from model_exporter.pack.base import KEYS
from model_exporter.pack.owners_schema import OwnersKeys
from model_exporter.pack.profiles import Profile
from model_exporter.pack.yaml_text import yaml_lines

_TRICKY = [
    "",
    "null",
    "yes",
    "1e3",
    "0x1",
    "12:30",
    "a: b",
    "a #b",
    "- x",
    "'",
    '"',
    "{{ x }}",
    "1_0",
    "<<",
    "=",
    "0o7",
]
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(_TRICKY)
_TREE = st.recursive(
    _TEXT | st.booleans() | st.integers(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(_TEXT, below, max_size=3),
    max_leaves=12,
)
_TRICKY_NAMES = [
    'a"b',
    "a\\b",
    "a|b",
    "a{b}",
    "a,b",
    "a.*",
    "null",
    "$x",
    "\u00e9 \u00fc",
    "a'b",
    " a ",
    "}",
    "=~",
    "#",
]
_NAME = st.text(min_size=1, max_size=8).filter(str.isprintable) | st.sampled_from(_TRICKY_NAMES)
_FILE = st.sampled_from(["/secrets/a", "/secrets/b c", "/s/'x'", '/s/"'])
_URL = st.sampled_from(["https://h.example.org/a", "http://127.0.0.1:9/x?y=1", "https://[::1]:1/%41"])
_HOOK = st.fixed_dictionaries({"url": _URL}, optional={"credentials_file": _FILE})
_KINDS = {
    "slack": st.fixed_dictionaries({"channel": st.sampled_from(["#a", "@b", "c.d"])}, optional={"api_url_file": _FILE}),
    "pagerduty": st.fixed_dictionaries({"routing_key_file": _FILE})
    | st.fixed_dictionaries({"service_key_file": _FILE}),
    "email": st.fixed_dictionaries({"to": st.lists(st.sampled_from(["a@b", "c.d+e@f.org"]), min_size=1, unique=True)}),
    "ticket": _HOOK,
    "webhook": _HOOK,
}
_HOURS = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.sampled_from(["UTC", "Asia/Tokyo"]),
        "from": st.sampled_from(["00:00", "08:15"]),
        "to": st.sampled_from(["17:00", "24:00"]),
    },
)


@st.composite
def _teams(draw: st.DrawFn) -> dict[str, dict[str, Any]]:  # Any: it is YAML
    """Teams of every make, with aliases, hours and steps of escalation that fit them."""
    names = draw(st.lists(_NAME, min_size=1, max_size=6, unique=True))
    teams: dict[str, dict[str, Any]] = {}  # Any: the same
    for name in names[: draw(st.integers(1, 3))]:
        kinds = draw(st.lists(st.sampled_from(list(_KINDS)), min_size=1, unique=True))
        team: dict[str, Any] = {kind: draw(_KINDS[kind]) for kind in kinds}  # Any: the same
        team["quiet"] = "slack" if "slack" in kinds and draw(st.booleans()) else "none"
        team["pages_always"] = draw(st.lists(st.integers(1, 5), max_size=3, unique=True))
        if draw(st.booleans()):
            team["office_hours"] = draw(_HOURS)
        targets = st.lists(st.sampled_from([*kinds, f"team:{names[0]}"]), min_size=1, max_size=3, unique=True)
        steps = draw(st.lists(st.sampled_from(["30m", "2h", "8h"]), unique=True))
        team["escalation"] = [{"after": after, "to": draw(targets)} for after in steps]
        teams[name] = team
    teams[names[0]]["aliases"] = [name for name in names if name not in teams]
    return teams


_ROOT = st.fixed_dictionaries(
    {},
    optional={
        "heartbeat": _HOOK,
        "quiet_environments": st.lists(_NAME, max_size=3, unique=True),
        "dashboard_url": st.just("https://g.example.org/"),
        "by": st.sampled_from([[], ["cluster"]]),
    },
)


@given(tree=st.dictionaries(_TEXT, _TREE, min_size=1, max_size=3))
@settings(max_examples=300)
def test_what_is_written_is_read_again(tree: dict[str, object]) -> None:
    """Whatever texts a tree holds, YAML finds them."""
    assert yaml.safe_load("\n".join(yaml_lines(tree))) == tree


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one folder that all examples are written to."""
    return tmp_path_factory.mktemp("pack")


@pytest.mark.prometheus
@given(teams=_teams(), root=_ROOT)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_every_valid_ownership_file_makes_a_valid_configuration(
    folder: Path,
    teams: dict[str, Any],  # Any: it is YAML
    root: dict[str, Any],  # Any: the same
) -> None:
    """Alertmanager takes what comes out, whatever names, receivers and steps there are, in each profile."""
    owners = folder / "owners.yml"
    owners.write_text(yaml.safe_dump({"teams": teams, "default": next(iter(teams))} | root), "utf-8")
    for profile in list(Profile) if named("amtool") else [Profile.V0_25]:
        config = folder / "alertmanager.yml"
        config.write_text(render(owners, None, profile), "utf-8")
        command = [require("amtool"), "check-config", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


_WORDS = sorted({word.removesuffix("[]") for path, _ in all_keys(OwnersKeys) for word in path.split(".")} | set(KEYS))
_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["#a", "/k", "https://x/", "a@b", "30m", "team:x", "09:00", "\ud800", "{{", "ml", "fields", "slack"]
    ),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(_WORDS) | st.text(max_size=4), below),
    max_leaves=20,
)


@given(teams=st.dictionaries(st.text(max_size=3) | st.just("ml"), _ANY, max_size=2) | _ANY, root=_ANY, base=_ANY)
@example(teams={"ml": {"email": {"to": ["a@b"]}}}, root={"quiet_environments": ["\ud800"]}, base={})
@example(teams={"ml": {"email": {"to": ["a@b"]}, "aliases": ["\ud800"]}}, root={}, base={})
@example(teams={"ml": {"webhook": {"url": "https://x/\ud800"}}}, root={}, base={})
@example(teams={"ml": {"webhook": {"url": "https://[x/"}}}, root={}, base={})
@example(teams={"ml": {"webhook": {"url": "https://x/"}}}, root={}, base={"route": {"receiver": 1, "routes": "x"}})
@example(teams={"ml": {"webhook": {"url": "https://x/"}}}, root={}, base={"global": {"x": "\ud800"}, "templates": [1]})
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_no_document_crashes_the_renderer(folder: Path, teams: object, root: object, base: object) -> None:
    """Whatever two files hold, the end is a text of UTF-8 or one error of one line with the file and a remedy."""
    owners, base_file = folder / "owners.yml", folder / "base.yml"
    whole = {"teams": teams, "default": "ml"} | (root if isinstance(root, dict) else {})
    owners.write_text(yaml.safe_dump(whole), "utf-8")
    base_file.write_text(yaml.safe_dump(base), "utf-8")
    for profile in Profile:
        mistake = _mistake(owners, base_file, profile)
        if mistake:
            assert str(mistake).startswith(str(folder))
            assert len(str(mistake).splitlines()) == 1
            assert mistake.remedy


def _mistake(owners: Path, base: Path, profile: Profile) -> ConfigError | None:
    try:
        yaml.safe_load(render(owners, base, profile).encode())
    except ConfigError as error:
        return error
    return None
