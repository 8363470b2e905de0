"""What must not be kept as it was sent, from checked keys, and the secret that hashes are keyed by."""

import os
from hashlib import blake2b
from pathlib import Path
from typing import Final

from model_exporter.config.document import Node
from model_exporter.config.outcome_schema import ModelPrivacyKeys, PrivacyKeys
from model_exporter.config.settings import Privacy, SegmentSource

MIN_SECRET: Final = 16
"""Bytes of a secret, at least."""
_MAX_SECRET: Final = 65_536
_REMEDY: Final = f"Make one of at least {MIN_SECRET} bytes, as with `openssl rand -hex 32`"


class Secret:
    """The secret of a configuration, read when something is hashed for the first time.

    Args:
        keys: `privacy`.
        node: where they stand.
        folder: where relative paths start.
    """

    def __init__(self, keys: PrivacyKeys, node: Node, folder: Path) -> None:
        self._keys = keys
        self._node = node
        self._folder = folder
        self._key = b""

    def key(self, user: Node) -> bytes:
        """A key of 32 bytes made of the secret, for `user`, which hashes something.

        Raises:
            ConfigError: there is no secret, or it is too short or cannot be read. The secret itself is not told.
        """
        if not self._key:
            secret = self._read(user)
            self._key = blake2b(secret, digest_size=32).digest()
        return self._key

    def _read(self, user: Node) -> bytes:
        if self._keys.secret_file:
            node, path = self._node.find("secret_file"), self._folder / self._keys.secret_file
            try:
                with path.open("rb") as file:
                    secret = file.read(_MAX_SECRET).strip()
            except (OSError, ValueError) as error:
                problem = f"the file {path} cannot be read ({getattr(error, 'strerror', None) or error})"
                raise node.mistake(problem, "Give a file that this user can read") from error
            where = f"the file {path} holds"
        else:
            name = self._keys.secret_variable
            node = user if self._node.find("secret_variable") is self._node else self._node.find("secret_variable")
            secret = os.environ.get(name, "").strip().encode("utf-8", "surrogateescape")
            if not secret:
                raise user.mistake(
                    f"hashing needs a secret, and the environment variable {name} holds none",
                    "Set it, or name a file in privacy.secret_file",
                )
            where = f"the environment variable {name} holds"
        if len(secret) < MIN_SECRET:
            raise node.mistake(f"{where} a secret of {len(secret)} bytes, which can be guessed", _REMEDY)
        return secret


def privacy(keys: ModelPrivacyKeys, node: Node, secret: Secret) -> Privacy:
    """What a model conceals; `node` is where that stands.

    Raises:
        ConfigError: something is both dropped and hashed, or there is no good secret to hash with.
    """
    drop, hashed = frozenset(map(_field, keys.drop)), frozenset(map(_field, keys.hash))
    for place, name in enumerate(keys.hash):
        if name in keys.drop:
            raise node.find("hash").mistake(f"entry {place + 1}, {name}, is dropped as well", "Remove one of the two")
    return Privacy(drop=drop, hash=hashed, secret=secret.key(node.find("hash")) if hashed else b"")


def _field(name: str) -> tuple[SegmentSource, str]:
    source, _, field = name.partition(".")
    return SegmentSource(source), field
