"""SVG out of Python values: the one place where report markup is built by hand, and every value is escaped here."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup, escape

from kybern.assessment import Status

_SPELT: Final = {"view_box": "viewBox", "class_": "class", "preserve_aspect_ratio": "preserveAspectRatio"}

Value = str | int | float | None
"""An attribute's value; None leaves the attribute out."""


def element(name: str, *children: str | Markup, **attributes: Value) -> Markup:
    """Build an element; text and attribute values are escaped, `Markup` children are elements built here.

    `stroke_width` is written `stroke-width`, `class_` is written `class`.
    """
    # A picture has hundreds of elements: parts put together are far quicker than formats filled in. What is no name is escaped.
    parts = ["<", name]
    for key, value in attributes.items():
        if value is not None:
            parts += (" ", _SPELT.get(key) or key.replace("_", "-"), '="', escape(number(value)), '"')
    return Markup("".join((*parts, ">", *map(escape, children), "</", name, ">")))  # noqa: S704 - escaped above


def number(value: Value) -> str:
    """Write a number as SVG reads it, without needless digits; text stays as it is."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def picture(label: str, width: float, height: float, *children: Markup, class_: str = "", links: bool = False) -> Markup:
    """Build a drawing with its label for those who do not see it.

    With `links` it is a group whose links are reached one by one; without, it is one image.
    """
    return element(
        "svg",
        *children,
        class_=class_ or None,
        view_box=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        role="group" if links else "img",
        aria_label=label,
    )


def rect(x: float, y: float, width: float, height: float, **attributes: Value) -> Markup:
    """Draw a rectangle."""
    return element("rect", x=x, y=y, width=width, height=height, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: Value) -> Markup:
    """Draw a line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def text(x: float, y: float, content: str, **attributes: Value) -> Markup:
    """Write a line of text with its baseline at `y`."""
    return element("text", content, x=x, y=y, **attributes)


def group(*children: Markup, **attributes: Value) -> Markup:
    """Put elements together."""
    return element("g", *children, **attributes)


def link(href: str, label: str, *children: Markup, **attributes: Value) -> Markup:
    """Make elements a link within the page; the label is what a screen reader says and a pointer sees."""
    return element("a", element("title", label), *children, href=href, aria_label=label, **attributes)


def glyph(status: Status, x: float, y: float, size: float) -> Markup:
    """Draw the sign of a status, from the symbols the page defines once."""
    return element("use", href=f"#g-{status.slug}", x=x, y=y, width=size, height=size, class_=f"g {status.slug}", aria_hidden="true")


def wrapped(content: str, width: int, lines: int) -> list[str]:
    """Break a title into at most `lines` lines of about `width` characters; what does not fit ends in an ellipsis."""
    found = [""]
    for word in content.split():
        joined = f"{found[-1]} {word}".strip()
        if len(joined) <= width or not found[-1]:
            found[-1] = joined
        else:
            found.append(word)
    if len(found) > lines:
        found = [*found[: lines - 1], f"{found[lines - 1].rstrip(',')} …"]
    return [part if len(part) <= width + 2 else f"{part[:width]}…" for part in found]
