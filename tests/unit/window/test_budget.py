"""Bounds that all models share, and the part of one of them."""

from model_exporter.window.budget import Budget, Part


def test_a_part_takes_from_the_whole() -> None:
    """What a model takes and gives back counts for all of them."""
    whole = Budget(10, "series")
    one, other = Part(whole, 8, "series_per_model"), Part(whole, 8, "series_per_model")
    assert one.take(6)
    assert (one.used, one.left, other.left, whole.used) == (6, 2, 4, 6)
    one.give_back(5)
    assert (one.used, other.left, whole.used) == (1, 8, 1)


def test_what_does_not_fit_one_of_both_is_not_taken_from_either() -> None:
    """Neither the model's own limit nor the whole's is passed, and the one that binds is named."""
    whole = Budget(10, "series")
    one, other = Part(whole, 8, "series_per_model"), Part(whole, 8, "series_per_model")
    assert not one.take(9)
    assert one.binding == "series_per_model"
    assert one.take(8)
    assert not other.take(3)
    assert other.binding == "series"
    assert (one.used, other.used, whole.used) == (8, 0, 8)


def test_a_lower_limit_leaves_nothing_until_enough_is_back() -> None:
    """After a reload a part may hold more than it may."""
    part = Part(Budget(10, "series"), 8, "series_per_model")
    assert part.take(8)
    part.limit = 4
    assert part.left == 0
    part.give_back(5)
    assert part.left == 1
