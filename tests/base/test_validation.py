"""Pydantic's complaints as problems: one each, at the exact place, with the way out."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kybern.base._forms import FORMS
from kybern.base.validation import Fault, Said, problems_of, said_of, shown, validate
from kybern.base.yaml import read_yaml
from kybern.catalog._models import Control, Crosswalk, Framework
from kybern.evidence import PREDICATES
from kybern.records import Record
from kybern.workspace._settings import Settings
from kybern.workspace._translate import _REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Cat(Strict):
    type: Literal["cat"]
    lives: Annotated[int, Field(le=9, gt=0)] = 9


class Dog(Strict):
    type: Literal["dog"]
    tricks: tuple[str, ...] = ()


class Ground(StrEnum):
    ROCK = "rock"
    SAND = "sand"


class Home(Strict):
    name: Annotated[str, Field(pattern="^[a-z]+$")]
    since: date | None = None
    seen: AwareDatetime | None = None
    size: str | int | float | list[str] | None = None
    mood: Literal["calm", "busy"] = "calm"
    floors: Literal[1] = 1
    ground: Ground = Ground.ROCK
    pets: tuple[Annotated[Cat | Dog, Field(discriminator="type")], ...] = ()
    rooms: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=5)], ...], Field(min_length=2, max_length=3)] = ("a", "b")
    open: bool = False
    height: float | None = None
    key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | Annotated[int, Field(ge=1000)] = 1000
    notes: dict[str, Dog] = {}

    @field_validator("name")
    @classmethod
    def _not_void(cls, value: str) -> str:
        if value == "void":
            msg = "nobody lives in the void"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _not_busy_and_open(self) -> Home:
        if self.open and self.mood == "busy":
            msg = "who is busy is not open."
            raise ValueError(msg)
        return self


FIELDS = "Its fields are floors, ground, height, key, mood, name, notes, open, pets, rooms, seen, since, size."

CASES = {
    # The YAML; then the rule, the line and column, the message and the hint expected.
    "missing": ("{mood: calm}", "missing-field", (1, 1), "The field name is missing.", "A home needs it: add `name:`."),
    "missing in a part": ("name: a\nnotes: {x: {}}", "missing-field", (2, 12), "The field notes.x.type is missing.", "Add `type:`."),
    "unknown": ("name: a\nmod: calm", "unknown-field", (2, 1), "A home has no field mod.", "Did you mean mood?"),
    "unknown and far": ("name: a\nzzz: 1", "unknown-field", (2, 1), "A home has no field zzz.", FIELDS),
    "unknown in a branch": (
        "name: a\npets:\n  - type: dog\n    trick: [sit]",
        "unknown-field",
        (4, 5),
        "pets[0] has no field trick.",
        "Did you mean tricks?",
    ),
    "unknown in a mapping": (
        "name: a\nnotes: {x: {type: dog, trick: []}}",
        "unknown-field",
        (2, 24),
        "notes.x has no field trick.",
        "Did you mean tricks?",
    ),
    "number for text": ("name: 3", "wrong-type", (1, 7), "name needs text, not 3.", 'Put it in quotes: "3".'),
    "list for mapping": (
        "[1]",
        "wrong-type",
        (1, 1),
        "A home needs a mapping, not a list.",
        "Write its fields under it, as `name: value`.",
    ),
    "union": (
        "name: a\nsize: {x: 1}",
        "wrong-type",
        (2, 7),
        "size needs text, a whole number, a number or a list, not a mapping.",
        "",
    ),
    "a branch that takes the type knows better": ("name: a\nkey: 7", "out-of-range", (2, 6), "key is 7; it must be at least 1000.", ""),
    "the other branch": (
        "name: a\nkey: 0a",
        "wrong-form",
        (2, 6),
        "key is not a SHA-256 digest: 0a.",
        "It has 64 digits 0 to 9 and a to f, in lower case.",
    ),
    "neither branch": ("name: a\nkey: [1]", "wrong-type", (2, 6), "key needs text or a whole number, not a list.", ""),
    "date": ("name: a\nsince: soon", "wrong-type", (2, 8), "since needs a date, not the text 'soon'.", "Write it like 2026-11-20."),
    "moment without zone": (
        "name: a\nseen: 2026-11-20T09:30:00",
        "wrong-type",
        (2, 7),
        "seen needs a time zone, not the text '2026-11-20T09:30:00'.",
        "End it with Z for UTC, or with an offset such as +02:00.",
    ),
    "moment": (
        "name: a\nseen: [1]",
        "wrong-type",
        (2, 7),
        "seen needs a date and time, not a list.",
        "Write it like 2026-11-20T09:30:00Z.",
    ),
    "empty": ("name:", "wrong-type", (1, 6), "name is empty; it needs text.", "Give a value, or leave the field out."),
    "truth": ("name: a\nopen: yes", "wrong-type", (2, 7), "open needs true or false, not the text 'yes'.", "Write true."),
    "untruth": ("name: a\nopen: Off", "wrong-type", (2, 7), "open needs true or false, not the text 'Off'.", "Write false."),
    "neither": ("name: a\nopen: 2", "wrong-type", (2, 7), "open needs true or false, not 2.", "Write true or false."),
    "number in quotes": (
        "name: a\nheight: '-1.5'",
        "wrong-type",
        (2, 9),
        "height needs a number, not the text '-1.5'.",
        "Remove the quotes.",
    ),
    "choice": ("name: a\nmood: clam", "unknown-value", (2, 7), "mood cannot be clam.", "Did you mean calm?"),
    "far choice": ("name: a\nmood: x", "unknown-value", (2, 7), "mood cannot be x.", "Use one of calm, busy."),
    "choice of one": ("name: a\nfloors: 2", "unknown-value", (2, 9), "floors cannot be 2.", "Use 1."),
    "choice of an enumeration": ("name: a\nground: sad", "unknown-value", (2, 9), "ground cannot be sad.", "Did you mean sand?"),
    "branch": ("name: a\npets: [{type: cow}]", "unknown-value", (2, 15), "pets[0].type cannot be cow.", "Use one of cat, dog."),
    "no branch": ("name: a\npets: [{}]", "missing-field", (2, 8), "The field pets[0].type is missing.", "Add `type:`."),
    "form": ("name: A b", "wrong-form", (1, 7), "name is not of the form ^[a-z]+$: A b.", ""),
    "form, on one line": ('name: "A\\tb\\n"', "wrong-form", (1, 7), r"name is not of the form ^[a-z]+$: A\tb\n.", ""),
    "said by a validator": ("name: void", "invalid-value", (1, 7), "name: nobody lives in the void.", ""),
    "said of the whole": ("name: a\nopen: true\nmood: busy", "invalid-value", (1, 1), "Who is busy is not open.", ""),
    "limit in a branch": (
        "name: a\npets:\n- {type: cat, lives: 10}",
        "out-of-range",
        (3, 22),
        "pets[0].lives is 10; it must be at most 9.",
        "",
    ),
    "limit below": (
        "name: a\npets:\n- {type: cat, lives: 0}",
        "out-of-range",
        (3, 22),
        "pets[0].lives is 0; it must be greater than 0.",
        "",
    ),
    "too few": ("name: a\nrooms: [x]", "wrong-length", (2, 8), "rooms needs at least 2 items.", ""),
    "too many": ("name: a\nrooms: [x, x, x, x]", "wrong-length", (2, 8), "rooms needs at most 3 items.", ""),
    "too few because one is wrong": (
        "name: a\nrooms: [x, 4]",
        "wrong-type",
        (2, 12),
        "rooms[1] needs text, not 4.",
        'Put it in quotes: "4".',
    ),
    "too short": (
        "name: a\nrooms: [x, '']",
        "wrong-length",
        (2, 12),
        "rooms[1] needs at least 1 character.",
        "Write something, or leave the field out.",
    ),
    "too long": ("name: a\nrooms: [x, sixsix]", "wrong-length", (2, 12), "rooms[1] needs at most 5 characters.", ""),
    "item of a list": (
        "name: a\npets:\n- {type: dog, tricks: [sit, 4]}",
        "wrong-type",
        (3, 29),
        "pets[0].tricks[1] needs text, not 4.",
        'Put it in quotes: "4".',
    ),
    "text for list": (
        "name: a\npets: dog",
        "wrong-type",
        (2, 7),
        "pets needs a list, not the text 'dog'.",
        "Write each item on its own line after a dash.",
    ),
}


@pytest.mark.parametrize(("text", "rule", "place", "message", "hint"), CASES.values(), ids=CASES)
def test_a_complaint_is_one_problem_at_its_place(text: str, rule: str, place: tuple[int, int], message: str, hint: str) -> None:
    (document,) = read_yaml(text.encode(), "home.yaml")
    home, (problem,) = validate(Home, document, whole="A home")
    assert home is None
    assert (problem.rule, problem.message, problem.hint) == (rule, message, hint)
    assert (problem.place.file, problem.place.line, problem.place.column) == ("home.yaml", *place)


def test_what_is_right_is_given_with_its_types() -> None:
    (document,) = read_yaml(b"- 1\n- {name: a, since: 2026-11-20, ground: sand, pets: [{type: dog, tricks: [sit]}]}\n", "homes.yaml")
    home, problems = validate(Home, document, (1,))
    assert home == Home(name="a", since=date(2026, 11, 20), ground=Ground.SAND, pets=(Dog(type="dog", tricks=("sit",)),))
    assert problems == []


def test_a_prefix_says_where_in_the_document_the_value_stood() -> None:
    (document,) = read_yaml(b"- {name: a}\n- {name: 7}\n", "homes.yaml")
    _, (problem,) = validate(Home, document, (1,))
    assert (problem.place.line, problem.place.column, problem.place.pointer) == (2, 10, "/1/name")


def test_an_error_raised_elsewhere_is_told_in_the_same_words() -> None:
    (document,) = read_yaml(b"- 1\n- {name: a, mod: calm}\n", "home.yaml")
    with pytest.raises(ValidationError) as caught:
        Home.model_validate(document.value[1])
    problems = problems_of(caught.value, document, (1,), model=Home)
    assert problems == validate(Home, document, (1,))[1]
    assert [(str(problem.place), problem.message) for problem in problems] == [("home.yaml:2:13", "The file has no field mod.")]


def test_several_faults_are_several_problems() -> None:
    (document,) = read_yaml(b"{mod: calm, mood: x}", "home.yaml")
    _, problems = validate(Home, document)
    assert sorted(problem.rule for problem in problems) == ["missing-field", "unknown-field", "unknown-value"]


def test_a_hundred_problems_are_told_and_no_more() -> None:
    (document,) = read_yaml(f"name: a\npets: [{'3, ' * 150}]".encode(), "home.yaml")
    _, problems = validate(Home, document)
    assert [problem.place.pointer for problem in problems] == [f"/pets/{index}" for index in range(100)]


def test_a_room_says_some_faults_in_its_own_words() -> None:
    def no_void(fault: Fault) -> Said | None:
        return Said("no-void", f"{fault.name} is {fault.given}.", "Move.") if "void" in str(fault.context["error"]) else None

    (document,) = read_yaml(b"- {name: void}\n- {name: a, open: true, mood: busy}\n- {name: 3}", "homes.yaml")
    told = [validate(Home, document, (index,), more={"value_error": no_void})[1] for index in range(3)]
    assert [(problem.rule, problem.message, problem.hint) for (problem,) in told] == [
        ("no-void", "name is void.", "Move."),
        ("invalid-value", "Who is busy is not open.", ""),
        ("wrong-type", "name needs text, not 3.", 'Put it in quotes: "3".'),
    ]


def test_what_has_no_words_of_ours_keeps_pydantics() -> None:
    with pytest.raises(ValidationError) as caught:
        Home.model_validate_json('{"name": "\\ud800"}')
    ((path, said),) = said_of(caught.value, {"name": "\ud800"}, model=Home, whole="A home")
    assert (path, said.rule) == ((), "invalid-value")
    assert said.message.startswith("A home: invalid JSON: ")


@pytest.mark.parametrize(
    ("value", "text"),
    [("a b", "a b"), ("ä", "ä"), ("a\nb", r"a\nb"), ("\ud800", r"\ud800"), (True, "true"), (None, "null"), ([1, "ä"], '[1, "ä"]')],
)
def test_a_value_is_shown_on_one_line(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_long_value_is_cut() -> None:
    assert shown("x" * 60) == "x" * 60
    assert shown("x" * 61) == "x" * 57 + "..."


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for inner in schema:
            yield from patterns(inner)


def test_every_form_that_a_shape_asks_for_has_words() -> None:
    shapes = [*Record.registry.values(), *PREDICATES.values(), Control, Crosswalk, Framework, Settings]
    asked = {pattern for shape in shapes for pattern in patterns(shape.model_json_schema())}
    assert {pattern for pattern in asked if not _REFERENCE.match(pattern)} == set(FORMS)
