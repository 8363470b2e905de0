"""docker-compose.yml as the tests read it: services, mounts, and where a path of a container is on the host."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

import yaml

ROOT: Final = Path(__file__).parents[1]
FILE: Final = ROOT / "docker-compose.yml"
SECRETS: Final = PurePosixPath("/run/secrets")


class Mount(NamedTuple):
    """A bind of a file or folder of the repository, or a named volume."""

    source: str
    target: PurePosixPath
    read_only: bool

    @property
    def named(self) -> bool:
        """Whether it is a volume and not a path."""
        return not self.source.startswith("./")


def compose() -> dict[str, Any]:  # Any: it is YAML
    """The whole file."""
    return load(FILE)


def load(path: Path) -> dict[str, Any]:  # Any: it is YAML
    """A file that holds one mapping."""
    told = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(told, dict), path
    return told


def services() -> dict[str, dict[str, Any]]:  # Any: it is YAML
    """Each service by its name."""
    return dict(compose()["services"])


def mounts(service: Mapping[str, Any]) -> Iterator[Mount]:  # Any: it is YAML
    """What a service mounts, secrets included."""
    for text in service.get("volumes", []):
        source, target, *options = text.split(":")
        yield Mount(source, PurePosixPath(target), options == ["ro"])
    files = compose()["secrets"]
    for name in service.get("secrets", []):
        yield Mount(files[name]["file"], SECRETS / name, read_only=True)


def on_host(service: Mapping[str, Any], path: str) -> Path | None:  # Any: it is YAML
    """Where the file or folder `path` of a container is in the repository; None when it is not from there."""
    wanted = PurePosixPath(path)
    for mount in sorted(mounts(service), key=lambda mount: len(mount.target.parts), reverse=True):
        if not mount.named and wanted.is_relative_to(mount.target):
            return ROOT / mount.source / wanted.relative_to(mount.target)
    return None


def flags(service: Mapping[str, Any]) -> dict[str, str]:  # Any: it is YAML
    """The flags of a service's command, `--name=value`."""
    return {
        name: value for word in service["command"] if word.startswith("--") for name, _, value in [word.partition("=")]
    }


def published(service: Mapping[str, Any]) -> dict[int, str]:  # Any: it is YAML
    """The host's address that each port of a container is published at."""
    return {
        int(port): f"{host}:{outer}" for host, outer, port in (text.split(":") for text in service.get("ports", []))
    }


def elsewhere(text: str, addresses: Mapping[str, str], paths: Mapping[str, Path]) -> str:
    """A configuration file with other addresses (`host:port`) and other paths, each replaced once.

    >>> elsewhere("--a=exporter:4318 --b=/etc/x/y.yml", {"exporter:4318": "127.0.0.1:7"}, {"/etc/x": Path("/t")})
    '--a=127.0.0.1:7 --b=/t/y.yml'
    """
    replaced = {**addresses, **{path: str(there) for path, there in paths.items()}}
    longest_first = sorted(replaced, key=len, reverse=True)
    # A path begins with a slash: nothing that could be part of it may stand before that.
    patterns = (rf"(?<![\w.{'/' if old.startswith('/') else ''}-]){re.escape(old)}(?![\w-])" for old in longest_first)
    return re.sub("|".join(patterns) or "(?!)", lambda found: replaced[found[0]], text)
