"""Profiles: what kinds of organisation start with, one YAML file each, and the answers that make one theirs."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kybern.base import InputError, Place, Problem
from kybern.base.validation import problems_of
from kybern.base.yaml import read_yaml
from kybern.records.leadership import AIRole, CountryCode
from kybern.records.lifecycle import Stage
from kybern.workspace._settings import FrameworkId

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

ProfileId = Literal["developer", "enterprise-user", "public-sector", "critical-sector", "sme", "integrator"]
"""The profiles a record of kind `organization` may name."""

Autonomy = Literal["advises", "proposes", "acts-with-approval", "acts-with-oversight", "acts-alone"]

_SPACES: Final = re.compile(r"\s+")
_NOT_A_CHARACTER: Final = 0xFFFE


def _one_line(text: str) -> str:
    """Bring an answer onto one line; `ValueError` if nothing is left or it holds what no file can."""
    text = _SPACES.sub(" ", text).strip()
    if not text:
        msg = "the answer is empty"
        raise ValueError(msg)
    if any(unicodedata.category(char) in {"Cc", "Cs"} or ord(char) & _NOT_A_CHARACTER == _NOT_A_CHARACTER for char in text):
        msg = "the answer holds characters that cannot be written"
        raise ValueError(msg)
    return text


Line = Annotated[str, Field(max_length=120), AfterValidator(_one_line)]
Prose = Annotated[str, Field(max_length=2000), AfterValidator(_one_line)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_S = TypeVar("_S", bound=_Shape)


class SystemDefaults(_Shape):
    """The AI system that an organisation of the profile often has first; each answer of the interview replaces one."""

    name: Line
    purpose: Prose
    role: AIRole
    stage: Stage
    autonomy: Autonomy
    users: tuple[Line, ...]
    personal_data: bool


class StarterDocument(_Shape):
    """A document to begin from: real wording, marked as a draft."""

    id: str
    title: str
    type: str
    owner: str
    text: str
    of: tuple[str, ...] = ()


class FirstMonth(_Shape):
    """A control that comes first: who sees to it, by which day after the start, and how."""

    control: str
    owner: str
    due: Annotated[int, Field(ge=1, le=31)]
    how: str


class Profile(_Shape):
    """A profile: its file under `profiles/`, read together with what all profiles share."""

    id: ProfileId
    title: str
    summary: str
    sector: Line
    system: SystemDefaults
    asks_supplier: bool
    ai_roles: tuple[AIRole, ...]
    texts: dict[str, str]
    roles: tuple[dict[str, Any], ...]
    records: dict[str, tuple[dict[str, Any], ...]]
    first_month: tuple[FirstMonth, ...]
    risks: tuple[dict[str, Any], ...]
    soa: dict[str, str]
    documents: tuple[StarterDocument, ...]


class RecordFile(_Shape):
    """Where records of some kinds are written, and the comment at the top."""

    path: str
    about: str
    kinds: tuple[str, ...]


class Common(_Shape):
    """What every profile shares: the layout, the records no profile does without, the pages."""

    files: tuple[RecordFile, ...]
    owners: dict[str, str]
    records: dict[str, tuple[dict[str, Any], ...]]
    documents: tuple[StarterDocument, ...]
    draft: str
    readme: str
    settings: str


class Answers(_Shape):
    """What the interview finds out. Without an `assessor` no risk is written: a risk states who assessed it."""

    name: Line
    legal_name: Line
    sector: Line
    country: CountryCode
    employees: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    lead: Line
    lead_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)] | None = None
    top_manager: Line
    system_name: Line
    system_purpose: Prose
    system_role: AIRole
    system_stage: Stage
    autonomy: Autonomy
    users: Annotated[tuple[Line, ...], Field(min_length=1, max_length=20)]
    personal_data: bool
    supplier: Line | None = None
    supplier_country: CountryCode | None = None
    assessor: Line | None = None
    frameworks: Annotated[tuple[FrameworkId, ...], Field(min_length=1)] = ("ISO42001", "NIST_AI_RMF")


def profile_ids() -> tuple[str, ...]:
    """Name the profiles there are, in the order of `Organization.profile`."""
    there = {file.name.removesuffix(".yaml") for file in _folder().iterdir() if file.name.endswith(".yaml")}
    return tuple(one for one in get_args(ProfileId) if one in there)


@cache
def load_profile(name: str) -> Profile:
    """Read a profile by its id; `InputError` if there is none, with the ids there are."""
    if name not in profile_ids():
        hint = f"The profiles are {', '.join(profile_ids())}."
        raise InputError.one("unknown-profile", f"There is no profile {name!r}.", Place("profile"), hint)
    return _read(Profile, f"{name}.yaml")


@cache
def load_common() -> Common:
    """Read what every profile shares."""
    return _read(Common, "_common.yaml")


def read_answers(profile: Profile, given: Mapping[str, Any]) -> Answers:
    """Complete answers with the profile's defaults; what is None counts as not given.

    Needed are `name`, `lead`, `top_manager` and `country`. Raises `InputError` with every problem, the answer's name as place.
    """
    defaults = {f"system_{name}": getattr(profile.system, name) for name in ("name", "purpose", "role", "stage")}
    defaults |= {"autonomy": profile.system.autonomy, "users": profile.system.users, "personal_data": profile.system.personal_data}
    defaults |= {"legal_name": given.get("name"), "sector": profile.sector}
    known = {name: value for name, value in {**defaults, **{k: v for k, v in given.items() if v is not None}}.items() if value is not None}
    try:
        answers = Answers.model_validate(known)
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        raise InputError(_problem(one) for one in wrong if one["loc"][0] != "legal_name" or given.get("legal_name")) from None
    if answers.supplier and not answers.supplier_country:
        raise InputError.one("missing-answer", "The supplier's country is missing.", Place("supplier_country"), "Give it as DE or US.")
    return answers


def _problem(one: Any) -> Problem:
    name = ".".join(map(str, one["loc"]))
    if one["type"] == "missing":
        return Problem("missing-answer", f"{name} is missing.", Place(name), f"Give --{name.replace('_', '-')}.")
    message = str(one.get("ctx", {}).get("error", one["msg"])).rstrip(".")
    hint = "Use ISO 3166: DE, or US-CA for a part." if name.endswith("country") else ""
    return Problem("invalid-answer", f"{message[:1].upper()}{message[1:]}.", Place(name), hint)


def _folder() -> Traversable:
    return files("kybern.workspace").joinpath("profiles")


def _read(model: type[_S], name: str) -> _S:
    document = read_yaml(_folder().joinpath(name).read_bytes(), name)[0]
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        raise InputError(problems_of(error, document, model=model)) from None
