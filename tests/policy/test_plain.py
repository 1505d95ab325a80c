"""Rules as sentences, in English and German."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from policy_rules import bundle
from policy_world import SCHEMA, expressions

from kybern.policy._check import check
from kybern.policy._core import Expr
from kybern.policy._plain import _WORDS, condition_in_words, in_words


def test_both_languages_have_every_word() -> None:
    assert _WORDS["en"].keys() == _WORDS["de"].keys()


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ('system.risk == "high" && !system.live', "the system risk is “high” and it is not so that the system live"),
        ("!(tests.failed > 3 || system.live)", "the tests failed is at most 3 and it is not so that the system live"),
        ('cost.total > quantity(5, "EUR")', "the cost total is more than 5 EUR"),
        ('has(impact.at) && request.time - impact.at < duration("720h")',
         "the time from the impact at to the request time is shorter than 30 days"),
        ('request.time >= timestamp("2026-12-02T00:00:00Z")', "the request time is at the earliest 2026-12-02"),
        ('!("dpo" in approvals.roles)', "the approvals roles does not include “dpo”"),
        ("runs.failed.exists(r, r > 3)", "some item of the runs failed is such that it is more than 3"),
        ("!has(impact.approved) || !impact.approved",
         "it is not known whether the impact approved or it is not so that the impact approved"),
        ("!has(impact.approved) || impact.approved", "the impact approved or it is not known whether the impact approved"),
        ("has(impact.at) && (impact.at > request.time || system.live)",
         "the impact at is known and (the impact at is after the request time or the system live)"),
        ('system.risk in ["high", "limited"]', "the system risk is one of “high” or “limited”"),
        ('(system.live || tests.failed > 1) && system.risk != "minimal"',
         "(the system live or the tests failed is more than 1) and the system risk is not “minimal”"),
    ],
)  # fmt: skip
def test_a_condition_reads_as_it_is_meant(when: str, words: str) -> None:
    assert condition_in_words(check(when, SCHEMA, ("deploy",), {}), SCHEMA) == words


def test_a_rule_is_one_sentence() -> None:
    more = '  approvers: [risk-owner, dpo]\n  effective: {since: "2026-12-02"}'
    found = bundle("tests.failed > 8", fires="{tests.failed: 9}", effect="require-approval", more=more)
    assert in_words(found.rules[0], SCHEMA) == (
        "For deploy from 2026-12-02 on, approval by risk-owner or dpo is required if the tests failed is more than 8."
    )
    assert in_words(found.rules[0], SCHEMA, "de") == (
        "Für deploy ab 2.12.2026: Freigabe durch risk-owner oder dpo nötig, falls gilt: the tests failed ist größer als 8."
    )


@settings(max_examples=200, deadline=None)
@given(expressions())
def test_every_condition_can_be_said(expr: Expr) -> None:
    english, german = condition_in_words(expr, SCHEMA), condition_in_words(expr, SCHEMA, "de")
    assert english
    assert " and " not in german
    assert "{" not in english + german, "no word is left without its parts"


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("score.auc > 1.2345678", "the score auc is more than 1.2345678"),
        ("score.auc > 5", "the score auc is more than 5"),
        ('impact.window > duration("86400.000001s")', "the impact window is longer than 86400.000001 seconds"),
        ('impact.window > duration("-1.5s")', "the impact window is longer than -1.5 seconds"),
        ('impact.window > duration("48h")', "the impact window is longer than 2 days"),
        ('request.time > timestamp("2026-12-02T00:00:00.5Z")', "the request time is after 2026-12-02 00:00:00.500000 UTC"),
    ],
)
def test_words_leave_no_digit_out(when: str, words: str) -> None:
    assert condition_in_words(check(when, SCHEMA, ("deploy",), {}), SCHEMA) == words
