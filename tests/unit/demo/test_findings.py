from model_exporter.demo import findings
from model_exporter.demo.scrape import Scrape


def _page(**psi: float) -> Scrape:
    labels = '{{model="m",version="1",feature="{}",role="input",window="5m"}}'
    return Scrape(
        "".join(
            f"model_window_observations{labels.format(name)} 500\nmodel_drift_psi{labels.format(name)} {value}\n"
            for name, value in psi.items()
        )
        + 'model_predictions_total{model="m",version="1"} 500\n'
        + 'model_feature_missing_total{model="m",version="1",feature="gone",role="input"} 40\n'
    )


def test_drift_is_found_when_every_shifted_feature_stands_out() -> None:
    """The feature that lost values belongs to neither side of the comparison."""
    page = _page(a=0.9, b=0.4, gone=0.3, c=0.02)
    assert findings.drift(page, model="m", version="1", shifted=("a", "b"), lost="gone").holds


def test_drift_is_not_found_when_one_shifted_feature_stays() -> None:
    """All of the shift must be visible."""
    assert not findings.drift(
        _page(a=0.9, b=0.1, c=0.02), model="m", version="1", shifted=("a", "b"), lost="gone"
    ).holds


def test_drift_is_not_found_when_everything_moves() -> None:
    """A number that rises for untouched features too shows nothing."""
    assert not findings.drift(_page(a=0.9, b=0.8, c=0.5), model="m", version="1", shifted=("a", "b"), lost="gone").holds


def test_drift_is_not_found_on_an_empty_page() -> None:
    """Absence of numbers is no proof."""
    assert not findings.drift(Scrape(""), model="m", version="1", shifted=("a",), lost="gone").holds


def test_counts_must_match_exactly() -> None:
    """One prediction lost or counted twice is one too many."""
    page = _page(a=0.0)
    assert findings.counted(page, model="m", sent=500).holds
    assert not findings.counted(page, model="m", sent=499).holds
    assert not findings.counted(Scrape(""), model="m", sent=0).holds


def test_missing_values_must_match_exactly_and_exist() -> None:
    """A shift that lost nothing has not shown that losses are counted."""
    page = _page(a=0.0)
    assert findings.missed(page, model="m", feature="gone", lost=40).holds
    assert not findings.missed(page, model="m", feature="gone", lost=41).holds
    assert not findings.missed(_page(), model="m", feature="other", lost=0).holds


def test_features_are_listed_worst_first() -> None:
    """A feature whose window is too small for a PSI stands last, with no number."""
    page = Scrape(
        'model_window_observations{model="m",version="1",feature="few",role="input",window="5m"} 3\n'
        'model_window_observations{model="m",version="1",feature="bad",role="input",window="5m"} 900\n'
        'model_drift_psi{model="m",version="1",feature="bad",role="input",window="5m"} 0.4\n'
        'model_window_observations{model="m",version="1",feature="bad",role="input",window="1h"} 1000\n'
        'model_window_observations{model="m",version="1",feature="score",role="output",window="5m"} 900\n'
        'model_window_observations{model="m",version="2",feature="bad",role="input",window="5m"} 70\n'
    )
    assert [(view.name, view.psi, view.observations) for view in findings.features(page, "m", "1")] == [
        ("bad", 0.4, 900),
        ("few", None, 3),
    ]


def _alarm(*, detected: int, **shapes: str) -> Scrape:
    version = 'model="m",version="1"'
    lines = [f'model_drift_detected{{{version},level="page"}} {detected}']
    for name, shape in {"still": "", **shapes}.items():
        labels = f'{version},feature="{name}",role="input",level="page"'
        lines.append(f"model_feature_drift_detected{{{labels}}} {int(bool(shape))}")
        if shape:
            lines.append(f'model_feature_drift_shape_ratio{{{labels},shape="other"}} 0.2')
            lines.append(f'model_feature_drift_shape_ratio{{{labels},shape="{shape}"}} 0.8')
    return Scrape("\n".join(lines))


def test_an_alarm_must_name_what_was_shifted_and_nothing_else() -> None:
    """One feature too few or too many is not good enough, and neither are names without an alarm."""
    page = _alarm(detected=1, a="up", gone="missing")
    assert findings.named(page, model="m", version="1", shifted={"a", "gone"}).holds
    assert not findings.named(page, model="m", version="1", shifted={"a"}).holds
    assert not findings.named(page, model="m", version="1", shifted={"a", "b", "gone"}).holds
    assert not findings.named(_alarm(detected=0), model="m", version="1", shifted=()).holds
    assert not findings.named(Scrape(""), model="m", version="1", shifted=()).holds


def test_the_kind_of_change_is_the_one_with_most_evidence() -> None:
    """Shares by shape become one word."""
    assert findings.verdict(_alarm(detected=1, a="up"), "m", "1").named == (("a", "up"),)


def test_quiet_is_a_verdict_and_not_the_lack_of_one() -> None:
    """Before the first slot has closed nothing was judged."""
    assert findings.quiet(_alarm(detected=0), model="m", version="1").holds
    assert not findings.quiet(_alarm(detected=1, a="up"), model="m", version="1").holds
    assert not findings.quiet(Scrape(""), model="m", version="1").holds
