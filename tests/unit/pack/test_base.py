from pathlib import Path

import pytest

from model_exporter.errors import ConfigError
from model_exporter.pack.base import load_base

MISTAKES = [
    ("[]", "", "not a mapping"),
    ("globals: {}", "globals", "no such key"),
    ("global: []", "global", "not a mapping"),
    ("templates: x", "templates", "not a list"),
    ("global: {slack_api_url: 'https://hooks.slack.com/x'}", "global.slack_api_url", "a secret"),
    ("global: {smtp_auth_password: x}", "global.smtp_auth_password", "a secret"),
    ("global: {opsgenie_api_key: x}", "global.opsgenie_api_key", "a secret"),
    ("global: {http_config: {basic_auth: {password: x}}}", "global.http_config.basic_auth.password", "a secret"),
    ("global: {http_config: {proxy_url: 'http://u:p@proxy'}}", "global.http_config.proxy_url", "hold a secret"),
    (
        "receivers: [{name: a, slack_configs: [{api_url: 'https://x'}]}]",
        "receivers[0].slack_configs[0].api_url",
        "a secret",
    ),
    (
        "receivers: [{name: a, pagerduty_configs: [{routing_key: x}]}]",
        "receivers[0].pagerduty_configs[0].routing_key",
        "a secret",
    ),
    (
        "receivers: [{name: a, webhook_configs: [{http_config: {authorization: {credentials: x}}}]}]",
        "receivers[0].webhook_configs[0].http_config.authorization.credentials",
        "a secret",
    ),
    (
        "receivers: [{name: a, webhook_configs: [{url: 'https://h/?token=x'}]}]",
        "receivers[0].webhook_configs[0].url",
        "hold a secret",
    ),
]


@pytest.mark.parametrize(("text", "path", "problem"), MISTAKES)
def test_secrets_and_other_mistakes_are_refused(tmp_path: Path, text: str, path: str, problem: str) -> None:
    """With the place, and never with the secret."""
    file = tmp_path / "base.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_base(file)
    assert caught.value.path == path
    assert problem in caught.value.problem


def test_files_with_secrets_and_all_else_pass(tmp_path: Path) -> None:
    """What is not about owners is Alertmanager's to judge."""
    file = tmp_path / "base.yml"
    file.write_text(
        "global:\n"
        "  {smtp_smarthost: 'mail:25', smtp_from: a@b, smtp_auth_password_file: /p, smtp_require_tls: no}\n"
        "route: {receiver: ops}\nreceivers: [{name: ops}]\ntemplates: [x/*.tmpl]\n"
    )
    base = load_base(file)
    assert base.has_mail
    assert not base.has_slack
    assert base.settings["smtp_require_tls"] is False
    assert base.receivers == ({"name": "ops"},)


def test_an_empty_base_is_one(tmp_path: Path) -> None:
    """Alertmanager has defaults for everything."""
    file = tmp_path / "base.yml"
    file.write_text("")
    assert load_base(file).route == {}
