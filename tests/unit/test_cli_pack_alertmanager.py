from pathlib import Path

import pytest
import yaml

from model_exporter.cli import run

OWNERS = "default: ml\nteams:\n  ml:\n    email: {to: [ml@example.org]}\n"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def owners(tmp_path: Path) -> Path:
    """A small ownership file."""
    file = tmp_path / "owners.yml"
    file.write_text(OWNERS)
    return file


def test_it_prints_a_whole_configuration(capsys: Capture, owners: Path) -> None:
    """Without -o nothing is written, and the base is the one that is shipped."""
    assert run(["pack", "alertmanager", "--owners", str(owners)]) == 0
    printed = capsys.readouterr()
    assert set(yaml.safe_load(printed.out)) == {"global", "templates", "route", "inhibit_rules", "receivers"}
    assert printed.err == ""
    assert [path.name for path in owners.parent.iterdir()] == ["owners.yml"]


def test_it_writes_the_templates_beside_the_configuration(capsys: Capture, owners: Path) -> None:
    """A configuration without them would fail when it sends; a second run changes what is different only."""
    target = owners.parent / "alertmanager.yml"
    assert run(["pack", "alertmanager", "--owners", str(owners), "-o", str(target)]) == 0
    templates = {path.name for path in (owners.parent / "templates").iterdir()}
    assert templates == {"email.tmpl", "pagerduty.tmpl", "slack.tmpl", "ticket.tmpl", "triage.tmpl"}
    assert len(capsys.readouterr().err.splitlines()) == 6
    (owners.parent / "templates" / "slack.tmpl").write_text("old")
    assert run(["pack", "alertmanager", "--owners", str(owners), "-o", str(target)]) == 0
    assert capsys.readouterr().err.splitlines() == [
        f"wrote {target}",
        f"wrote {owners.parent / 'templates' / 'slack.tmpl'}",
    ]


def test_templates_can_be_left_alone(owners: Path) -> None:
    """Some have their own."""
    target = owners.parent / "a.yml"
    assert run(["pack", "alertmanager", "--owners", str(owners), "-o", str(target), "--no-templates"]) == 0
    assert sorted(path.name for path in owners.parent.iterdir()) == ["a.yml", "owners.yml"]


def test_the_profile_decides_what_is_allowed(capsys: Capture, owners: Path) -> None:
    """A key that only current releases have is refused for 0.25, in one line, and nothing is written."""
    owners.write_text(OWNERS + "heartbeat: {url_file: /secrets/heartbeat}\n")
    target = owners.parent / "alertmanager.yml"
    assert run(["pack", "alertmanager", "--owners", str(owners), "-o", str(target)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {owners}:5: heartbeat.url_file: Alertmanager 0.25 reads no")
    assert not target.exists()
    assert run(["pack", "alertmanager", "--owners", str(owners), "--profile", "current"]) == 0
    assert "timeout: 10s" in capsys.readouterr().out


def test_a_base_can_take_no_name_of_ours(capsys: Capture, owners: Path) -> None:
    """Two receivers of one name would be refused by Alertmanager, far from here."""
    base = owners.parent / "base.yml"
    base.write_text("global: {smtp_smarthost: 'm:25', smtp_from: a@b}\nreceivers: [{name: ml/chat}]\n")
    assert run(["pack", "alertmanager", "--owners", str(owners), "--base", str(base)]) == 2
    assert "the name ml/chat is taken" in capsys.readouterr().err


def test_it_prints_the_reference(capsys: Capture) -> None:
    """Every key of the ownership file, without one to check."""
    assert run(["pack", "alertmanager", "--reference"]) == 0
    assert "teams.NAME.escalation[].to: " in capsys.readouterr().out


def test_a_file_is_needed(capsys: Capture) -> None:
    """One line says how to go on."""
    assert run(["pack", "alertmanager"]) == 2
    assert "--owners" in capsys.readouterr().err
