"""The access matrix: every route of the project, by everybody. What is expected stands in `matrix_table`, not in the code tested."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import matrix_table as table
import pytest
import walk
from django.test import Client
from server_world import EMAILS, token_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpResponse
    from matrix_table import Line

pytestmark = pytest.mark.django_db

OPEN = frozenset((200, 201, 202, 204, 302, 303, 304, 404, 409, 410, 412, 413, 415, 422, 428, 503))
"""Answers to who may ask: whatever they are, they are none that keeps somebody out."""

EVERY_PAGE = tuple((module, line) for module, lines in table.PAGES.items() for line in lines)
EVERY_OPERATION = tuple((module, line) for module, lines in table.API.items() for line in lines)


def _leads_to_sign_in(answer: HttpResponse) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")


def _asked(client: Client, method: str, address: str, **more: str) -> HttpResponse:
    if method == "GET":
        return client.get(address)
    return client.generic(method, address, b"{}", content_type="application/json", **more)


def _kept_out(answer: HttpResponse) -> bool:
    return answer.status_code in {401, 403} or _leads_to_sign_in(answer)


def test_every_page_has_its_line() -> None:
    known = {line.route: module for module, line in EVERY_PAGE}
    there = walk.pages()
    for route, (module, needs) in there.items():
        assert known.get(route) == module, (
            f"the page {route!r} of {module} has no line in tests/server/access/matrix_table.py: decide by yourself what it must need, "
            f"and add Line({route!r}, …) to PAGES[{module!r}] (it says {needs!r})"
        )
    gone = sorted(route for route in known if route not in there and not route.startswith("health/"))
    assert not gone, f"these lines of PAGES in tests/server/access/matrix_table.py are of no page: {gone}"


def test_every_operation_has_its_line() -> None:
    known = {(line.route, method): module for module, line in EVERY_OPERATION for method in line.methods}
    there = walk.operations()
    for (route, method), (module, _asks) in there.items():
        assert known.get((route, method)) == module, (
            f"the operation {method} {route} of {module} has no line in tests/server/access/matrix_table.py: decide by yourself what it "
            f"must need, and add Line({route!r}, …, ({method!r},)) to API[{module!r}]"
        )
    gone = sorted(one for one in known if one not in there)
    assert not gone, f"these lines of API in tests/server/access/matrix_table.py are of no operation: {gone}"


def test_no_route_is_outside_the_tables() -> None:
    known = {line.route for _module, line in (*EVERY_PAGE, *EVERY_OPERATION)} | set(table.ACCOUNTS) | set(table.OTHERS) | set(table.SCIM)
    unknown = [route for route in walk.routes() if route not in known and not route.startswith("accounts/")]
    assert not unknown, (
        f"these routes are in no table of tests/server/access/matrix_table.py: {unknown}. A page is made by kybern.server.pages.door.page "
        "and has a line in PAGES; an operation has one in API; all else is named in OTHERS with what it needs"
    )


@pytest.mark.parametrize(("module", "line"), EVERY_PAGE, ids=lambda one: getattr(one, "route", None))
def test_a_page_says_what_the_table_says(module: str, line: Line) -> None:
    there = walk.pages()
    if line.route in there:
        assert there[line.route] == (module, line.needs)


@pytest.mark.parametrize(("module", "line"), EVERY_OPERATION, ids=lambda one: getattr(one, "route", None))
def test_an_operation_says_what_the_table_says(module: str, line: Line) -> None:
    from kybern.server.api._door import Needs

    there = walk.operations()
    for method in line.methods:
        found_module, asks = there[line.route, method]
        assert found_module == module
        if line.needs == table.PUBLIC:
            assert asks == []
            continue
        assert [type(one) for one in asks] == [Needs]
        assert asks[0].permission == (None if line.needs == table.SIGNED_IN else line.needs)


def test_the_roles_ship_as_the_table_has_them() -> None:
    from kybern.server.access.permissions import SHIPPED_ROLES

    shipped = {one.slug: frozenset(map(str, one.permissions)) for one in SHIPPED_ROLES}
    assert shipped == {role: held for role, held in table.ROLES.items() if role != "stranger"}


def _ways() -> Iterator[tuple[Line, str, str]]:
    """Give every way into a page with what it needs: reading first, for a POST may take away what others show."""
    yield from ((line, "GET", line.needs) for _module, line in EVERY_PAGE)
    yield from ((line, "POST", line.posts or line.needs) for _module, line in EVERY_PAGE if "POST" in line.methods)


@pytest.mark.parametrize("role", sorted(table.ROLES))
def test_who_opens_which_page(sign_in: Callable[[str], Client], role: str) -> None:
    client, held = sign_in(role), table.ROLES[role]
    client.raise_request_exception = True
    for line, method, needs in _ways():
        answer = _asked(client, method, line.address())
        may = needs in {table.PUBLIC, table.SIGNED_IN} or held.issuperset((needs, *line.also))
        told = f"{method} {line.address()} by {role}: {answer.status_code}"
        if may:
            assert answer.status_code in OPEN, told
            assert not _leads_to_sign_in(answer), told
        else:
            assert answer.status_code == 403, told
    for _module, line in EVERY_PAGE:
        if "POST" not in line.methods and line.route not in {"health/live", "health/ready"}:
            assert client.post(line.address()).status_code == 405, f"{line.address()} takes POST, which its line does not say"


def test_nobody_opens_a_page_but_the_public_ones(client: Client) -> None:
    for line, method, needs in _ways():
        answer = _asked(client, method, line.address())
        if needs == table.PUBLIC:
            assert not _kept_out(answer), line.route
        else:
            assert _leads_to_sign_in(answer), f"{method} {line.address()} by nobody: {answer.status_code}"


def test_a_token_opens_no_page(by_token: Callable[..., Client]) -> None:
    client = by_token("administrator")
    for _module, line in EVERY_PAGE:
        if line.needs != table.PUBLIC:
            for method in line.methods:
                assert _leads_to_sign_in(_asked(client, method, line.address())), f"{method} {line.address()} by a token"


def test_who_has_a_project_opens_nothing_of_the_whole(sign_in: Callable[[str], Client]) -> None:
    client, held = sign_in("project-engineer"), table.ROLES["engineer"]
    for line, method, needs in _ways():
        answer = _asked(client, method, line.address())
        may = needs in {table.PUBLIC, table.SIGNED_IN} or (needs in held and not line.whole)
        told = f"{method} {line.address()} by the engineer of a project: {answer.status_code}"
        assert (answer.status_code in OPEN and not _leads_to_sign_in(answer)) if may else answer.status_code == 403, told


@pytest.mark.parametrize("role", sorted(table.ROLES))
@pytest.mark.parametrize("by", ["token", "session"])
def test_who_may_run_which_operation(sign_in: Callable[[str], Client], by_token: Callable[..., Client], role: str, by: str) -> None:
    client, held = (by_token if by == "token" else sign_in)(role), table.ROLES[role]
    for _module, line in EVERY_OPERATION:
        for method in line.methods:
            answer = _asked(client, method, line.address(), HTTP_IF_MATCH='"none"')
            may = line.needs in {table.PUBLIC, table.SIGNED_IN} or held.issuperset((line.needs, *line.also))
            assert answer.status_code in OPEN if may else answer.status_code == 403, (
                f"{method} {line.address()} by {role} with a {by}: {answer.status_code}"
            )


def test_nobody_and_bad_tokens_run_nothing() -> None:
    from kybern.server.access.models import ApiToken, User

    user = User.objects.get(email=EMAILS["administrator"])
    now = datetime.now(UTC)
    _made, expired = ApiToken.issue(user, "expired", ["records.read"], now - timedelta(seconds=1))
    made, revoked = ApiToken.issue(user, "revoked", ["records.read"], now + timedelta(days=1))
    ApiToken.objects.filter(pk=made.pk).update(revoked_at=now)
    left = User.objects.create_user("left@example.org", None, is_active=False)
    _made, deactivated = ApiToken.issue(left, "left", ["records.read"], now + timedelta(days=1))
    clients = {"nobody": Client(), "no token": _sending("kyb_nonsense"), "empty": _sending("")}
    clients |= {"expired": _sending(expired), "revoked": _sending(revoked), "deactivated": _sending(deactivated)}
    for who, client in clients.items():
        for _module, line in EVERY_OPERATION:
            if line.needs == table.PUBLIC:
                continue
            for method in line.methods:
                answer = _asked(client, method, line.address())
                assert answer.status_code == 401, f"{method} {line.address()} by {who}: {answer.status_code}"
                assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_token_of_a_project_reads_nothing_of_the_whole(by_token: Callable[..., Client]) -> None:
    client, held = by_token("project-engineer"), table.ROLES["engineer"]
    for _module, line in EVERY_OPERATION:
        for method in line.methods:
            answer = _asked(client, method, line.address(), HTTP_IF_MATCH='"none"')
            may = line.needs in {table.PUBLIC, table.SIGNED_IN} or (line.needs in held and not line.whole)
            told = f"{method} {line.address()} by a token of a project: {answer.status_code}"
            assert answer.status_code in OPEN if may else answer.status_code == 403, told


def _sending(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


def test_a_bad_token_beside_a_good_session_is_nobody(sign_in: Callable[[str], Client]) -> None:
    answer = sign_in("administrator").get("/api/v1/records", headers={"Authorization": "Bearer kyb_nonsense"})
    assert answer.status_code == 401


def test_a_token_without_the_scope_runs_nothing() -> None:
    for needs in {line.needs for _module, line in EVERY_OPERATION} - {table.PUBLIC, table.SIGNED_IN}:
        others = sorted(table.ROLES["administrator"] - {needs})
        client = _sending(token_of("administrator", others))
        for _module, line in EVERY_OPERATION:
            if line.needs == needs:
                for method in line.methods:
                    assert _asked(client, method, line.address()).status_code == 403, f"{method} {line.address()} without {needs}"


def test_no_page_is_changed_without_the_csrf_token(sign_in: Callable[[str], Client]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = sign_in("administrator").cookies
    for _module, line in EVERY_PAGE:
        if "POST" in line.methods:
            assert client.post(line.address(), {"do": "apply"}).status_code == 403, f"POST {line.address()} without the CSRF token"


def test_no_operation_is_run_by_a_session_without_the_csrf_token(sign_in: Callable[[str], Client]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = sign_in("administrator").cookies
    for _module, line in EVERY_OPERATION:
        for method in line.methods:
            if method not in {"GET", "HEAD"} and line.needs != table.PUBLIC:
                answer = _asked(client, method, line.address())
                assert answer.status_code == 403, f"{method} {line.address()} without the CSRF token"
                assert answer.json()["type"] == "urn:kybern:problem:csrf"


def test_account_pages_are_for_their_owner(client: Client, sign_in: Callable[[str], Client]) -> None:
    owner = sign_in("stranger")
    for route in walk.routes():
        if not route.startswith("accounts/"):
            continue
        says = table.ACCOUNTS.get(route, table.CLOSED)
        address = "/" + route.replace("<provider_id>", "none").replace("<int:pk>", "1").replace("<uidb36>", "1").replace("<key>", "x-y")
        address = address.replace("<path:rest>", "x/")
        for method in ("GET", "POST"):
            if says == table.CLOSED:
                for one in (client, owner):
                    answer = _asked(one, method, address)
                    assert answer.status_code == 404, (
                        f"{method} {address} answers {answer.status_code}: an account page that matrix_table.py does not "
                        "name in ACCOUNTS is shut by kybern.server.access.accounts, or it gets a line there"
                    )
            elif says == table.OWN:
                assert _kept_out(_asked(client, method, address)), f"{method} {address} by nobody"


def test_the_lines_of_the_account_pages_are_of_pages() -> None:
    assert not set(table.ACCOUNTS) - set(walk.routes())


def test_the_examples_of_whole_pages_are_there(sign_in: Callable[[str], Client]) -> None:
    """A page that looks for its subject before it asks would answer 404 to everybody, and prove nothing."""
    client = sign_in("administrator")
    for _module, line in EVERY_PAGE:
        if line.whole and line.route != "settings/sample":
            assert client.get(line.address()).status_code == 200, line.address()


def test_scim_is_for_tokens_that_manage_users(client: Client, sign_in: Callable[[str], Client]) -> None:
    there = {route: view.scim_methods for route, view in walk.routes().items() if route.startswith("scim/")}
    assert there == table.SCIM, "a route of SCIM has its line with its methods in SCIM of tests/server/access/matrix_table.py"
    programs = {role: _sending(token_of(role)) for role in (*table.ROLES, "project-engineer")}
    narrow = _sending(token_of("administrator", sorted(table.ROLES["administrator"] - {"users.manage"})))
    enough = _sending(token_of("administrator", ["users.manage"]))
    for route, methods in table.SCIM.items():
        address = "/" + re.sub(r"<[^>]+>", "1", route)
        for method in methods:
            for one in (client, sign_in("administrator"), _sending("kyb_nonsense")):
                assert _asked(one, method, address).status_code == 401, f"{method} {address}"
            for role, one in programs.items():
                answer = _asked(one, method, address)
                may = "users.manage" in table.ROLES.get(role, ())
                assert answer.status_code in {200, 204, 400, 404} if may else answer.status_code == 403, f"{method} {address} by {role}"
            assert _asked(narrow, method, address).status_code == 403
            assert _asked(enough, method, address).status_code in {200, 204, 400, 404}


def test_the_other_routes(client: Client, sign_in: Callable[[str], Client]) -> None:
    for route, needs in table.OTHERS.items():
        if needs == table.PUBLIC:
            assert not _kept_out(client.get(f"/{route}")), route
    assert client.get("/events").status_code == 401
    opened = sign_in("viewer").get("/events")
    assert opened.status_code == 200
    opened.close()
    # Whoever comes through a proxy that was not announced is not from this machine.
    far = {"X-Forwarded-For": "198.51.100.7"}
    assert client.get("/metrics", headers=far).status_code == 401
    for role, held in table.ROLES.items():
        wanted = 200 if "settings.manage" in held else 403
        assert sign_in(role).get("/metrics", headers=far).status_code == wanted, role
