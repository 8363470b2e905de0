"""The base of a rendered alertmanager.yml: what is not about owners, such as the mail server."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from model_exporter.config.convert import did_you_mean, listed
from model_exporter.config.document import Node, read_document
from model_exporter.pack.receiver_schema import holds_secret

Tree = dict[str, object]
"""A mapping as YAML has it."""

KEYS: Final = ("global", "templates", "route", "receivers", "inhibit_rules", "time_intervals")
"""Keys that a base may have: those of alertmanager.yml."""
_SECRET: Final = re.compile(
    r"(.*_)?(password|secret|credentials|token|bearer_token|api_key|api_secret|secret_key|routing_key|service_key|"
    r"user_key|key|bot_token|slack_api_url)"
)
_SECRET_ADDRESSES: Final = frozenset(
    {"slack_configs", "discord_configs", "msteams_configs", "msteamsv2_configs", "mattermost_configs"}
)
"""Receivers whose address is the secret."""


@dataclass(frozen=True, slots=True)
class Base:
    """What a base says.

    Attributes:
        file: where it stands.
        settings: `global`.
        templates: globs of files.
        route: the tree of all alerts that are not about models; empty when Alertmanager has no other purpose.
        receivers: of that tree.
        inhibit_rules: besides ours.
        time_intervals: of that tree.
    """

    file: str
    settings: Tree = field(default_factory=dict)
    templates: tuple[object, ...] = ()
    route: Tree = field(default_factory=dict)
    receivers: tuple[object, ...] = ()
    inhibit_rules: tuple[object, ...] = ()
    time_intervals: tuple[object, ...] = ()

    @property
    def has_slack(self) -> bool:
        """Whether an incoming webhook is named for every team."""
        return "slack_api_url_file" in self.settings

    @property
    def has_mail(self) -> bool:
        """Whether a mail server is named."""
        return "smtp_smarthost" in self.settings and "smtp_from" in self.settings


def load_base(path: Path) -> Base:
    """The base at `path`: Alertmanager's own keys, which Alertmanager itself checks.

    Raises:
        ConfigError: it is not YAML, has other keys, or a secret stands in it.
    """
    root = read_document(path)
    if not isinstance(root.value, Mapping):
        raise root.mistake("it is not a mapping", f"Write some of {listed(KEYS)}")
    for name, node in root.value.items():
        if name not in KEYS:
            raise node.mistake("a base has no such key", f"{did_you_mean(name, KEYS)}The keys are {listed(KEYS)}")
    _refuse_secrets(root)
    return Base(
        file=str(path),
        settings=_mapping(root, "global"),
        templates=_list(root, "templates"),
        route=_mapping(root, "route"),
        receivers=_list(root, "receivers"),
        inhibit_rules=_list(root, "inhibit_rules"),
        time_intervals=_list(root, "time_intervals"),
    )


def _refuse_secrets(node: Node, name: str = "", within: str = "") -> None:
    """Secrets stand in files, so that the configuration can be shown, compared and kept."""
    if isinstance(node.value, Mapping):
        for key, child in node.value.items():
            _refuse_secrets(child, key, within)
    elif isinstance(node.value, tuple):
        for child in node.value:
            _refuse_secrets(child, "", name)
    elif isinstance(node.value, str) and node.value:
        if _is_secret(name, within):
            raise node.mistake(
                "a secret stands in the file", f"Put it into a file of its own and name that in {name}_file"
            )
        if holds_secret(node.value):
            raise node.mistake("the address seems to hold a secret", "Put the secret into a file of its own")


def _is_secret(name: str, within: str) -> bool:
    if name in {"api_url", "webhook_url"} and within in _SECRET_ADDRESSES:
        return True
    return bool(_SECRET.fullmatch(name))


def _mapping(root: Node, key: str) -> Tree:
    node = root.find(key)
    if node is root or node.value is None:
        return {}
    if not isinstance(node.value, Mapping):
        raise node.mistake("it is not a mapping", "Write keys with values, as in alertmanager.yml")
    return {name: _plain(child) for name, child in node.value.items()}


def _list(root: Node, key: str) -> tuple[object, ...]:
    node = root.find(key)
    if node is root or node.value is None:
        return ()
    if not isinstance(node.value, tuple):
        raise node.mistake("it is not a list", "Write entries that begin with `- `, as in alertmanager.yml")
    return tuple(_plain(child) for child in node.value)


def _plain(node: Node) -> object:
    if isinstance(node.value, Mapping):
        return {name: _plain(child) for name, child in node.value.items()}
    if isinstance(node.value, tuple):
        return [_plain(child) for child in node.value]
    return node.value
