"""The matrix of serving stacks is what the tests know of them."""

import re
from pathlib import Path, PurePosixPath

import pytest

from systems import CLIENTS, INDEX, PAGES, README, ROOT, System, SystemFileError, index, readme, systems, table

SYSTEMS = systems()
GOOD = {
    "name": '"Acme"',
    "page": '"acme"',
    "door": '"OTLP logs"',
    "extracted": '"features"',
    "package": '"acme"',
    "how": '"real client"',
    "tests": '["tests/e2e/test_acme.py"]',
}


def _write(folder: Path, **changes: str | None) -> None:
    client = folder / "acme"
    client.mkdir(exist_ok=True)
    (client / "requirements.txt").write_text("other==1\nacme[grpc]==2.3.4\n")
    told = {key: value for key, value in (GOOD | changes).items() if value is not None}
    (client / "system.toml").write_text("[[system]]\n" + "".join(f"{key} = {told[key]}\n" for key in told))


def test_the_readme_has_the_matrix() -> None:
    """`make render` writes it, and nobody else."""
    text = README.read_text("utf-8")
    assert readme(text, SYSTEMS) == text


def test_the_index_has_the_matrix() -> None:
    """The pages are found from it."""
    assert INDEX.read_text("utf-8") == index(SYSTEMS)


@pytest.mark.parametrize("system", SYSTEMS, ids=[system.name for system in SYSTEMS])
def test_what_a_row_names_exists(system: System) -> None:
    """Its page, and each of its tests."""
    for link in re.findall(r"\]\(([^)]+)\)", system.row(PurePosixPath())):
        assert (ROOT / link).is_file(), link


def test_every_page_is_in_the_matrix() -> None:
    """A page that no row leads to would not be found."""
    assert {page.stem for page in PAGES.glob("*.md")} - {"README"} == {system.page for system in SYSTEMS}


def test_every_client_has_its_row() -> None:
    """A client without a `system.toml` would be tested and not told of."""
    folders = {folder.name for folder in CLIENTS.iterdir() if folder.is_dir() and folder.name != "__pycache__"}
    assert folders == {file.parent.name for file in CLIENTS.glob("*/system.toml")}


def test_versions_are_what_is_pinned(tmp_path: Path) -> None:
    """They come from the requirements that the client is installed from."""
    _write(tmp_path)
    (system,) = systems(tmp_path)
    assert system.version == "acme 2.3.4"


def test_links_start_where_the_document_stands(tmp_path: Path) -> None:
    """The README and the index are in different folders."""
    _write(tmp_path)
    rows = systems(tmp_path)
    assert "[Acme](exporter/systems/acme.md)" in table(rows, PurePosixPath())
    inner = table(rows, PurePosixPath("exporter/systems"))
    assert "[Acme](acme.md)" in inner
    assert "[acme](../../tests/e2e/test_acme.py)" in inner


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("door", None, "door must be"),
        ("door", '"a | b"', "door must be"),
        ("how", '"I looked at it"', "how must be one of"),
        ("tests", "[]", "tests must name"),
        ("package", None, "either a package or a version"),
        ("package", '"unheard"', "pins unheard"),
        ("version", '"1"', "either a package or a version"),
        ("colour", '"red"', "unknown colour"),
    ],
)
def test_an_incomplete_file_is_told_of(tmp_path: Path, key: str, value: str | None, message: str) -> None:
    """With the file and what it lacks."""
    _write(tmp_path, **{key: value})
    with pytest.raises(SystemFileError, match=f"acme/system.toml: .*{message}"):
        systems(tmp_path)
