"""Gather every text of the pages, merge it into the catalogues of each language, and compile them: tools/messages.py [--check].

Texts come from three places: calls of gettext in Python, `_()` and `{% trans %}` in templates, and words of the core that pages show
through gettext at run time (`core_words.py`): labels of fields and kinds, choices, levels, roles. With `--check` nothing is written;
the exit is 1 if a catalogue is not what the sources give.
"""

from __future__ import annotations

import os
import sys
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tools")]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kybern.server.settings")

import django  # noqa: E402 - the paths come first
from babel.messages.catalog import Catalog  # noqa: E402
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_python  # noqa: E402
from babel.messages.mofile import write_mo  # noqa: E402
from babel.messages.pofile import read_po, write_po  # noqa: E402
from django.utils.translation import templatize  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVER: Final = ROOT / "src" / "kybern" / "server"
LOCALE: Final = SERVER / "locale"
LANGUAGES: Final = ("en", "de")
KEYWORDS: Final = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
METHODS: Final = [("**.py", "python"), ("**.html.j2", "jinja2"), ("pages/allauth_templates/**.html", "messages:extract_django")]
OPTIONS: Final = {"**.html.j2": {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}}
WIDTH: Final = 140


def extract_django(file: IO[bytes], keywords: Mapping[str, Any], comment_tags: Any, options: Any) -> Iterator[tuple[Any, ...]]:
    """Extract from a template in Django's own language: Django writes it as Python, line by line."""
    as_python = templatize(file.read().decode("utf-8"))
    yield from extract_python(BytesIO(as_python.encode("utf-8")), keywords, comment_tags, options)


def gathered() -> Catalog:
    """Give the template of all catalogues: every text once, with the files that have it."""
    django.setup()
    from core_words import core_words  # noqa: PLC0415 - Django is set up first

    found = Catalog(project="Kybern", charset="utf-8")
    texts = extract_from_dir(SERVER, METHODS, OPTIONS, KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True)
    for file, _line, message, comments, context in texts:
        found.add(message, locations=[(f"src/kybern/server/{file}", 0)], auto_comments=comments, context=context)
    for text, where in core_words():
        found.add(text, locations=[(where, 0)])
    return found


def path_of(language: str) -> Path:
    """Say where a language's catalogue is."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def merged(language: str, template: Catalog) -> Catalog:
    """Bring a language's catalogue up to date: texts that are gone leave, new ones come without a translation, none is guessed."""
    there = path_of(language)
    with there.open("rb") if there.exists() else BytesIO() as file:
        catalog = read_po(file, locale=language)
    catalog.update(template, no_fuzzy_matching=True, update_header_comment=False)
    catalog.obsolete.clear()
    catalog.header_comment = f"# Kybern's texts, {language}. Made by tools/messages.sh; translations are written here by hand."
    catalog.fuzzy = False
    return catalog


def written(catalog: Catalog) -> bytes:
    """Write a catalogue as text: sorted, without line numbers and dates, so that it changes only where a text does."""
    out = BytesIO()
    write_po(out, catalog, width=WIDTH, sort_output=True, include_lineno=False, omit_header=True, ignore_obsolete=True)
    return _HEADER.format(comment=catalog.header_comment, language=catalog.locale).encode() + out.getvalue()


_HEADER: Final = """{comment}
msgid ""
msgstr ""
"Project-Id-Version: Kybern\\n"
"Language: {language}\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


class _Plain(Catalog):
    """A catalogue whose header says nothing of days and programs: the same text is compiled to the same bytes."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [("Content-Type", "text/plain; charset=utf-8"), ("Plural-Forms", self.plural_forms)]


def compiled(po: bytes, language: str) -> bytes:
    """Compile a catalogue; texts without a translation are left out."""
    made = _Plain(locale=language, charset="utf-8")
    for one in read_po(BytesIO(po), locale=language):
        if one.id:
            made.add(one.id, one.string, context=one.context)
    out = BytesIO()
    write_mo(out, made)
    return out.getvalue()


def main(check: bool) -> int:  # noqa: FBT001 - the one option there is
    """Write the catalogues, or tell whether they are up to date."""
    template, stale = gathered(), 0
    for language in LANGUAGES:
        po_path = path_of(language)
        catalog = merged(language, template)
        po = written(catalog)
        mo = compiled(po, language)
        for path, content in ((po_path, po), (po_path.with_suffix(".mo"), mo)):
            if not path.exists() or path.read_bytes() != content:
                stale += 1
                if not check:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
        without = sum(not all(one.string if isinstance(one.string, tuple) else (one.string,)) for one in catalog if one.id)
        print(f"messages: {language}: {len(catalog)} texts, {without} without a translation")
    if check and stale:
        print("messages: the catalogues are not what the sources give: run make messages", file=sys.stderr)
    return int(check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv[1:]))
