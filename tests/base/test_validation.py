"""Pydantic's complaints as problems: one each, at the exact place, with the way out."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kybern.base.validation import problems_of
from kybern.base.yaml import read_yaml


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Cat(Strict):
    type: Literal["cat"]
    lives: Annotated[int, Field(le=9)] = 9


class Dog(Strict):
    type: Literal["dog"]
    tricks: tuple[str, ...] = ()


class Home(Strict):
    name: Annotated[str, Field(pattern="^[a-z]+$")]
    since: date | None = None
    size: str | int | float | list[str] | None = None
    mood: Literal["calm", "busy"] = "calm"
    pets: tuple[Annotated[Cat | Dog, Field(discriminator="type")], ...] = ()

    @field_validator("name")
    @classmethod
    def _not_void(cls, value: str) -> str:
        if value == "void":
            msg = "nobody lives in the void"
            raise ValueError(msg)
        return value


CASES = {
    # The YAML; then the rule, the line and column, the message and the hint expected.
    "missing": ("{mood: calm}", "missing-field", (1, 1), "`name` is missing.", "Add `name:`."),
    "unknown": ("name: a\nmod: calm", "unknown-field", (2, 1), "`mod` is not a field here.", "Did you mean `mood`?"),
    "unknown and far": (
        "name: a\nzzz: 1",
        "unknown-field",
        (2, 1),
        "`zzz` is not a field here.",
        "Fields here: mood, name, pets, since, size.",
    ),
    "unknown in a branch": (
        "name: a\npets:\n  - type: dog\n    trick: [sit]",
        "unknown-field",
        (4, 5),
        "`trick` is not a field here.",
        "Did you mean `tricks`?",
    ),
    "number for text": ("name: 3", "wrong-type", (1, 7), "`name` should be text, not 3.", "Put it in quotes."),
    "list for mapping": ("[1]", "wrong-type", (1, 1), "The value should be a mapping of keys to values, not a list.", ""),
    "union": (
        "name: a\nsize: {x: 1}",
        "wrong-type",
        (2, 7),
        "`size` should be text, a whole number, a number or a list, not a mapping.",
        "",
    ),
    "date": ("name: a\nsince: soon", "wrong-type", (2, 8), "`since` should be a date like 2026-11-23, not 'soon'.", ""),
    "choice": ("name: a\nmood: clam", "unknown-value", (2, 7), "`mood` cannot be 'clam'.", "Did you mean `calm`?"),
    "far choice": ("name: a\nmood: x", "unknown-value", (2, 7), "`mood` cannot be 'x'.", "One of calm, busy."),
    "branch": ("name: a\npets: [{type: cow}]", "unknown-value", (2, 8), "`pets` cannot be cow.", "One of cat, dog."),
    "no branch": ("name: a\npets: [{}]", "missing-field", (2, 8), "`pets` needs the field `type`.", ""),
    "form": ("name: A b", "wrong-form", (1, 7), "`name`: 'A b' does not have the form ^[a-z]+$.", ""),
    "said by a validator": ("name: void", "invalid-value", (1, 7), "`name`: nobody lives in the void.", ""),
    "limit in a branch": (
        "name: a\npets:\n- {type: cat, lives: 10}",
        "invalid-value",
        (3, 22),
        "`lives`: input should be less than or equal to 9.",
        "",
    ),
    "item of a list": (
        "name: a\npets:\n- {type: dog, tricks: [sit, 4]}",
        "wrong-type",
        (3, 29),
        "`tricks` should be text, not 4.",
        "Put it in quotes.",
    ),
}


@pytest.mark.parametrize(("text", "rule", "place", "message", "hint"), CASES.values(), ids=CASES)
def test_a_complaint_is_one_problem_at_its_place(text: str, rule: str, place: tuple[int, int], message: str, hint: str) -> None:
    (document,) = read_yaml(text.encode(), "home.yaml")
    with pytest.raises(ValidationError) as caught:
        Home.model_validate(document.value)
    (problem,) = problems_of(caught.value, document, model=Home)
    assert (problem.rule, problem.message, problem.hint) == (rule, message, hint)
    assert (problem.place.file, problem.place.line, problem.place.column) == ("home.yaml", *place)


def test_a_prefix_says_where_in_the_document_the_value_stood() -> None:
    (document,) = read_yaml(b"- {name: a}\n- {name: 7}\n", "homes.yaml")
    with pytest.raises(ValidationError) as caught:
        Home.model_validate(document.value[1])
    (problem,) = problems_of(caught.value, document, (1,))
    assert (problem.place.line, problem.place.column, problem.place.pointer) == (2, 10, "/1/name")


def test_without_the_model_a_misspelt_field_is_told_without_a_hint() -> None:
    (document,) = read_yaml(b"{name: a, mod: calm}", "home.yaml")
    with pytest.raises(ValidationError) as caught:
        Home.model_validate(document.value)
    assert [problem.hint for problem in problems_of(caught.value, document)] == [""]


def test_several_faults_are_several_problems() -> None:
    (document,) = read_yaml(b"{mod: calm, mood: x}", "home.yaml")
    with pytest.raises(ValidationError) as caught:
        Home.model_validate(document.value)
    assert sorted(problem.rule for problem in problems_of(caught.value, document)) == ["missing-field", "unknown-field", "unknown-value"]
