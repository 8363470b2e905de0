import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import snapshots
from baselines import feature as built
from model_exporter.baseline.model import FeatureBaseline
from model_exporter.expose.feature_views import FeatureView, view_features
from model_exporter.expose.pictures import HEIGHT, WIDTH, Bars, bars, gauge, histogram, matrix

RNG = np.random.default_rng(9)


def view(feature: FeatureBaseline, counts: list[int]) -> FeatureView:
    """A feature whose windows all hold `counts`."""
    model = snapshots.model("m", (feature,))
    version = model.versions[0]
    psi = np.array([0.1 if any(counts) else np.nan])
    rows = np.array([sum(counts)])
    windows = tuple(replace(of, bins=np.array(counts), observations=rows, psi=psi) for of in version.windows)
    return view_features(replace(version, windows=windows), [0], at=snapshots.AT)[0]


def drawn(feature: FeatureBaseline, counts: list[int]) -> Bars:
    """What is drawn of a feature whose window holds `counts`."""
    return bars(view(feature, counts))


def numbers(svg: str) -> list[tuple[float, float]]:
    """Corners of all outlines in a picture."""
    corners: list[tuple[float, float]] = []
    for element in ET.fromstring(svg).iter():  # noqa: S314  # our own text
        x = y = 0.0
        for command, first, second in re.findall(r"([MHVZ])(-?[\d.]+)?(?: (-?[\d.]+))?", element.get("d", "")):
            x = float(first) if command in "MH" else x
            y = float(second) if command == "M" else float(first) if command == "V" else y
            corners.append((x, y))
    return corners


NORMAL = built(RNG.normal(size=5000).tolist())
COUNTS = list(NORMAL.counts)


def test_stretches_show_the_shape_that_bins_hide() -> None:
    """Bins of a normal number hold tenths; drawn in stretches of equal length it is a bell again."""
    picture = drawn(NORMAL, COUNTS)
    assert picture.joined
    heights = [pair[0] for pair in picture.inner]
    middle = max(range(len(heights)), key=heights.__getitem__)
    assert 0.35 < middle / len(heights) < 0.65
    assert heights[middle] > 5 * heights[1]


def test_no_row_is_lost_in_the_picture() -> None:
    """The bars of each side sum to all of its rows, also those beyond the range and the missing ones."""
    counts = [50, *reversed(COUNTS[1:-2]), 70, 30]
    picture = drawn(NORMAL, counts)
    for side in (0, 1):
        assert sum(pair[side] for pair in (*picture.before, *picture.inner, *picture.after)) == pytest.approx(1)
    assert [pair[1] for pair in picture.before] == [50 / sum(counts)]
    assert [pair[1] for pair in picture.after] == [70 / sum(counts), 30 / sum(counts)]


def test_bins_that_hold_nothing_on_either_side_are_not_drawn() -> None:
    """Room goes to what there is."""
    assert (drawn(NORMAL, COUNTS).before, drawn(NORMAL, COUNTS).after) == ((), ())


def test_a_number_of_few_values_has_a_bar_for_each() -> None:
    """Counts and codes are no ranges to spread evenly."""
    codes = built([0] * 50 + [1] * 30 + [2] * 20)
    picture = drawn(codes, [0, 20, 30, 50, 0, 0])
    assert (picture.joined, picture.inner) == (False, ((0.5, 0.2), (0.3, 0.3), (0.2, 0.5)))


def test_many_categories_share_the_last_bar() -> None:
    """Twelve bars at most for known categories, and no row lost."""
    many = snapshots.categorical("c", [f"c{i}" for i in range(50)])
    picture = drawn(many, [1] * len(many.bins))
    assert len(picture.inner) == 12
    assert sum(pair[1] for pair in (*picture.inner, *picture.after)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("feature", "counts"),
    [
        (NORMAL, COUNTS),
        (NORMAL, [100, *[0] * 16, 100, 100]),
        (NORMAL, [*[0] * 18, 9]),
        (built([5.0] * 20), [0, 20, 0, 0]),
        (built([5.0] * 20), [3, 0, 4, 1]),
        (built([-1.7e308, *[0.5] * 9, *np.linspace(0, 1, 200).tolist(), 1.7e308]), None),
        (built([0.0] * 500 + RNG.gamma(2.0, 9.0, 500).tolist()), None),
        (snapshots.categorical("c", ("a",)), [1, 0, 0, 0]),
        (snapshots.boolean("b"), [0, 0, 7]),
    ],
)
def test_every_picture_stays_in_its_frame(feature: FeatureBaseline, counts: list[int] | None) -> None:
    """Well-formed, with finite coordinates within the frame, whatever the counts."""
    svg = histogram(view(feature, list(feature.counts) if counts is None else counts))
    for x, y in numbers(svg):
        assert -0.05 <= x <= WIDTH + 0.05
        assert -0.05 <= y <= HEIGHT
    assert "nan" not in svg
    assert "inf" not in svg.replace("info", "")


def test_without_rows_there_is_no_picture() -> None:
    """An empty window is not drawn as zero."""
    assert histogram(view(snapshots.boolean("b"), [0, 0, 0])) == ""


def test_a_name_cannot_leave_its_attribute() -> None:
    """The label of the picture is escaped."""
    svg = histogram(view(snapshots.boolean('"><script>'), [1, 2, 3]))
    (element,) = [ET.fromstring(svg)]  # noqa: S314  # our own text
    assert (element.get("aria-label") or "").startswith('"><script>: ')


@pytest.mark.parametrize(("evidence", "share"), [(-30.0, 0.0), (-16.0, 0.0), (14.0, 1.0), (99.0, 1.0)])
def test_a_gauge_ends_where_evidence_does(evidence: float, share: float) -> None:
    """Far below there is no bar, and at the cut it is full."""
    track, fill = re.findall(r'<rect class="[^"]*" y="3" width="([\d.]+)"', gauge(evidence, "page"))
    assert float(fill) == pytest.approx(share * float(track))


def test_a_gauge_reaches_its_line_at_zero() -> None:
    """The line is where an alarm begins."""
    svg = gauge(0.0, "")
    fill = re.findall(r'<rect class="[^"]*" y="3" width="([\d.]+)"', svg)[1]
    assert f'd="M{fill} 0V12"' in svg


def test_a_confusion_matrix_has_every_count_in_its_place() -> None:
    """Rows are actual classes; a darker cell is a larger share of its row; classes without any count are left out."""
    root = ET.fromstring(matrix({"a": {"a": 90, "b": 10}, "b": {"a": 0, "b": 40}, "_other": {"a": 0}}))  # noqa: S314
    counts = [(element.text, float(element.get("y", ""))) for element in root if element.get("class") == "count"]
    assert [count for count, _ in counts] == ["90", "10", "0", "40"]
    assert counts[0][1] == counts[1][1] < counts[2][1] == counts[3][1]
    shades = [float(element.get("fill-opacity", "")) for element in root if element.get("class") == "cell"]
    assert shades[3] > shades[0] > shades[1] > shades[2]
    assert float(root.get("width", "")) >= max(float(element.get("x", "")) for element in root)


def test_a_matrix_that_cannot_be_read_is_not_drawn() -> None:
    """Without counts, or with more classes than fit."""
    assert matrix({}) == ""
    assert matrix({"a": {"a": 0.0}}) == ""
    assert matrix({str(place): {str(place): 5.0} for place in range(7)}) == ""


def test_the_name_of_a_class_is_text_and_is_cut() -> None:
    """The whole of it is behind the picture."""
    name = "<script>alert(1)</script> and more"
    root = ET.fromstring(matrix({name: {name: 5.0}}))  # noqa: S314  # our own text
    told = [element for element in root if element.get("text-anchor") and not element.get("class")]
    assert {element.text for element in told} == {"<script>aler…"}
    assert {title.text for title in root.iter("title")} == {name}
