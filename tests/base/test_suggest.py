"""Did you mean: one clear best, within a budget."""

from __future__ import annotations

from kybern.base.suggest import Suggester


def test_the_one_name_that_is_clearly_closest_is_suggested() -> None:
    assert Suggester().closest("titel", ["title", "type"]) == "title"
    assert Suggester().closest("type", ["title", "type"]) == "type"
    assert Suggester().hint("titel", ["title", "type"], "otherwise") == "Did you mean title?"


def test_between_equals_and_among_strangers_none_is() -> None:
    assert Suggester().closest("item-1x", ["item-11", "item-12", "item-13"]) is None
    assert Suggester().closest("zzz", ["title"]) is None
    assert Suggester().hint("zzz", ["title"], "otherwise") == "otherwise"


def test_the_budget_of_comparisons_is_kept() -> None:
    assert Suggester(budget=1).closest("titel", ["title", "type"]) is None
    suggester = Suggester(budget=3)
    assert [suggester.closest("titel", ["title", "type"]) for _ in range(2)] == ["title", None]
    assert Suggester().closest("title" * 50, ["title" * 50 + "s"]) is None
