"""The example's own instruments give the answers that can be worked out by hand, or that another library gives."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

PIPELINE = Path(__file__).resolve().parents[2] / "examples" / "meridian" / "pipeline"


@pytest.fixture(scope="module")
def load() -> Iterator[dict[str, ModuleType]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PIPELINE))
        yield {name: importlib.import_module(name) for name in ("metrics", "limits", "session", "seal", "scoring", "house_suites")}


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40))
@settings(max_examples=60)
def test_auc_is_the_share_of_pairs_in_the_right_order(load: dict[str, ModuleType], rows: list[tuple[bool, int]]) -> None:
    bad = [score for defaulted, score in rows if defaulted]
    good = [score for defaulted, score in rows if not defaulted]
    found = load["metrics"].auc(np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=float))
    if not bad or not good:
        assert np.isnan(found)
    else:
        pairs = [(one > other) + (one == other) / 2 for one in bad for other in good]
        assert found == pytest.approx(sum(pairs) / len(pairs))


def test_stability_index_by_hand(load: dict[str, ModuleType]) -> None:
    """Half a row is added to each bin: 30 and 10 against 10 and 30 are the shares 30.5/41 and 10.5/41."""
    high, low = 30.5 / 41, 10.5 / 41
    expected = 2 * (high - low) * np.log(high / low)
    found = load["metrics"].stability_index(np.array([30.0, 10.0]), np.array([10.0, 30.0]))
    assert found == pytest.approx(expected)
    assert load["metrics"].stability_index(np.array([5.0, 7.0]), np.array([5.0, 7.0])) == 0


def test_frozen_bins_do_not_move_with_the_batch(load: dict[str, ModuleType]) -> None:
    reference = np.arange(100, dtype=float)
    shifted = load["metrics"].frozen_index(reference, reference + 50, 5)
    assert load["metrics"].frozen_index(reference, reference, 5) == pytest.approx(0)
    assert shifted > 1


def test_rate_difference_by_hand(load: dict[str, ModuleType]) -> None:
    """Three of four against one of two; among those who repaid two of two against one of two."""
    approved = np.array([True, True, True, False, True, False])
    group = np.array([True, True, True, True, False, False])
    repaid = np.array([True, True, False, False, True, True])
    everybody = np.ones(6, dtype=bool)
    assert load["metrics"].rate_difference(approved, group, everybody).value == pytest.approx(0.25)
    assert load["metrics"].rate_difference(approved, group, repaid).value == pytest.approx(0.5)


@given(st.lists(st.floats(0.01, 200), max_size=30), st.lists(st.integers(0, 23), min_size=30, max_size=30))
def test_no_row_of_requests_gets_more_than_the_limit_without_a_person(
    load: dict[str, ModuleType], amounts: list[float], hours: list[int]
) -> None:
    limits = load["limits"]
    account = limits.Account(1)
    for amount, hour in zip(amounts, hours, strict=False):
        if limits.decide(limits.Call("refund-fee", 1, amount=amount), account, hour) is limits.Verdict.ALLOW:
            assert amount <= 50
            assert 8 <= hour < 22
            account.refunded_in_30_days += amount
    assert account.refunded_in_30_days <= 100


@pytest.mark.parametrize(
    "tool", ["loan-lookup", "send-document", "refund-fee", "change-payment-date", "change-bank-details", "close-account"]
)
def test_another_members_account_is_never_touched(load: dict[str, ModuleType], tool: str) -> None:
    limits = load["limits"]
    assert limits.decide(limits.Call(tool, 2, amount=1, days=1), limits.Account(1), 10) is limits.Verdict.REFUSE


def test_unknown_tools_are_refused_and_bank_details_always_wait(load: dict[str, ModuleType]) -> None:
    limits = load["limits"]
    assert limits.decide(limits.Call("close-account", 1), limits.Account(1), 10) is limits.Verdict.REFUSE
    assert limits.decide(limits.Call("change-bank-details", 1), limits.Account(1), 10) is limits.Verdict.ASK


def test_a_changed_line_breaks_the_chain_of_the_log(load: dict[str, ModuleType]) -> None:
    log = load["scoring"].DecisionLog()
    for number in range(3):
        log.append({"application": number})
    assert log.intact()
    log.lines[1] = log.lines[1].replace('"application": 1', '"application": 7')
    assert not log.intact()


def test_sealing_puts_the_digest_over_the_old_one_or_after_the_version(load: dict[str, ModuleType]) -> None:
    text = "kind: document\nid: a\nversion: '1'\ntitle: A\n---\nkind: document\nid: b\nversion: '2'\nsha256: 'old'\n"
    sealed = load["seal"].sealed(text, {"a": "0" * 64, "b": "1" * 64})
    assert sealed == (
        f"kind: document\nid: a\nversion: '1'\nsha256: {'0' * 64}\ntitle: A\n---\nkind: document\nid: b\nversion: '2'\nsha256: {'1' * 64}\n"
    )
    assert load["seal"].sealed(sealed, {"a": "0" * 64, "b": "1" * 64}) == sealed
