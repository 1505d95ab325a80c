"""Icons: the drawings of the `lucide` package as markup that stands inside the page."""

from __future__ import annotations

from functools import lru_cache

from lucide.jinja import lucide
from markupsafe import Markup


@lru_cache(maxsize=512)
def icon(name: str, size: int = 20) -> Markup:
    """Give an icon's drawing. It is hidden from those who listen: the words beside it, or its button's label, say what it means.

    `lucide.IconDoesNotExist` for a name that the package does not have, so that a misspelt one fails at its first test.
    """
    drawn = lucide(name, size=size, class_="icon", stroke_width="1.75", aria_hidden="true", focusable="false")
    # The package gives `class_` as an attribute of that name.
    return Markup(" ".join(str(drawn).replace('class-="icon"', 'class="icon"').split()))  # noqa: S704 - a drawing from a package, no input
