"""The shapes of applicability: facts that can be asked, and conclusions that law draws from them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from kybern.catalog._models import ConclusionName, Model, RequirementRef, Slug
from kybern.catalog._scales import Confidence

FactName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Value = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=60)]
Sentence = Annotated[str, Field(min_length=1, max_length=1000)]
Region = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]

_WITH_VALUES = ("enum", "set")


class Fact(Model):
    """Something that can be known of a system, a model or an organisation, with the question that asks for it.

    `about` says whose record it belongs into. `values` are what an `enum` is one of and a `set` some of, each in plain words.
    `source` is the provision that makes it matter.
    `after` names facts that are asked first where they are open: the question makes sense in their light.
    """

    name: FactName
    type: Literal["bool", "enum", "set", "number", "countries", "date"]
    about: Literal["system", "organization"] = "system"
    question: Sentence
    help: Sentence | None = None
    source: Annotated[tuple[RequirementRef, ...], Field(min_length=1)]
    values: dict[Value, Sentence] = Field(default_factory=dict)
    unit: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    after: tuple[FactName, ...] = ()

    @model_validator(mode="after")
    def _fits_its_type(self) -> Fact:
        if (self.type in _WITH_VALUES) != bool(self.values):
            msg = "an enum and a set, and only they, list their values"
            raise ValueError(msg)
        if self.unit is not None and self.type != "number":
            msg = "only a number has a unit"
            raise ValueError(msg)
        return self


class Contradiction(Model):
    """Facts that cannot stand together: `when` is what must not be so, `says` why, `hint` what would be right."""

    id: Slug
    when: Any
    says: Sentence
    hint: Sentence
    basis: Annotated[tuple[RequirementRef, ...], Field(min_length=1)]


class FactFile(Model):
    """`facts.yaml`: the fact schema, its version, the regions countries lie in, and what contradicts itself."""

    version: date
    regions: dict[Region, tuple[Country, ...]] = Field(default_factory=dict)
    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    contradictions: tuple[Contradiction, ...] = ()


class Validity(Model):
    """From when a conclusion has effect, and until when.

    `enacted` is the day on which the row became law; whoever asks as of an earlier day gets the rows that were law then. `when`
    takes the place of the conclusion's own formula where the amendment changed more than the date.
    """

    since: date
    until: date | None = None
    enacted: date | None = None
    basis: Annotated[str, Field(min_length=1, max_length=300)]
    when: Any = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Validity:
        if self.until is not None and self.until < self.since:
            msg = "until lies before since"
            raise ValueError(msg)
        return self


class Conclusion(Model):
    """What law draws from facts and from other conclusions: a formula with the provision that says so.

    `says` is the sentence when it holds. `binds` names the requirements that bind whoever it holds for, with all under them.
    """

    id: ConclusionName
    kind: Literal["scope", "exclusion", "role", "class", "case", "duty", "relief", "step"]
    says: Sentence
    basis: Annotated[tuple[RequirementRef, ...], Field(min_length=1)]
    point: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    when: Any = None
    dates: tuple[Validity, ...] = ()
    binds: tuple[RequirementRef, ...] = ()
    confidence: Confidence = Confidence.HIGH
    note: Sentence | None = None

    @model_validator(mode="after")
    def _has_a_formula(self) -> Conclusion:
        if self.when is None and not (self.dates and all(row.when is not None for row in self.dates)):
            msg = "`when` is missing: give it here, or in every row of `dates`"
            raise ValueError(msg)
        return self


class Regime(Model):
    """One file of rules: the conclusions of a law, and what its catalog entries call roles, classes and routes.

    `roles`, `classes` and `routes` translate the slugs of a framework's entries into conclusions; a slug that is not here names a body
    that is never the user, such as a Member State. `order` is the place among the regimes where they are shown.
    """

    regime: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Sentence
    status_date: date
    order: Annotated[int, Field(ge=1, le=1000)]
    frameworks: Annotated[tuple[str, ...], Field(min_length=1)]
    applies: ConclusionName
    roles: dict[Slug, ConclusionName] = Field(default_factory=dict)
    classes: dict[Slug, ConclusionName] = Field(default_factory=dict)
    routes: dict[Slug, ConclusionName] = Field(default_factory=dict)
    conclusions: Annotated[tuple[Conclusion, ...], Field(min_length=1)]
