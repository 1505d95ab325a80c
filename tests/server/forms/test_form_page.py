"""The form as a browser has it: every control labelled, every fault tied to its field, and what it sends is what was read."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kind_strategies import KINDS, contents, said, sent

from kybern.server.forms import apply_row_action, check, draft_of, form_of, has_row_action, read_posted, values_of

if TYPE_CHECKING:
    from jinja2 import Environment

    from kybern.server.forms import BoundForm


class Browser(HTMLParser):
    """Reads a page as far as a form goes: its controls, ids, labels and ties, and what it would send."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.controls: list[dict[str, Any]] = []
        self.tied: set[str] = set()
        self.links: set[str] = set()
        self.buttons: list[dict[str, Any]] = []
        self.sent: dict[str, list[str]] = {}
        self.handlers: list[str] = []
        self._select = self._area = ""
        self._text: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found: dict[str, Any] = dict(attrs)
        self.handlers += [name for name in found if name.startswith("on") or name == "style"]
        if "id" in found:
            self.ids.append(found["id"])
        for name in ("aria-describedby", "aria-errormessage", "aria-labelledby", "list"):
            self.tied |= set((found.get(name) or "").split())
        if tag == "label":
            self.labelled.add(found["for"])
        if tag == "a":
            self.links.add(found["href"].removeprefix("#"))
        if tag == "button":
            self.buttons.append(found)
        if tag in {"input", "select", "textarea"} and found.get("type") != "hidden":
            self.controls.append(found)
        if tag == "input" and (found["type"] not in {"radio", "checkbox"} or "checked" in found):
            self._send(found["name"], found.get("value") or "")
        self._select = found.get("name") or "" if tag == "select" else self._select
        if tag == "option" and "selected" in found:
            self._send(self._select, found["value"])
        if tag == "textarea":
            self._area, self._text = found["name"], ""

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text is not None:
            assert self._text.startswith("\n")
            self._send(self._area, self._text[1:])
            self._text = None

    def _send(self, name: str, value: str) -> None:
        self.sent.setdefault(name, []).append(value.replace("\n", "\r\n"))


def page_of(jinja: Environment, bound: BoundForm) -> str:
    module: Any = jinja.get_template("form.html.j2").module
    return str(module.record_form(bound, "/records/x/new", csrf_token="token"))  # noqa: S106 - what a page puts in


def read(jinja: Environment, bound: BoundForm) -> Browser:
    browser = Browser()
    browser.feed(page_of(jinja, bound))
    browser.close()
    return browser


@pytest.mark.parametrize("kind", KINDS)
def test_every_control_has_a_label_and_every_tie_its_end(jinja: Environment, kind: str) -> None:
    form = form_of(kind)
    empty = check(kind, {})[1]
    found = read(jinja, values_of(form, {}, empty))
    assert len(found.ids) == len(set(found.ids))
    assert {one["id"] for one in found.controls} <= found.labelled
    assert found.tied | found.links <= set(found.ids)
    assert found.handlers == []
    invalid = {one["id"] for one in found.controls if one.get("aria-invalid") == "true"}
    assert "f-id" in invalid
    assert "f-title" in invalid
    assert "name" not in found.buttons[0], "Enter saves; it does not press the button of a row"
    assert all("formnovalidate" in one and one["aria-label"] for one in found.buttons if "name" in one)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
def test_a_browser_sends_what_the_record_states(jinja: Environment, kind: str, data: st.DataObject) -> None:
    content = data.draw(contents(kind))
    bound = values_of(form_of(kind), content)
    found = read(jinja, bound).sent
    assert {name: values for name, values in found.items() if name != "csrfmiddlewaretoken"} == sent(bound)
    assert read_posted(form_of(kind), found) == said(content)


SYSTEM: dict[str, Any] = {
    "kind": "ai_system",
    "id": "triage",
    "title": "Triage",
    "users": ["nurses", "doctors"],
    "gates": [{"gate": "concept", "on": "2026-01-02", "by": "person:ada"}, {"gate": "design", "on": "2026-02-02", "by": "person:bob"}],
}


def pressed(jinja: Environment, content: dict[str, Any], name: str, value: str) -> dict[str, Any]:
    """Press a button of the form and read the form that comes back."""
    form = form_of("ai_system")
    browser = read(jinja, values_of(form, content))
    assert (name, value) in {(one.get("name"), one.get("value")) for one in browser.buttons}
    posted = {**browser.sent, name: [value]}
    assert has_row_action(posted)
    draft = draft_of(form, apply_row_action(posted))
    again = read(jinja, values_of(form, draft.content, draft.problems, draft.spare))
    return {"read": read_posted(form, again.sent), "sent": again.sent}


def test_rows_are_removed_and_moved_without_script(jinja: Environment) -> None:
    assert pressed(jinja, SYSTEM, "_remove", "users.0")["read"]["users"] == ["doctors"]
    assert pressed(jinja, SYSTEM, "_down", "users.0")["read"]["users"] == ["doctors", "nurses"]
    assert pressed(jinja, SYSTEM, "_up", "gates.1")["read"]["gates"] == SYSTEM["gates"][::-1]
    assert "gates" not in pressed(jinja, {**SYSTEM, "gates": SYSTEM["gates"][:1]}, "_remove", "gates.0")["read"]


def test_a_row_added_stands_empty_at_the_end_and_states_nothing(jinja: Environment) -> None:
    found = pressed(jinja, SYSTEM, "_add", "gates")
    assert found["sent"]["gates.2.gate"] == [""]
    assert found["read"]["gates"] == SYSTEM["gates"]
    more = pressed(jinja, SYSTEM, "_add", "users")
    assert [more["sent"][f"users.{number}"] for number in range(4)] == [["nurses"], ["doctors"], [""], [""]]


def test_a_button_that_names_no_row_changes_nothing() -> None:
    posted = {"users.0": ["a"], "users.3": ["b"]}
    for name, value in [
        ("_remove", "users"),
        ("_remove", "users.7"),
        ("_up", "users.0"),
        ("_down", "users.3"),
        ("_up", "users"),
        ("_down", ""),
    ]:
        assert apply_row_action({**posted, name: [value]}) == posted
    assert apply_row_action({**posted, "_down": ["users.0"]}) == {"users.3": ["a"], "users.0": ["b"]}


def test_a_list_grows_to_its_bound_and_no_further() -> None:
    posted = {f"users.{number}": ["u"] for number in range(500)}
    assert apply_row_action({**posted, "_add": ["users"]}) == posted
