"""The door: whatever a caller's values are, they come in as what the schema says, or are denied in words."""

from __future__ import annotations

import enum
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_rules import bundle, bundle_of, request
from policy_world import SCHEMA, SCHEMA_YAML

from kybern.base import InputError
from kybern.policy import Bundle, Effect, decide_on, load_bundle, read_schema

RULES = bundle_of("tests.failed > 8")


class _Risk(enum.StrEnum):
    HIGH = "high"


class _Count(enum.IntEnum):
    FOUR = 4


class _Text(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__

    def lower(self) -> str:
        return "us"


class _List(list[str]):
    def __len__(self) -> int:
        return 0


class _Nowhere(tzinfo):
    def utcoffset(self, _: datetime | None) -> None:
        return None


class _Unspeakable:
    def __repr__(self) -> NoReturn:
        raise RuntimeError


def test_values_of_every_disguise_come_in_as_plain_ones() -> None:
    for name, value, plain in (
        ("system.risk", _Risk.HIGH, "high"),
        ("tests.failed", _Count.FOUR, 4),
        ("system.region", _Text("EU"), "eu"),
        ("system.owner", "Zu\u0308rich", "Zürich"),
        ("system.region", "ZU\u0308RICH", "zürich"),
        (
            "request.time",
            datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        ),
        ("request.time", "2026-11-23T10:00:00+01:00", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ("impact.window", "1h30m", timedelta(minutes=90)),
    ):
        found = SCHEMA.read(name, value)
        assert found == plain
        assert type(found) is type(plain)
        assert not isinstance(found, datetime) or (found.tzinfo is UTC and found.fold == 0)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("system.owner", "\ud800", "half a character"),
        ("system.owner", _Unspeakable(), "a _Unspeakable is not a text"),
        ("approvals.roles", _List(["dpo"] * 101), "101 items"),
        ("approvals.roles", [["dpo"]], "none of"),
        ("tests.failed", 10**400, "too large"),
        ("request.time", datetime(2026, 11, 23, tzinfo=_Nowhere()), "with its zone"),
        ("request.time", "0001-01-01T00:00:00+23:00", "outside 1900 to 2200"),
        ("impact.window", "6m", "many read months"),
        ("impact.window", timedelta.max, "more than a century"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_denied_in_words(name: str, value: object, words: str) -> None:
    decision = decide_on(RULES, *request({name: value}))
    assert decision.effect is Effect.DENY
    assert words in " ".join(decision.faults)


def test_a_number_that_would_lose_digits_is_denied() -> None:
    wide = read_schema(SCHEMA_YAML.replace(b"minimum: -10, maximum: 10, ", b""), "wide.yaml")
    assert wide.read("score.auc", 2**60) == float(2**60)
    with pytest.raises(ValueError, match="more digits"):
        wide.read("score.auc", 2**60 + 1)


class _Name(enum.Enum):
    LIVE = "system.live"

    def __str__(self) -> str:
        return "system.live"


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.one_of(st.integers(), st.text(max_size=4), st.none(), st.tuples(st.integers()), st.just(_Name.LIVE)), st.just(1)),
    st.booleans(),
)
def test_names_that_are_none_are_denied_and_escape_nowhere(strange: dict[Any, Any], provided: bool) -> None:  # noqa: FBT001
    sources = request({})
    sources[provided].update(strange)
    decision = decide_on(RULES, *sources)
    assert decision.effect is (Effect.DENY if strange else Effect.ALLOW)
    assert bool(decision.faults) is bool(strange)


# What a rule's envelope may say


@pytest.mark.parametrize(
    ("effect", "more", "words"),
    [
        ("modify", "  modify: {impact.approved: true}", "comes from assessment: a rule cannot set it"),
        ("modify", "  modify: {tool.name: pay}", "no fact of deploy"),
        ("deny", "  effective: {until: 9999-12-31}", "outside 1900 to 2199"),
        ("deny", "  effective: {since: 0001-01-01}", "outside 1900 to 2199"),
    ],
)
def test_an_envelope_that_cannot_be_meant_does_not_load(effect: str, more: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        bundle("tests.failed > 8", fires="{tests.failed: 9}", effect=effect, more=more)
    [problem] = error.value.problems
    assert words in problem.message


@pytest.mark.parametrize("default", [Effect.MODIFY, Effect.DEFER, Effect.REQUIRE_APPROVAL])
def test_a_default_that_leaves_open_by_whom_or_how_does_not_load(default: Effect) -> None:
    with pytest.raises(InputError) as error:
        load_bundle(SCHEMA, [], default=default)
    assert error.value.problems[0].rule == "bad-default"


def test_values_that_differ_in_capitals_only_are_no_enumeration() -> None:
    for values in (b"[high, High, minimal, limited]", b"[high, 'high ', minimal, limited]"):
        with pytest.raises(InputError) as error:
            read_schema(SCHEMA_YAML.replace(b"[high, limited, minimal]", values), "schema.yaml")
        assert "capitals or spaces" in error.value.problems[0].message


def test_a_role_of_one_rule_does_not_approve_for_another() -> None:
    first = bundle("tests.failed > 8", fires="{tests.failed: 9}", effect="require-approval", more="  approvers: [dpo]").rules[0]
    second = bundle("tests.failed > 7", fires="{tests.failed: 9}", effect="require-approval", more="  approvers: [board, ciso]").rules[0]
    decision = decide_on(Bundle(SCHEMA, (first, second), {}), *request({"tests.failed": 9}))
    assert decision.approvals == (("dpo",), ("board", "ciso"))
    assert decision.approvers == ("dpo", "board", "ciso")


def test_the_digest_holds_the_order_that_modifications_rest_on() -> None:
    one, two = bundle_of("tests.failed > 8", "tests.failed > 7").rules
    assert Bundle(SCHEMA, (one, two), {}).digest != Bundle(SCHEMA, (two, one), {}).digest
