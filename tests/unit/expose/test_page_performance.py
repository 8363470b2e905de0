from dataclasses import replace

import snapshots
from model_exporter.expose.page_performance import render_performance
from model_exporter.expose.truth_views import view_outcomes, view_performance
from model_exporter.window.snapshot import ModelSnapshot
from truth_snapshots import truth


def rendered(model: ModelSnapshot) -> str:
    """The section of version 1."""
    return render_performance(view_outcomes(model), view_performance(model, "1"))


MODEL = replace(snapshots.fraud_model(), truth=truth(("1",), "fraud"))


def test_metrics_stand_with_their_bounds_and_what_they_rest_on() -> None:
    """Coverage, joins and what is lost are beside them."""
    html = rendered(MODEL)
    assert "<dt>accuracy</dt><dd><b>0.9</b>" in html
    assert "0.85 to 0.93" in html
    assert "82% of the 500 predictions" in html
    assert "and 1 more by class, horizon or depth" in html
    assert "412 outcomes met their prediction" in html
    assert "9 were corrected" in html
    assert "1,000 predictions wait for theirs" in html
    assert "1 sampled_out" in html
    assert "0.25 of the predictions are kept" in html
    assert "provisional" not in html


def test_without_outcomes_the_section_says_why() -> None:
    """And before the first version there is no section."""
    html = rendered(replace(MODEL, truth=None))
    assert "No outcomes yet: predictions begin to wait" in html
    assert "<dl>" not in html
    assert render_performance(None, None) == ""


def test_what_is_provisional_is_marked() -> None:
    """A pill and the reason."""
    told = truth(("1",), "fraud")
    hour = replace(told.performance[0].windows[0], provisional=True, coverage=0.4)
    performance = replace(told.performance[0], windows=(hour,))
    html = rendered(replace(MODEL, truth=replace(told, performance=(performance,))))
    assert '<span class="pill learning">provisional</span>' in html
    assert "Provisional: 40% of the predictions" in html


def test_groups_are_told_by_their_gaps_or_by_the_lack_of_them() -> None:
    """Of the window that is shown."""
    told = truth(("1",), "fraud")
    segment = told.performance[0].segments[0]
    gaps = replace(segment.windows[0], name="1h")
    for windows, words in (
        ((gaps,), "selection rate of fraud less that of north +0.2 (0.05 to 0.35)"),
        ((replace(gaps, gaps=(replace(gaps.gaps[0], lower=-0.1),)),), "none of 1 gaps is beyond chance"),
        ((), "no two groups are large enough to compare"),
    ):
        performance = replace(told.performance[0], segments=(replace(segment, windows=windows),))
        assert words in rendered(replace(MODEL, truth=replace(told, performance=(performance,))))
