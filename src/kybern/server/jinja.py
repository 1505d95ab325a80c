"""The Jinja environment of the pages: everything is escaped, a name that is not there is an error."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.staticfiles.storage import staticfiles_storage
from django.urls import reverse
from django.utils import translation
from jinja2 import Environment, StrictUndefined, nodes

from kybern.server.pages import _looks

_TRANSLATED: Final = "translated_text"


class PageEnvironment(Environment):
    """Jinja, but for one trap: what `_()` gives counts as markup, which is right for a text of the template and for nothing else.

    Where `_()` is called with anything but a literal, what it gives is text, and escaped like all text.
    """

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and not _is_literal(call.args[0]):
                call.node.name = _TRANSLATED
        return tree


def _is_literal(node: nodes.Expr) -> bool:
    if isinstance(node, nodes.CondExpr):
        return all(one is not None and _is_literal(one) for one in (node.expr1, node.expr2))
    return isinstance(node, nodes.Const)


def environment(**options: Any) -> Environment:
    """Set Jinja up for the pages."""
    options |= {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    made = PageEnvironment(**options, extensions=["jinja2.ext.i18n"])
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the extension brings it
        translation.gettext, translation.ngettext, newstyle=True, pgettext=translation.pgettext, npgettext=translation.npgettext
    )
    made.filters.update(_looks.FILTERS)
    made.globals.update(_looks.GLOBALS)
    made.globals[_TRANSLATED] = translation.gettext
    made.globals.update(static=staticfiles_storage.url, url=reverse)
    return made
