"""Writing records in the browser: the form, YAML, two at once, removal."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client as Browser
from record_pages import XSS, assert_escaped, evil_agent, evil_system, write
from server_world import EMAILS

from kybern.records import Record
from kybern.server.pages._merging import merge
from kybern.server.pages._words import word_diff

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
ROLE = {"kind": "role", "id": "tester", "title": "Tester", "responsibilities": ["Tests what is written."]}
EDIT = "/records/role/tester/edit"


def fields_of(page: str) -> dict[str, list[str]]:
    """Read what a browser would post of the record's form."""
    form = page[page.index('id="record-form"') : page.index("</form>", page.index('id="record-form"'))]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        said = dict(re.findall(r'([a-z_-]+)="([^"]*)"', tag))
        if "name" in said and (said.get("type") not in {"radio", "checkbox"} or " checked" in tag):
            found.setdefault(html.unescape(said["name"]), []).append(html.unescape(said.get("value", "")))
    for name, text in re.findall(r'<textarea id="[^"]*" name="([^"]*)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL):
        found.setdefault(name, []).append(html.unescape(text))
    for name, inner in re.findall(r'<select id="[^"]*" name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inner)
        found.setdefault(name, []).append(html.unescape(chosen[1]) if chosen else "")
    return found


def content_of(ref: str) -> dict[str, Any]:
    from kybern.server.store.models import RecordRow

    return dict(RecordRow.objects.get(pk=ref).content)


@pytest.mark.parametrize("kind", sorted(Record.registry))
def test_every_kind_has_its_form_and_saving_it_unchanged_changes_nothing(sign_in: Callable[[str], Client], kind: str) -> None:
    from kybern.server.store.models import RecordRow

    client = sign_in("administrator")
    assert client.get(f"/records/{kind}/new").status_code == 200
    assert client.get(f"/records/{kind}/new", {"view": "yaml"}).status_code == 200
    row = RecordRow.objects.filter(kind=kind).order_by("ref").first()
    assert row is not None
    address = f"/records/{kind}/{row.ref.partition(':')[2]}/edit"
    answer = client.post(address, fields_of(client.get(address).content.decode()))
    assert answer.status_code == 302, answer.content.decode()[:0] or re.findall(r'class="error"[^>]*>(.*?)</div>', answer.content.decode())
    after = RecordRow.objects.get(pk=row.ref)
    # A form says nothing of a list that is empty, where YAML may say that there are none: the model has one content for both.
    assert after.content == row.content


def test_a_record_is_made_with_a_reason_that_the_log_keeps(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.history import told_of

    client = sign_in("engineer")
    posted = {"id": "tester", "title": "Tester", "responsibilities.0": "Tests what is written.", "_reason": "We\nneed one"}
    answer = client.post("/records/role/new", posted)
    assert answer.status_code == 302, answer.content.decode()
    assert answer["Location"] == "/records/role/tester"
    assert content_of("role:tester")["responsibilities"] == ["Tests what is written."]
    told = told_of("role:tester").told
    assert [(one.said.reason, one.said.by, one.doubt) for one in told if one.said] == [("We need one", "person:engineer", "")]


def test_what_cannot_be_saved_is_told_at_its_field_and_nothing_is_lost(sign_in: Callable[[str], Client]) -> None:
    answer = sign_in("engineer").post("/records/role/new", {"id": "Bad ID", "title": XSS, "description": XSS})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "aria-invalid" in page
    assert html.escape(XSS, quote=False)[:20] in page
    assert "Bad ID" in page
    assert_escaped(answer.content)
    good = {"id": "tester", "title": "Tester", "responsibilities.0": "Tests.", "owner": "role:nobody-here"}
    answer = sign_in("engineer").post("/records/role/new", good)
    assert answer.status_code == 422
    assert "There is no record role:nobody-here" in answer.content.decode()


def test_row_buttons_save_nothing(sign_in: Callable[[str], Client]) -> None:
    write(ROLE)
    client = sign_in("engineer")
    posted = fields_of(client.get(EDIT).content.decode())
    page = client.post(EDIT, {**posted, "responsibilities.0": "Changed", "_add": "responsibilities"})
    assert page.status_code == 200
    assert len([name for name in fields_of(page.content.decode()) if re.fullmatch(r"responsibilities\.\d+", name)]) == 3
    assert content_of("role:tester")["responsibilities"] == ["Tests what is written."]


def test_presets_come_from_the_address(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("engineer")
    page = fields_of(client.get("/records/soa_entry/new", {"control": "LIF-23", "requirement": "ISO42001:A.6.2.2"}).content.decode())
    assert page["controls.0"] == ["LIF-23"]
    assert page["requirement"] == ["ISO42001:A.6.2.2"]
    copy = fields_of(client.get("/records/risk/new", {"from": "hs-bias"}).content.decode())
    assert copy["id"] == [""]
    assert copy["systems.0"] == ["ai_system:hiring-screener"]


def test_yaml_is_written_and_its_faults_have_line_and_column(sign_in: Callable[[str], Client]) -> None:
    write(ROLE)
    client = sign_in("engineer")
    opened = fields_of(client.get(EDIT, {"view": "yaml"}).content.decode())
    bad = opened["_yaml"][0] + "nonsense: 1\n"
    answer = client.post(EDIT, {**opened, "_yaml": bad})
    assert answer.status_code == 422
    line = bad.count("\n")
    assert f"Line {line}, column 1" in answer.content.decode()
    answer = client.post(EDIT, {**opened, "_yaml": "title: [" + XSS})
    assert answer.status_code == 422
    assert_escaped(answer.content)
    answer = client.post(EDIT, {**opened, "_yaml": opened["_yaml"][0].replace("Tests what", "Writes what")})
    assert answer.status_code == 302
    assert content_of("role:tester")["responsibilities"] == ["Writes what is written."]


def test_form_and_yaml_change_over_with_what_was_written(sign_in: Callable[[str], Client]) -> None:
    write(ROLE)
    client = sign_in("engineer")
    opened = fields_of(client.get(EDIT).content.decode())
    yaml = client.post(EDIT, {**opened, "title": "Not saved yet", "_show": "yaml"}).content.decode()
    assert "title: Not saved yet" in yaml
    back = client.post(EDIT, {**fields_of(yaml), "_show": "form"}).content.decode()
    assert fields_of(back)["title"] == ["Not saved yet"]
    assert content_of("role:tester")["title"] == "Tester"


def test_two_who_changed_different_fields_are_put_together(sign_in: Callable[[str], Client]) -> None:
    write(ROLE)
    client = sign_in("engineer")
    opened = fields_of(client.get(EDIT).content.decode())
    write({**ROLE, "responsibilities": ["Tests what is written.", "Says so."], "description": "Theirs"})
    answer = client.post(EDIT, {**opened, "title": "Chief tester"})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "changed this record meanwhile" in page
    merged = fields_of(page)
    assert merged["title"] == ["Chief tester"]
    assert merged["description"] == ["Theirs"]
    assert client.post(EDIT, merged).status_code == 302
    now = content_of("role:tester")
    assert (now["title"], now["description"], now["responsibilities"]) == ("Chief tester", "Theirs", ["Tests what is written.", "Says so."])


@pytest.mark.parametrize(("side", "title"), [("mine", "Mine"), ("theirs", "Theirs <b>bold</b>")])
def test_two_who_changed_the_same_field_choose(sign_in: Callable[[str], Client], side: str, title: str) -> None:
    write(ROLE)
    client = sign_in("engineer")
    opened = fields_of(client.get(EDIT).content.decode())
    write({**ROLE, "title": "Theirs <b>bold</b>", "description": XSS})
    answer = client.post(EDIT, {**opened, "title": "Mine", "_reason": "because"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "<b>bold" not in page
    assert_escaped(answer.content)
    hidden = {name: html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page)[1]) for name in ("_mine", "_base", "_reason")}  # type: ignore[index]
    together = client.post(EDIT, {**hidden, "_take.title": side})
    assert together.status_code == 200
    assert content_of("role:tester")["title"] == "Theirs <b>bold</b>"
    posted = fields_of(together.content.decode())
    assert posted["_reason"] == ["because"]
    assert client.post(EDIT, posted).status_code == 302
    now = content_of("role:tester")
    assert (now["title"], now["description"]) == (title, XSS)


def test_what_was_removed_meanwhile_can_be_stated_anew(sign_in: Callable[[str], Client]) -> None:
    from datetime import UTC, datetime

    from kybern.server.store.records import Write, write_records

    write(ROLE)
    client = sign_in("engineer")
    opened = fields_of(client.get(EDIT).content.decode())
    write_records([Write("role:tester", None)], "person:administrator", "gone", datetime.now(UTC))
    assert client.post(EDIT, opened).status_code == 404
    assert client.post("/records/role/new", {name: value for name, value in opened.items() if name != "_digest"}).status_code == 302
    assert client.post("/records/role/new", opened).status_code == 409


def test_removal_asks_first_and_refuses_what_is_named(sign_in: Callable[[str], Client]) -> None:
    digest = write(ROLE)
    client = sign_in("governance-lead")
    assert b"Other records name it" in client.get("/records/ai_system/hiring-screener/remove").content
    page = client.get("/records/role/tester/remove").content.decode()
    assert digest in page
    assert client.post("/records/role/tester/remove", {"_digest": "0" * 64}).status_code == 302
    assert content_of("role:tester")
    assert client.post("/records/role/tester/remove", {"_digest": digest, "_reason": "no need"})["Location"] == "/records/role/"
    assert client.get("/records/role/tester").status_code == 404


def test_who_may_not_write_is_denied(sign_in: Callable[[str], Client], client: Client) -> None:
    write(ROLE)
    for role in ("viewer", "external-auditor", "stranger"):
        for address in (EDIT, "/records/role/new"):
            assert sign_in(role).get(address).status_code == 403
            assert sign_in(role).post(address, {"title": "x"}).status_code == 403
    assert sign_in("engineer").get("/records/role/tester/remove").status_code == 403
    assert sign_in("engineer").get("/records/person/new").status_code == 403
    assert sign_in("project-engineer").get("/records/ai_system/hiring-screener/edit").status_code == 404
    assert client.get(EDIT).status_code == 302
    assert content_of("role:tester")["title"] == "Tester"


@pytest.mark.parametrize("address", [EDIT, "/records/role/new", "/records/role/tester/remove"])
def test_a_post_from_elsewhere_is_refused(db: None, address: str) -> None:
    from kybern.server.access.models import User

    write(ROLE)
    client = Browser(enforce_csrf_checks=True)
    client.force_login(User.objects.get(email=EMAILS["administrator"]), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(address, {"title": "x"}).status_code == 403


def test_nothing_stored_is_markup_in_a_form(sign_in: Callable[[str], Client]) -> None:
    write(evil_system())
    write(evil_agent())
    client = sign_in("administrator")
    for address in ("/records/ai_system/evil/edit", "/records/agent/evil-agent/edit", "/records/ai_system/evil/remove"):
        for view in ("", "yaml"):
            assert_escaped(client.get(address, {"view": view}).content)


def test_merging_keeps_what_each_changed() -> None:
    base = {"a": "1", "b": "1", "c": ["x", "y"], "d": "1", "e": "1"}
    theirs = {"a": "2", "b": "1", "c": ["x", "z"], "d": "2", "f": "new"}
    mine = {"a": "1", "b": "2", "c": ["x", "y", "w"], "d": "3", "e": "1"}
    found = merge(base, theirs, mine)
    assert found.content == {"a": "2", "b": "2", "c": ["x", "z", "w"], "d": "3", "f": "new"}
    assert [one.field for one in found.clashes] == ["d"]
    assert merge(base, theirs, mine, {"d": "theirs"}).content["d"] == "2"
    long = merge({"t": "one two"}, {"t": "one three"}, {"t": "one four"}, {"t": "both"})
    assert long.content["t"] == "one three\n\none four"
    assert json.dumps(merge({}, {"t": "x"}, {"t": "x"}).clashes) == "[]"


def test_words_are_compared() -> None:
    assert word_diff("Reads every CV", "Reads each CV") == [("same", "Reads "), ("del", "every"), ("ins", "each"), ("same", " CV")]
    assert word_diff("", "new") == [("ins", "new")]
    assert word_diff("a b c d", "w x y z q r s t") == [("del", "a b c d"), ("ins", "w x y z q r s t")]


@pytest.mark.parametrize("empty", [[], {}, ""])
def test_a_field_left_out_was_not_changed_where_it_said_nothing(empty: object) -> None:
    """A form leaves empty fields out; a workspace may write them."""
    found = merge({"a": "1", "tags": empty}, {"a": "2", "tags": empty}, {"a": "1"})
    assert (found.content, found.clashes, found.theirs, found.mine) == ({"a": "2"}, (), ("a",), ())
    assert merge({"tags": empty}, {"tags": ["x"]}, {}).content == {"tags": ["x"]}
