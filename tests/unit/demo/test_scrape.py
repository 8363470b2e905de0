from model_exporter.demo.scrape import Scrape

PAGE = Scrape(
    "# HELP seen_total Things.\n"
    "# TYPE seen_total counter\n"
    'seen_total{model="a",door="x"} 2\n'
    'seen_total{model="b",door="x"} 3.5\n'
    'seen_total{model="b",door="y"} 4\n'
    "up 1\n"
    'odd{name="quote \\" comma , brace } newline \\n slash \\\\"} NaN\n'
)


def test_a_total_adds_up_all_series_with_the_labels() -> None:
    """Labels that are not asked for are summed over."""
    assert PAGE.total("seen_total", door="x") == 5.5
    assert PAGE.total("up") == 1


def test_no_series_is_none_and_not_zero() -> None:
    """Neither an unknown name nor an unknown label value makes a number."""
    assert PAGE.total("lost_total") is None
    assert PAGE.total("seen_total", door="z") is None


def test_label_values_are_unescaped() -> None:
    """Quotes, newlines and backslashes are as the exporter was told them."""
    (sample,) = PAGE.samples("odd")
    assert sample.labels == {"name": 'quote " comma , brace } newline \n slash \\'}
