"""YAML 1.2 (core schema) with positions: the one door through which text becomes values.

libyaml delivers events; the tree is built here with an explicit stack, so depth, size and aliases are bounded before anything
grows. What YAML makes ambiguous is refused or read one way only: `yes`, `no` and dates stay text, there are no merge keys,
no tags of one's own, no keys that are not text, no key twice.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from yaml._yaml import CParser
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from yaml.reader import ReaderError

from kybern.base.problems import InputError, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
"""What a document holds: the values JSON can carry."""

_Node: TypeAlias = Any
"""Where a value stands: a libyaml mark, `(mark, {key: (key mark, node)})` or `(mark, [node])`."""

_TAG: Final = "tag:yaml.org,2002:"
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_START: Final = frozenset("+-.0123456789")
_INT: Final = re.compile(r"[-+]?[0-9]+")
_BASED: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_SAFE_INTEGER: Final = 2**53 - 1
_MAX_DIGITS: Final = 400
_MAX_PROBLEMS: Final = 100
_MAX_DIRECTIVES: Final = 16
_CONTROL: Final = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]")
"""What moves a cursor or rules a terminal, and is no writing: only an escape in double quotes brings it here."""
_LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_HINTS: Final = (
    ("mapping values are not allowed", "A colon followed by a space starts a new key: put text that holds one in quotes."),
    ("cannot start any token", "Indent with spaces, not tabs; put text that starts with @, `, % or a tab in quotes."),
    ("could not find expected ':'", "Each line of a mapping is `key: value`."),
    ("expected key", "Check the indentation: keys of one mapping start in the same column."),
    ("expected '-' indicator", "Check the indentation: items of one list start in the same column."),
    ("<block end>", "Check the indentation: entries of one block start in the same column."),
    ("<document start>", "Start a further document with a line `---`."),
    ("unexpected end of stream", "A quote or bracket is opened and never closed."),
    ("expected ',' or", "A bracket is opened and never closed, or a comma is missing."),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may ask of the reader. `max_nodes` counts values as if every alias were written out."""

    max_bytes: int = 10 * 1024 * 1024
    max_depth: int = 64
    max_nodes: int = 2_000_000
    max_aliases: int = 1000


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True)
class _Source:
    """The file a document came from: its name and text."""

    file: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return split_lines(self.text)

    def place(self, mark: Any, pointer: str = "") -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1, pointer)


@dataclass(frozen=True)
class YamlDocument:
    """One document of a file: its value, and where each part of the value stands."""

    value: JsonValue
    _node: _Node
    _source: _Source

    @property
    def file(self) -> str:
        """The file's name, as it was given to the reader."""
        return self._source.file

    def place(self, path: Sequence[str | int] = (), *, key: bool = False) -> Place:
        """Find where the value at `path` stands, or with `key` the key it stands under.

        A path that leads nowhere gives its nearest ancestor's place; the pointer is that of the whole path.
        """
        mark = node = self._node
        for step in path:
            mark, found = _step(node, step, key=key)
            if found is None:
                mark = _mark(node)
                break
            node = found
        return self._source.place(_mark(mark), pointer(path))

    def line_text(self, line: int) -> str:
        """Give a line of the file, counted from 1, without its line break; empty outside the file."""
        lines = self._source.lines
        return lines[line - 1] if 0 < line <= len(lines) else ""


def pointer(path: Iterable[str | int]) -> str:
    """Write a path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def split_lines(text: str) -> list[str]:
    """Split a text where libyaml counts a new line, so that line numbers agree."""
    return _LINE_BREAK.split(text)


def read_yaml(data: bytes, file: str, limits: Limits = DEFAULT_LIMITS) -> tuple[YamlDocument, ...]:
    """Read every document of `data`; `file` is the name used in places.

    Empty documents (a trailing `---`) are left out. Raises `InputError` with all that is wrong, as far as the text can be
    read on; a file without any value has the rule `empty-file`.
    """
    source = _Source(file, _decode(data, file, limits))
    if source.text.count("\n%") > _MAX_DIRECTIVES:  # libyaml compares each directive with all before it
        raise InputError([Problem("yaml-syntax", "The file has too many directives.", Place(file), "Remove the lines that start with %.")])
    composer = _Composer(source, limits)
    try:
        documents = composer.run(CParser(source.text))
    except YAMLError as error:
        raise InputError([*composer.problems, _syntax(error, source)]) from error
    if composer.problems:
        raise InputError(composer.problems)
    if not documents:
        raise InputError([Problem("empty-file", "The file is empty.", Place(file), "Write at least one value, or remove the file.")])
    return documents


def _step(node: _Node, step: str | int, *, key: bool) -> tuple[Any, _Node | None]:
    """Go one step down: the place asked for and the node there, or None where there is none."""
    inner = node[1] if isinstance(node, tuple) else None
    if isinstance(inner, dict) and step in inner:
        key_mark, child = inner[step]
        return (key_mark if key else child), child
    if isinstance(inner, list) and isinstance(step, int) and 0 <= step < len(inner):
        return inner[step], inner[step]
    return node, None


def _mark(node: _Node) -> Any:
    return node[0] if isinstance(node, tuple) else node


def _decode(data: bytes, file: str, limits: Limits) -> str:
    """Turn the bytes into text, refusing what is too large, binary or not UTF-8."""
    if len(data) > limits.max_bytes:
        problem = Problem("too-large", f"The file has {len(data):,} bytes.", Place(file), f"At most {limits.max_bytes:,} are read.")
    elif b"\0" in data:
        place = _byte_place(data, data.index(b"\0"), file)
        problem = Problem("binary", "The file is binary: it holds a NUL byte.", place, "Save it as UTF-8 text.")
    else:
        try:
            return data.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            message = f"The file is not UTF-8: byte 0x{data[error.start]:02x} cannot stand here."
            problem = Problem("not-utf8", message, _byte_place(data, error.start, file), "Save it as UTF-8 text.")
    raise InputError([problem])


def _byte_place(data: bytes, at: int, file: str) -> Place:
    before = data[:at]
    start = before.rfind(b"\n") + 1
    return Place(file, before.count(b"\n") + 1, len(before[start:].decode("utf-8", "replace")) + 1)


def _syntax(error: YAMLError, source: _Source) -> Problem:
    """Say what libyaml found wrong, in a sentence, at its place."""
    if isinstance(error, ReaderError):
        place = _byte_place(source.text.encode(), error.position, source.file)
        return Problem(
            "yaml-syntax", "This is not YAML: a control character cannot stand here.", place, "Remove it, or write it as an escape."
        )
    if not isinstance(error, MarkedYAMLError):
        return Problem("yaml-syntax", f"This is not YAML: {error}.", Place(source.file))
    said = ", ".join(str(part) for part in (error.context, error.problem) if part)
    mark = error.problem_mark or error.context_mark
    place = source.place(mark) if mark else Place(source.file)
    hint = next((hint for words, hint in _HINTS if words in said), "")
    return Problem("yaml-syntax", f"This is not YAML: {said}.", place, hint)


class _NotAValueError(Exception):
    """A scalar that has no JSON value: its arguments are rule, message and hint."""


_QUOTE_NAMES: Final = "Put it in quotes if it is a name."


def _plain(text: str) -> JsonValue:
    """Read an unquoted scalar by the core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INT.fullmatch(text):
        return _integer(text, 10)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _BASED.fullmatch(text):
        return _integer(text, 0)
    if _NOT_FINITE.fullmatch(text):
        rule, message = "not-finite", f"{text} is not a number that can be compared."
        raise _NotAValueError(rule, message, "Leave the field out, or put text in quotes.")
    return text


def _integer(text: str, base: int) -> int:
    value = int(text, base) if len(text) <= _MAX_DIGITS else _SAFE_INTEGER + 1
    if abs(value) > _SAFE_INTEGER:
        rule, message = "number-too-large", f"{_short(text)} is beyond 2^53, so JSON cannot carry it exactly."
        raise _NotAValueError(rule, message, _QUOTE_NAMES)
    return value


def _float(text: str) -> float:
    value = float(text) if len(text) <= _MAX_DIGITS else math.inf
    if math.isinf(value):
        rule, message = "number-too-large", f"{_short(text)} is too large for a number."
        raise _NotAValueError(rule, message, _QUOTE_NAMES)
    return value


def _short(text: str, width: int = 40) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


@dataclass(slots=True)
class _Frame:
    """A collection that is still open."""

    value: dict[str, JsonValue] | list[JsonValue]
    inner: Any
    mark: Any
    anchor: str | None
    before: int
    key: str | None = None
    key_mark: Any = None
    skip: bool = False
    height: int = 1


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A finished value under an anchor: what an alias to it stands for, and costs."""

    value: JsonValue
    node: _Node
    size: int
    height: int


@dataclass
class _Composer:
    """Builds values and nodes from libyaml's events, one document after the other."""

    source: _Source
    limits: Limits
    problems: list[Problem] = field(default_factory=list)
    documents: list[YamlDocument] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, _Anchored | None] = field(default_factory=dict)
    count: int = 0
    aliases: int = 0

    def run(self, parser: CParser) -> tuple[YamlDocument, ...]:
        """Take every event of the stream."""
        handlers: dict[type, Callable[[Any], None]] = {
            ScalarEvent: self._scalar,
            MappingStartEvent: self._start,
            MappingEndEvent: self._end,
            SequenceStartEvent: self._start,
            SequenceEndEvent: self._end,
            AliasEvent: self._alias,
            DocumentStartEvent: self._new_document,
            DocumentEndEvent: self._ignore,
            StreamStartEvent: self._ignore,
        }
        get_event = parser.get_event
        while (event := get_event()).__class__ is not StreamEndEvent:
            handlers[event.__class__](event)
        return tuple(self.documents)

    def _ignore(self, _: object) -> None:
        """Pass over an event that only marks what the others already say."""

    def _new_document(self, _: object) -> None:
        self.anchors = {}

    def _scalar(self, event: ScalarEvent) -> None:
        text: str = event.value
        value: JsonValue = text
        self.count += 1
        if self.count > self.limits.max_nodes:
            self._too_many(event.start_mark)
        if not event.style and event.tag is None:
            if not self.stack and not text:
                return
            value = self._read_plain(event)
        elif event.tag is not None or (event.style == '"' and _CONTROL.search(text)):
            self._check_quoted(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, event.start_mark, 1, 0)
        self._add(value, event.start_mark, event)

    def _read_plain(self, event: ScalarEvent) -> JsonValue:
        try:
            return _plain(event.value)
        except _NotAValueError as refused:
            self._problem(*refused.args, mark=event.start_mark)
            return None

    def _check_quoted(self, event: ScalarEvent) -> None:
        if event.tag not in {None, "!", _TAG + "str"}:
            self._bad_tag(event)
        if found := _CONTROL.search(event.value):
            name = "NUL" if found[0] == "\0" else "control"
            self._problem(
                "binary", f"The text holds a {name} character.", f"Remove its escape: {ascii(found[0])[1:-1]}.", mark=event.start_mark
            )

    def _bad_tag(self, event: Any) -> None:
        tag = event.tag.replace(_TAG, "!!")
        self._problem("yaml-tag", f"The tag {tag} is not read here.", "Remove it: plain values need no tag.", mark=event.start_mark)

    def _start(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        self.count += 1
        if len(self.stack) >= self.limits.max_depth:
            self._too_deep(event.start_mark)
        is_map = event.__class__ is MappingStartEvent
        if event.tag is not None and event.tag not in {"!", _TAG + ("map" if is_map else "seq")}:
            self._bad_tag(event)
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            self._problem("key-not-text", "A key is a list or a mapping.", "Keys are text.", mark=event.start_mark)
            raise InputError(self.problems)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        frame = (
            _Frame({}, {}, event.start_mark, event.anchor, self.count)
            if is_map
            else _Frame([], [], event.start_mark, event.anchor, self.count)
        )
        self.stack.append(frame)

    def _end(self, event: MappingEndEvent | SequenceEndEvent) -> None:
        frame = self.stack.pop()
        node = (frame.mark, frame.inner)
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, frame.height + 1)
        if frame.anchor is not None:
            size = self.count - frame.before + 1
            self.anchors[frame.anchor] = _Anchored(frame.value, node, size, frame.height)
        self._add(frame.value, node, event)

    def _alias(self, event: AliasEvent) -> None:
        mark, name = event.start_mark, event.anchor
        if name not in self.anchors:
            self._problem("alias-unknown", f"The alias *{name} names no anchor.", f"Write &{name} before the value meant.", mark=mark)
            raise InputError(self.problems)
        target = self.anchors[name]
        if target is None:
            self._problem("alias-recursive", f"The value at &{name} contains itself.", "Write the value out.", mark=mark)
            raise InputError(self.problems)
        self._charge(target, mark)
        self._add(target.value, (mark, target.node[1]) if isinstance(target.node, tuple) else mark, event)

    def _charge(self, target: _Anchored, mark: object) -> None:
        """Count what the alias stands for as if it were written out."""
        self.aliases += 1
        self.count += target.size
        if self.aliases > self.limits.max_aliases:
            self._problem("too-many-aliases", f"More than {self.limits.max_aliases:,} aliases.", "Write the values out.", mark=mark)
            raise InputError(self.problems)
        if self.count > self.limits.max_nodes:
            self._too_many(mark)
        if len(self.stack) + target.height > self.limits.max_depth:
            self._too_deep(mark)
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, target.height + 1)

    def _add(self, value: JsonValue, node: _Node, event: Any) -> None:
        if not self.stack:
            self.documents.append(YamlDocument(value, node, self.source))
            return
        frame = self.stack[-1]
        into = frame.value
        if into.__class__ is list:
            into.append(value)
            frame.inner.append(node)
        elif frame.key is None:
            self._key(frame, value, _mark(node), event)
        else:
            if not frame.skip:
                into[frame.key] = value  # type: ignore[call-overload]
                frame.inner[frame.key] = (frame.key_mark, node)
            frame.key = None

    def _key(self, frame: _Frame, key: JsonValue, mark: object, event: Any) -> None:
        frame.key_mark, frame.skip = mark, False
        if key.__class__ is not str:
            shown = getattr(event, "value", "") or "empty"
            self._problem("key-not-text", f"The key {shown} is not text.", "Put the key in quotes.", mark=mark)
            frame.key, frame.skip = "", True
            return
        frame.key = key
        if key in frame.value:
            line = frame.inner[key][0].line + 1
            self._problem(
                "duplicate-key", f"The key {key} stands twice in one mapping.", f"It is first on line {line}: keep one.", mark=mark
            )
            frame.skip = True
        elif key == "<<" and not getattr(event, "style", "x"):
            self._problem("merge-key", "Merge keys (<<) are not read here.", "Write the fields out.", mark=mark)

    def _problem(self, rule: str, message: str, hint: str, *, mark: object) -> None:
        self.problems.append(Problem(rule, message, self.source.place(mark), hint))
        if len(self.problems) >= _MAX_PROBLEMS:
            raise InputError(self.problems)

    def _too_many(self, mark: object) -> NoReturn:
        self._problem("too-many-values", f"More than {self.limits.max_nodes:,} values, aliases written out.", "Split the file.", mark=mark)
        raise InputError(self.problems)

    def _too_deep(self, mark: object) -> NoReturn:
        self._problem("too-deep", f"Nested more than {self.limits.max_depth} deep.", "Flatten the structure.", mark=mark)
        raise InputError(self.problems)
