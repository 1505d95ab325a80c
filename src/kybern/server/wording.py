"""What the core says, in the reader's language: its words, its sentences, its days and numbers.

The core speaks English and knows no reader. Its words are looked up in the catalogues as they are. Its sentences are told anew: each
form a sentence may have is a text with slots in `_GRAMMAR`, which is translated like any other; what stands in a slot is told by the
slot's own rule. What no form fits stays as the core said it.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from gettext import NullTranslations, translation
from html import unescape
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, ngettext, to_locale
from markupsafe import Markup, escape

from kybern.report import _words as english
from kybern.server._forms_of_speech import GRAMMAR
from kybern.server.forms import label_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kybern.policy import FactSpec
    from kybern.policy._plain import Language

_SLOT: Final = re.compile(r"\{([a-z]+)_?[0-9]?\}")
_PLAIN: Final = {
    "n": r"\d+",
    "number": r"-?\d[\d.e+-]*",
    "share": r"<?\s?\d+\s?%",
    "day": r"\d{4}-\d{2}-\d{2}",
    "ref": r"[a-z_]+:[^\s,;]+",
    "topic": r"[A-Za-z0-9][\w.-]*",
    "level": r"declared|documented|observed|measured and signed|independently verified",
    "text": r".+?",
    "say": r".+?",
    "lack": r"[a-z_]+:[^\s;]+ (?:(?!; [a-z_]+:).)+?",
    "lossside": r"(?:Before|After) treatment: .+?\.",
    "refuted": r"[^;]+? is asked, and [a-z_]+:[^\s;]+ states [^;]+?",
    "kind": r"[A-Za-z][A-Za-z -]*?",
    "code": r"\S+",
    "pointer": r"/\S*",
    "quotation": r"“[^”]*”",
    "count": r"\d[\d,]*",
    "kinds": r"[a-z_]+(?: or [a-z_]+)*",
    "field": r"A record of kind [a-z_]+|The file|[A-Za-z_][^\s:]*",
    "status": r"met|partly met|expired|not met|unknown|not applicable",
}


def is_english() -> bool:
    """Tell whether the reader reads what the core writes."""
    return (get_language() or "en").partition("-")[0] == "en"


def say(text: object) -> str:
    """Give a text of the core in the reader's language, if the catalogue has it."""
    plain = str(text)
    return gettext(plain) if plain else ""


def words(slug: object) -> str:
    """Write a slug as words: as it stands in the catalogue, or in its label's form."""
    plain = english.words(slug)
    if is_english() or not plain:
        return plain
    catalogue = _catalogue(get_language() or "en")
    return catalogue.gettext(plain) or catalogue.gettext(label_of(plain)) or plain


class _Nothing(NullTranslations):
    """Where a catalogue ends: a word that it does not have is told from one that both languages share."""

    def gettext(self, message: str) -> str:  # noqa: ARG002 - that it is not there is all
        return ""


@cache
def _catalogue(language: str) -> NullTranslations:
    found = translation("django", settings.LOCALE_PATHS[0], [to_locale(language), language.partition("-")[0]], fallback=True)
    found.add_fallback(_Nothing())
    return found


def label(slug: object) -> str:
    """Write a slug as a label."""
    return say(label_of(str(slug)))


def language_of_rules() -> Language:
    """Say which of the languages that the core says rules in is the reader's, or is nearest to it."""
    return "de" if (get_language() or "").partition("-")[0] == "de" else "en"


def fact_label(spec: FactSpec) -> str:
    """Name a fact as its schema calls it in the reader's language."""
    return spec.label_de or spec.label if language_of_rules() == "de" else spec.label


# --- days and numbers ----------------------------------------------------------------------------------------------------------------


def day(moment: date | datetime | None) -> str:
    """Write a day; a moment is taken in UTC."""
    if moment is None or is_english():
        return english.day(moment)
    return date_format(moment.astimezone(UTC) if isinstance(moment, datetime) else moment, "SHORT_DATE_FORMAT")


def day_of(moment: str) -> str:
    """Write the day of a moment that a document states in ISO 8601."""
    return day(date.fromisoformat(moment[:10]))


def long_moment(moment: datetime) -> str:
    """Write a moment for people."""
    if is_english():
        return english.long_moment(moment)
    at = moment.astimezone(UTC)
    return f"{date_format(at, 'DATE_FORMAT')}, {at:%H:%M} UTC"


def span(days: object) -> str:
    """Write a number of days that a record states as `P30D`."""
    found = re.fullmatch(r"P(\d+)D", str(days))
    return str(days) if found is None else ngettext("%(count)d day", "%(count)d days", int(found[1])) % {"count": int(found[1])}


def quoted(text: object) -> str:
    """Put a text into the quotation marks of the reader's language."""
    return f"“{text}”" if is_english() else f"„{text}“"


def local_number(number: str) -> str:
    """Write the decimal point of a number that is written already as the reader has it."""
    return number if is_english() else number.replace(".", ",")


def strength_number(level: float | None) -> str:
    """Write a mean strength with one decimal."""
    return local_number(english.strength_number(level))


def strength_word(level: float | None) -> str:
    """Say the level nearest to a mean strength."""
    return say(english.strength_word(level))


def figure(value: float | None) -> str:
    """Write a measured number with four digits that count."""
    return local_number(english.figure(value))


def grouped(count: int) -> str:
    """Write a count with its thousands apart: by a thin space, in German by a point."""
    return f"{count:,}".replace(",", english.THIN if is_english() else ".")


# --- sentences -----------------------------------------------------------------------------------------------------------------------


def phrases() -> Iterator[str]:
    """Give every form that a sentence of the core may have, for the catalogues."""
    for forms in GRAMMAR.values():
        yield from (form for form in forms if _has_words(form))


def retell(text: object, rule: str = "sentence") -> str:
    """Tell a sentence of the core in the reader's language; what no form fits stays as it is."""
    plain = str(text)
    return plain if is_english() or not plain else _retold(get_language() or "en", plain, rule)


def _has_words(form: str) -> bool:
    return any(char.isalpha() for char in _SLOT.sub("", form))


def retell_picture(svg: str) -> Markup:
    """Tell the words in a picture of the core anew: its texts, its titles, its label."""
    if is_english():
        return Markup(svg)  # noqa: S704 - the report escapes what it draws
    return Markup(_IN_PICTURE.sub(_told_in_picture, str(svg)))  # noqa: S704 - the same, and what is put in is escaped


_IN_PICTURE: Final = re.compile(r'(?P<start><(?:text|title|tspan)\b[^>]*>|aria-label=")(?P<said>[^<"]+)')


def _told_in_picture(match: re.Match[str]) -> str:
    return match["start"] + str(escape(retell(unescape(match["said"]), "picture")))


@lru_cache(maxsize=50_000)
def _retold(language: str, text: str, rule: str) -> str:  # noqa: ARG001 - the language is what the answer is kept under
    found = gettext(text)
    if found != text:
        return found
    for form, pattern, slots in _patterns(rule):
        match = pattern.fullmatch(text)
        if match is not None:
            return _filled(gettext(form), dict(zip(slots, match.groups(), strict=True)))
    return text


def _filled(form: str, said: Mapping[str, str]) -> str:
    """Put into the slots of a form what was said, each told by the rule of its slot."""
    return _SLOT.sub(lambda slot: _told(slot[1], said[slot[0]]), form)


def _told(rule: str, said: str) -> str:
    if rule in GRAMMAR:
        return retell(said, rule)
    how = _TELL.get(rule)
    return said if how is None else how(said)


def _field_first(said: str) -> str:
    """Tell a field's name at the start of what is stated; the value behind it stays as it is."""
    parts = said.split(" ")
    for end in range(len(parts), 0, -1):
        name = " ".join(parts[:end])
        if name and (told := words(name)) != name:
            return " ".join([told, _values(" ".join(parts[end:]))]).rstrip()
    return said


def _field_name(said: str) -> str:
    """Tell a field by its label, with the name that a file has for it; what is no field is told as a whole."""
    if " " in said:
        return retell(said, "whole")
    steps = [str(int(step) + 1) if step.isdigit() else label(step) for step in _STEP.findall(said)]
    told = ", ".join(steps)
    return said if told.lower() == said.lower() else f"{told} ({said})"


_STEP: Final = re.compile(r"[^.\[\]]+")


def value(said: str) -> str:
    """Tell a value that a record states: a choice has a word, the rest stays as it is, and so does all in English."""
    told = words(said)
    return said if told == english.words(said) else told


def _values(said: str) -> str:
    return ", ".join(map(value, said.split(", ")))


def facts(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Tell names and values of facts that the report states: states and days by the reader's language, texts as they were written."""
    return list(pairs) if is_english() else [(_fact_name(name), _fact_value(value)) for name, value in pairs]


def _fact_name(name: str) -> str:
    head, colon, rest = name.partition(": ")
    return f"{words(head)}{colon}{words(rest) if rest else rest}"


def _fact_value(value: str) -> str:
    told = words(value)
    if told != english.words(value):
        return told
    return _DAY.sub(lambda found: day(date.fromisoformat(found[0])), value) if len(value) < _SHORT else value


_DAY: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_SHORT: Final = 80
"""A value up to this long is a state, a name or a day, not a text of somebody's own in which days are left as they were written."""


def _form_of_slot(name: str) -> str:
    """Give what may stand in a slot: one of the few words that its rule has, a plain form, or anything."""
    words_only = name in GRAMMAR and not any(_SLOT.search(form) for form in GRAMMAR[name])
    return "|".join(map(re.escape, GRAMMAR[name])) if words_only else _PLAIN.get(name, ".+?")


def _kinds(said: str) -> str:
    return " / ".join(words(one) for one in said.split(" or "))


def _share(said: str) -> str:
    return re.sub(r"\s?%", f"{english.THIN}%", said)


_TELL: Final[Mapping[str, Callable[[str], str]]] = {
    "day": day_of,
    "level": say,
    "status": say,
    "topic": _values,
    "field": _field_name,
    "quotation": lambda said: quoted(value(said[1:-1])),
    "kinds": _kinds,
    "small": lambda said: retell(f"{said[:1].upper()}{said[1:]}.", "problem").removesuffix("."),
    "count": lambda said: grouped(int(said.replace(",", ""))),
    "say": say,
    "kind": _kinds,
    "share": _share,
    "values": _values,
    "stated": _field_first,
    "number": local_number,
}
"""How what stands in a plain slot is told; the rest stays as it is."""


@cache
def _patterns(rule: str) -> tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...]:
    found = []
    for form in GRAMMAR[rule]:
        slots = tuple(match[0] for match in _SLOT.finditer(form))
        parts = [re.escape(part) for part in _SLOT.split(form)[::2]]
        rules = [match[1] for match in _SLOT.finditer(form)]
        pattern = "".join(part + (f"({_form_of_slot(name)})" if name else "") for part, name in zip(parts, [*rules, ""], strict=True))
        found.append((form, re.compile(pattern, re.DOTALL), slots))
    return tuple(found)
