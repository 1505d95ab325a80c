"""Users: their address is `userName`, and there is one of each."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.urls import path

from kybern.server.access import administration
from kybern.server.access.models import Grant, User
from kybern.server.scim._door import body_of, page_asked, scim
from kybern.server.scim._filter import read_filter
from kybern.server.scim._messages import USER, ScimError, answer, bad, chosen, listed
from kybern.server.scim._patch import Change, read_changes
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from kybern.server.access.actor import Actor

MOST: Final = 200
_TRUTHS: Final = {"true": True, "false": False}
_KEPT: Final = frozenset(("username", "externalid", "active", "displayname", "name", "emails", "preferredlanguage", "locale"))
_OURS: Final = frozenset(("id", "meta", "groups"))


def users() -> QuerySet[User]:
    """Give the users that there are for an identity provider: not those that it took away."""
    return User.objects.exclude(is_active=False, external_id=administration.TAKEN_AWAY)


def resource(request: HttpRequest, user: User) -> dict[str, Any]:
    """Write a user."""
    roles = Grant.objects.filter(user=user, unit_id=root_unit()).select_related("role").order_by("role__slug")
    external = "" if user.external_id == administration.TAKEN_AWAY else user.external_id
    found: dict[str, Any] = {
        "schemas": [USER],
        "id": str(user.pk),
        **({"externalId": external} if external else {}),
        "userName": user.email,
        "displayName": str(user),
        "name": {"formatted": str(user)},
        "emails": [{"value": user.email, "type": "work", "primary": True}],
        "active": user.is_active,
        **({"preferredLanguage": user.language} if user.language else {}),
        "groups": [{"value": one.role.slug, "display": one.role.name, "type": "direct"} for one in roles],
        "meta": {
            "resourceType": "User",
            "created": user.joined_at.isoformat(),
            "location": f"{settings.KYBERN_URL}/scim/v2/Users/{user.pk}",
        },
    }
    return chosen(request, found)


def find_user(number: str) -> User:
    """Look a user up; 404 where there is none."""
    found = users().filter(pk=int(number)).first() if number.isascii() and number.isdecimal() and len(number) < 16 else None  # noqa: PLR2004
    if found is None:
        raise Http404
    return found


@scim("GET", "POST")
def collection(request: HttpRequest, who: Actor) -> HttpResponse:
    """List users, or make one."""
    if request.method == "POST":
        return _create(request, who)
    start, count = page_asked(request, MOST)
    rows = users().order_by("pk")
    if text := request.GET.get("filter", "").strip():
        rows = rows.filter(_condition(text))
    found = rows[start - 1 : start - 1 + count] if count else ()
    return answer(listed((resource(request, one) for one in found), rows.count(), start))


def _condition(text: str) -> Q:
    found = Q()
    for name, value in read_filter(text):
        if name in {"username", "emails", "emails.value"}:
            found &= Q(email=str(value).lower())
        elif name == "externalid":
            found &= Q(external_id=str(value)) if value else Q(pk__in=())
        elif name == "id":
            found &= Q(pk=int(str(value))) if str(value).isdecimal() and len(str(value)) < 16 else Q(pk__in=())  # noqa: PLR2004
        elif name == "displayname":
            found &= Q(name__iexact=str(value))
        elif name == "active" and isinstance(value, bool):
            found &= Q(is_active=value)
        else:
            raise bad("invalidFilter", f"Users are not found by {name}.")
    return found


def _create(request: HttpRequest, who: Actor) -> HttpResponse:
    said = _read(body_of(request))
    if "email" not in said:
        raise bad("invalidValue", "A user has a userName, which is their e-mail address.")
    active = said.pop("active", True)
    _free(str(said["email"]), None)
    user = administration.provision(who, **said)
    if not active:
        administration.set_active(who, user, active=False)
    return answer(resource(request, user), HTTPStatus.CREATED)


@scim("GET", "PUT", "PATCH", "DELETE")
def one(request: HttpRequest, who: Actor, number: str) -> HttpResponse:
    """Give a user, change them whole or in part, or take them away: they are deactivated, and their roles end."""
    user = find_user(number)
    if request.method == "DELETE":
        administration.take_away(who, user)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    if request.method == "PUT":
        said = _read(body_of(request))
        if "email" not in said:
            raise bad("invalidValue", "A user has a userName, which is their e-mail address.")
        _change(who, user, {"name": "", "external_id": "", "active": True, **said})
    elif request.method == "PATCH":
        _change(who, user, _patched(user, read_changes(body_of(request))))
    return answer(resource(request, user))


def _change(who: Actor, user: User, said: dict[str, Any]) -> None:
    active = said.pop("active", user.is_active)
    if "email" in said:
        _free(str(said["email"]), user)
    administration.change_user(who, user, **said)
    if active != user.is_active:
        administration.set_active(who, user, active=active)


def _free(address: str, user: User | None) -> None:
    """Let nobody take an address that another has."""
    others = users().filter(email=address.strip().lower())
    if (others if user is None else others.exclude(pk=user.pk)).exists():
        raise ScimError(HTTPStatus.CONFLICT, "There is a user of this userName already.", "uniqueness")


def _read(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a whole user says that is kept here."""
    said = {name.lower(): value for name, value in body.items()}
    found: dict[str, Any] = {}
    address = said.get("username")
    if address is not None:
        found["email"] = _text(address)
    if said.get("externalid") is not None:
        found["external_id"] = _text(said["externalid"])
    if said.get("active") is not None:
        found["active"] = _truth(said["active"])
    name = _name(said)
    if name is not None:
        found["name"] = name
    if (language := _language(said.get("preferredlanguage") or said.get("locale"))) is not None:
        found["language"] = language
    return found


def _name(said: Mapping[str, Any]) -> str | None:
    """Give the name as it is shown: `displayName`, else the formatted name, else given and family name."""
    parts = said.get("name") if isinstance(said.get("name"), dict) else {}
    lowered = {str(name).lower(): _text(value) for name, value in (parts or {}).items() if value is not None}
    shown = _text(said["displayname"]) if said.get("displayname") is not None else lowered.get("formatted", "")
    built = " ".join(filter(None, (lowered.get("givenname"), lowered.get("familyname"))))
    return shown or built or None


def _patched(user: User, changes: list[Change]) -> dict[str, Any]:
    """Give what a patch changes of a user."""
    found: dict[str, Any] = {}
    for one_change in changes:
        if one_change.name in _OURS:
            raise bad("mutability", f"{one_change.name} is not changed here.")
        if one_change.name in _KEPT:
            found |= _one_change(str(found.get("name", user.name)), one_change)
    return found


def _one_change(name: str, change: Change) -> dict[str, Any]:
    gone = change.act == "remove"
    if change.name in {"username", "emails", "active"} and gone:
        raise bad("mutability", f"{change.name} cannot be without a value.")
    if change.name == "username":
        return {"email": _text(change.value)}
    if change.name == "emails":
        return _address(change)
    if change.name == "active":
        return {"active": _truth(change.value)}
    if change.name == "externalid":
        return {"external_id": "" if gone else _text(change.value)}
    if change.name in {"preferredlanguage", "locale"}:
        language = "" if gone else _language(change.value)
        return {} if language is None else {"language": language}
    return {"name": "" if gone else _renamed(name, change)}


def _address(change: Change) -> dict[str, Any]:
    """Read the address among those of a patch: the first one, or one value of it."""
    if change.part not in {"", "value"} or isinstance(change.value, bool):
        return {}
    values = change.value if isinstance(change.value, list) else [change.value]
    texts = [one.get("value") if isinstance(one, dict) else one for one in values]
    first = next((text for one, text in zip(values, texts, strict=True) if isinstance(one, dict) and one.get("primary")), None)
    text = first or next((one for one in texts if one), None)
    if text is None:
        raise bad("invalidValue", "An e-mail address has a value.")
    return {"email": _text(text)}


def _renamed(name: str, change: Change) -> str:
    """Give the whole name where a part of it changes: the last word counts as the family's."""
    if change.name == "name" and not change.part:
        return _name({"name": change.value}) or name
    text = _text(change.value)
    given, _, family = name.rpartition(" ")
    if change.part == "givenname":
        return f"{text} {family}".strip()
    if change.part == "familyname":
        return f"{given or family} {text}".strip()
    return text if change.part in {"", "formatted"} else name


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise bad("invalidValue", "A text is expected.")
    return value.strip()[:200]


def _truth(value: Any) -> bool:
    """Read a truth; some providers write it as a text."""
    found = value if isinstance(value, bool) else _TRUTHS.get(str(value).lower()) if isinstance(value, str) else None
    if found is None:
        raise bad("invalidValue", "active is true or false.")
    return found


def _language(value: Any) -> str | None:
    """Give the language of a tag, where the pages are in it."""
    code = str(value or "").replace("_", "-").partition("-")[0].lower()
    return code if code in dict(settings.LANGUAGES) else None


ROUTES: Final = (
    path("scim/v2/Users", collection, name="scim-users"),
    path("scim/v2/Users/<str:number>", one, name="scim-user"),
)
