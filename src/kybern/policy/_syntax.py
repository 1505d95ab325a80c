"""From text to a syntax tree: the grammar of conditions, a subset of the Common Expression Language (CEL, cel-spec).

What people misread is refused rather than guessed: `&&` beside `||` without brackets, chained comparisons, `!` before a comparison.
Length, depth and the number of signs are bounded before anything grows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NoReturn, TypeAlias

MAX_LENGTH: Final = 4000
"""Characters of a condition."""
MAX_TOKENS: Final = 800
MAX_DEPTH: Final = 24
"""Brackets and calls within each other."""


class Fault(Exception):  # noqa: N818 - it is a finding about text, which a loader gives a place
    """Something wrong in a condition: where (offset of a character), the rule's slug, what is wrong, what would be right."""

    def __init__(self, at: int, rule: str, message: str, hint: str = "") -> None:
        """Keep the place and the words."""
        self.at, self.rule, self.message, self.hint = at, rule, message, hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number or truth as it is written."""

    value: str | int | float | bool
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A fact's or variable's name, with its dots."""

    path: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or a method of `target`."""

    name: str
    arguments: tuple[Node, ...]
    at: int
    target: Node | None = None


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list that is written out."""

    items: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`!` or `-` before something."""

    operator: str
    operand: Node
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Two sides with an operator between them; `at` is the operator's place."""

    operator: str
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Several sides joined by one of `&&` and `||`."""

    operator: str
    items: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Grouped:
    """Something in brackets: they decide what is refused as easy to misread, and mean nothing else."""

    inner: Node
    at: int


Node: TypeAlias = Literal | Name | Call | ListOf | Unary | Binary | Chain | Grouped

_TOKEN: Final = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|[<>!()\[\],.+-])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)
_COMPARISONS: Final = frozenset(("==", "!=", "<", "<=", ">", ">=", "in"))
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}
_WORD_OPERATORS: Final = {"and": "&&", "or": "||", "not": "!"}
_MAX_DIGITS: Final = 40


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str) -> Node:
    """Read a condition; `Fault` where it cannot be read."""
    if len(text) > MAX_LENGTH:
        raise Fault(MAX_LENGTH, "too-long", f"A condition has at most {MAX_LENGTH:,} characters.", "Split the rule into several.")
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    start = 0
    while not found or found[-1].kind != "end":
        match = _TOKEN.match(text, start)
        if match is None:
            raise _strange(text, start)
        kind = str(match.lastgroup)
        found.append(_Token(kind, match[kind], match.start(kind)))
        start = match.end()
        if len(found) > MAX_TOKENS:
            raise Fault(found[-1].at, "too-long", f"A condition has at most {MAX_TOKENS} words and signs.", "Split the rule into several.")
    return found


def _strange(text: str, start: int) -> Fault:
    """Say what cannot be read."""
    at = start + len(text[start:]) - len(text[start:].lstrip(" \t\r\n"))
    sign = text[at]
    hints = {
        "=": "Compare with ==.",
        "&": "Join with &&.",
        "|": "Join with ||.",
        '"': "The text is not closed.",
        "'": "The text is not closed.",
    }
    return Fault(
        at, "bad-sign", f"{sign!r} cannot stand here.", hints.get(sign, "Conditions use names, texts, numbers and == != < > in && || !.")
    )


@dataclass
class _Parser:
    tokens: list[_Token]
    position: int = 0
    depth: int = field(default=0)

    @property
    def now(self) -> _Token:
        return self.tokens[self.position]

    def take(self, *texts: str) -> _Token | None:
        """Take the next sign if it is one of these."""
        token = self.now
        if token.kind != "string" and token.text in texts:
            self.position += 1
            return token
        return None

    def need(self, text: str, why: str) -> None:
        if self.take(text) is None:
            self.stop(f"{text!r} is missing: {why}.")

    def stop(self, message: str, hint: str = "") -> NoReturn:
        raise Fault(self.now.at, "bad-syntax", message, hint)

    def whole(self) -> Node:
        found = self.either()
        token = self.now
        if token.kind != "end":
            word = _WORD_OPERATORS.get(token.text)
            self.stop(f"{token.text!r} is not expected here.", f"Write {word}." if word else "One condition ends before it.")
        return found

    def either(self) -> Node:
        return self._chain("||", self.both)

    def both(self) -> Node:
        return self._chain("&&", self.comparison)

    def _chain(self, operator: str, part) -> Node:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a bound method of this class
        first = part()
        token = self.take(operator)
        if token is None:
            return first  # type: ignore[no-any-return]
        items, at = [first], token.at
        while token is not None:
            items.append(part())
            token = self.take(operator)
        for item in items:
            if isinstance(item, Chain):
                hint = "Bracket the part that belongs together: (a && b) || c, or a && (b || c)."
                raise Fault(item.at, "unclear-order", "&& and || stand beside each other without brackets.", hint)
        return Chain(operator, tuple(items), at)

    def comparison(self) -> Node:
        left = self.sum()
        token = self.now
        if token.kind == "string" or token.text not in _COMPARISONS:
            return left
        self.position += 1
        right = self.sum()
        if self.now.kind != "string" and self.now.text in _COMPARISONS:
            self.stop("Comparisons cannot be chained.", "Write both: a < b && b < c.")
        for side in (left, right):
            if isinstance(side, Unary) and side.operator == "!":
                hint = f"Write !(a {token.text} b), or a != b."
                raise Fault(side.at, "unclear-order", "`!` beside a comparison denies only the side it stands at.", hint)
        return Binary(token.text, left, right, token.at)

    def sum(self) -> Node:
        left = self.unary()
        if (token := self.take("+", "-")) is not None:
            left = Binary(token.text, left, self.unary(), token.at)
            if self.now.kind != "string" and self.now.text in {"+", "-"}:
                self.stop("One sum or difference a side is enough.", "Bracket it, or state the moment as a fact.")
        return left

    def unary(self) -> Node:
        token = self.take("!", "-")
        if token is None:
            return self.postfix()
        with_depth = self._deeper(token)
        operand = self.unary()
        self.depth = with_depth
        return Unary(token.text, operand, token.at)

    def _deeper(self, token: _Token) -> int:
        if self.depth >= MAX_DEPTH:
            raise Fault(token.at, "too-deep", f"Conditions are nested at most {MAX_DEPTH} deep.", "Split the rule into several.")
        before, self.depth = self.depth, self.depth + 1
        return before

    def postfix(self) -> Node:
        found = self.primary()
        while (dot := self.take(".")) is not None:
            token = self.now
            if token.kind != "name":
                self.stop("A name is missing after the dot.")
            self.position += 1
            if (bracket := self.take("(")) is not None:
                found = Call(token.text, self.arguments(bracket), token.at, found)
            elif isinstance(found, Name):
                found = Name(f"{found.path}.{token.text}", found.at)
            else:
                raise Fault(dot.at, "bad-syntax", f"{token.text} can only be called here.", f"Write .{token.text}(…).")
        return found

    def arguments(self, bracket: _Token) -> tuple[Node, ...]:
        before = self._deeper(bracket)
        found: list[Node] = []
        if self.take(")") is None:
            found.append(self.either())
            while self.take(",") is not None:
                found.append(self.either())
            self.need(")", "it closes what was opened")
        self.depth = before
        return tuple(found)

    def primary(self) -> Node:
        token = self.now
        self.position += 1
        if token.kind == "string":
            return Literal(_unquote(token), token.at)
        if token.kind == "number":
            return Literal(_number(token), token.at)
        if token.kind == "name":
            return self._named(token)
        if token.text in {"(", "["}:
            return self._bracketed(token)
        self.position -= 1
        return self.stop("Something is missing here." if token.kind == "end" else f"{token.text!r} cannot stand here.")

    def _named(self, token: _Token) -> Node:
        if token.text in {"true", "false"}:
            return Literal(token.text == "true", token.at)
        if token.text in {"in", *_WORD_OPERATORS}:
            hint = f"Write {_WORD_OPERATORS[token.text]}." if token.text in _WORD_OPERATORS else ""
            raise Fault(token.at, "bad-syntax", f"{token.text!r} cannot stand here.", hint)
        if (bracket := self.take("(")) is not None:
            return Call(token.text, self.arguments(bracket), token.at)
        return Name(token.text, token.at)

    def _bracketed(self, token: _Token) -> Node:
        before = self._deeper(token)
        if token.text == "(":
            inner = self.either()
            self.need(")", "it closes what was opened")
            self.depth = before
            return Grouped(inner, token.at)
        items: list[Node] = []
        if self.take("]") is None:
            items.append(self.either())
            while self.take(",") is not None:
                items.append(self.either())
            self.need("]", "it closes the list")
        self.depth = before
        return ListOf(tuple(items), token.at)


def _number(token: _Token) -> int | float:
    if len(token.text) > _MAX_DIGITS:
        raise Fault(token.at, "bad-number", "The number has too many digits.")
    if token.text.isdigit():
        if token.text[0] == "0" != token.text:
            raise Fault(token.at, "bad-number", "A number begins with 0.", "Leave the 0 out; a text stands in quotes.")
        if int(token.text) > 2**53 - 1:
            raise Fault(token.at, "bad-number", "The whole number is greater than 2^53 - 1.", "Write it with a decimal point.")
        return int(token.text)
    value = float(token.text)
    if value == float("inf"):
        raise Fault(token.at, "bad-number", "The number is too large.")
    if value == 0 and token.text.lower().partition("e")[0].strip("0."):
        raise Fault(token.at, "bad-number", "The number is so small that it would be 0.")
    return value


def _unquote(token: _Token) -> str:
    def unescape(match: re.Match[str]) -> str:
        sign = match[1]
        if sign not in _ESCAPES:
            raise Fault(token.at + match.start(), "bad-escape", f"\\{sign} means nothing in a text.", r"Known are \\ \" \' \n \r \t.")
        return _ESCAPES[sign]

    return re.sub(r"\\(.)", unescape, token.text[1:-1], flags=re.DOTALL)
