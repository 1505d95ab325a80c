"""Settings: the reader's own account and tokens, and, by permission, users, units, roles, keys, frameworks, the access log."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kybern.base import InputError
from kybern.evidence import KeyKind
from kybern.evidence.log import Verifier
from kybern.server.access import administration
from kybern.server.access.check import not_theirs, note, require
from kybern.server.access.middleware import actor
from kybern.server.access.models import AccessEvent, ApiToken, Grant, Role, Unit, User
from kybern.server.access.permissions import Permission
from kybern.server.live import current, forget
from kybern.server.pages.door import SIGNED_IN, page, render
from kybern.server.store.keys import log_key, log_origin
from kybern.server.store.models import HeldKey, LogCheckpoint, LogHead, Setting, TrustedKeyRow
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from django.http import HttpRequest

_BOTH: Final = ("GET", "POST")
_LIST: Final = 200
_DAYS: Final = 90

_SECTIONS: Final = (
    ("profile", gettext_lazy("Your account"), gettext_lazy("Name, language, password, second factor, sessions."), "circle-user", None),
    ("tokens", gettext_lazy("Your tokens"), gettext_lazy("For programs that act in your name, within what you may do."), "key-round", None),
    ("users", gettext_lazy("Users"), gettext_lazy("Who signs in, and which role they have where."), "users", Permission.USERS_MANAGE),
    (
        "units",
        gettext_lazy("Units"),
        gettext_lazy("The tree of organisation, business units and projects."),
        "network",
        Permission.USERS_MANAGE,
    ),
    ("roles", gettext_lazy("Roles"), gettext_lazy("Which permissions a role has."), "shield-user", Permission.USERS_MANAGE),
    ("keys", gettext_lazy("Keys"), gettext_lazy("Whose signatures count, and from when until when."), "key-square", Permission.KEYS_MANAGE),
    (
        "webhooks",
        gettext_lazy("Webhooks"),
        gettext_lazy("Other programs that are told of events, and what became of each message."),
        "webhook",
        Permission.WEBHOOKS_MANAGE,
    ),
    ("frameworks", gettext_lazy("Frameworks"), gettext_lazy("What the organisation asks about."), "scale", Permission.SETTINGS_MANAGE),
    (
        "trust",
        gettext_lazy("Trust page"),
        gettext_lazy("What the organisation publishes, and how strangers verify it."),
        "globe",
        Permission.TRUST_PUBLISH,
    ),
    (
        "access-log",
        gettext_lazy("Access log"),
        gettext_lazy("Denials, sensitive readings, changes of access."),
        "scroll-text",
        Permission.AUDIT_READ,
    ),
    (
        "verify",
        gettext_lazy("Verify offline"),
        gettext_lazy("The log's key and checkpoint, for whoever trusts nobody."),
        "badge-check",
        None,
    ),
)


@page(SIGNED_IN)
def index(request: HttpRequest) -> HttpResponse:
    """List what the reader may set."""
    who = actor(request)
    sections = [one for one in _SECTIONS if one[4] is None or who.may(one[4])]
    return render(request, "settings/index.html.j2", sections=sections)


@page(SIGNED_IN, methods=_BOTH)
def profile(request: HttpRequest) -> HttpResponse:
    """Show the reader's account, and take a name and a language."""
    user = _user(request)
    if request.method == "POST":
        language = request.POST.get("language", "")
        user.name = request.POST.get("name", "").strip()[:200]
        user.language = language if language in dict(_languages()) else ""
        user.save(update_fields=["name", "language"])
        messages.success(request, _("Your account is saved."))
        answer = HttpResponseRedirect("/settings/profile")
        if user.language:
            translation.activate(user.language)
            answer.set_cookie("django_language", user.language, samesite="Lax", httponly=True, secure=request.is_secure())
        return answer
    grants = Grant.objects.filter(user=user).select_related("role", "unit").order_by("unit__name", "role__name")
    return render(request, "settings/profile.html.j2", account=user, grants=grants, choices=_languages())


def _languages() -> tuple[tuple[str, str], ...]:
    from django.conf import settings

    return tuple((code, str(name)) for code, name in settings.LANGUAGES)


@page(SIGNED_IN, methods=_BOTH)
def tokens(request: HttpRequest) -> HttpResponse:
    """Issue and revoke the reader's own tokens; a token's text is shown once."""
    who, user, text = actor(request), _user(request), ""
    problems: tuple[Any, ...] = ()
    if request.method == "POST" and "revoke" in request.POST:
        token = get_object_or_404(ApiToken, pk=_number(request.POST["revoke"]))
        if token.user_id != user.pk:
            raise not_theirs(who, Permission.USERS_MANAGE, f"token {token.shown}")
        administration.revoke_token(who, token, timezone.now())
        return _done(request, "/settings/tokens", _("The token counts no more."))
    if request.method == "POST":
        now = timezone.now()
        until = now + timedelta(days=min(max(_number(request.POST.get("days", "")), 1), 365))
        try:
            _made, text = administration.issue_token(who, request.POST.get("name", ""), request.POST.getlist("scopes"), until, now)
        except InputError as error:
            problems = error.problems
    rows = ApiToken.objects.filter(user=user).order_by("-created_at")[:_LIST]
    held = [one for one in Permission if who.may(one)]
    context = {"tokens": rows, "held": held, "text": text, "problems": problems, "now": timezone.now(), "days": _DAYS}
    return render(request, "settings/tokens.html.j2", status=422 if problems else 200, **context)


@page(Permission.USERS_MANAGE, methods=_BOTH)
def users(request: HttpRequest) -> HttpResponse:
    """List users with their grants; make one."""
    who, made, password = actor(request), None, ""
    problems: tuple[Any, ...] = ()
    managed = who.where(Permission.USERS_MANAGE)
    if request.method == "POST":
        try:
            role, unit = _role(request), _unit(request, "unit")
            made, password = administration.add_user(who, request.POST.get("email", ""), request.POST.get("name", ""), role, unit)
        except InputError as error:
            problems = error.problems
    wanted = request.GET.get("q", "").strip().lower()
    found = User.objects.order_by("email").prefetch_related("grants__role", "grants__unit")
    if root_unit() not in managed:
        found = found.filter(grants__unit__in=managed).distinct()
    found = found.filter(email__contains=wanted) if wanted else found
    context: dict[str, Any] = {
        "people": found[:_LIST],
        "made": made,
        "password": password,
        "problems": problems,
        "roles": Role.objects.order_by("name"),
    }
    units = Unit.objects.filter(pk__in=managed).order_by("name")
    return render(request, "settings/users.html.j2", status=422 if problems else 200, places=units, **context)


@page(Permission.USERS_MANAGE, methods=_BOTH)
def user(request: HttpRequest, number: str) -> HttpResponse:
    """Show a user, and change their grants, activity and password."""
    who = actor(request)
    managed = who.where(Permission.USERS_MANAGE)
    one = get_object_or_404(User, pk=_number(number))
    whole = root_unit() in managed
    if not whole and not one.grants.filter(unit__in=managed).exists():
        raise not_theirs(who, Permission.USERS_MANAGE, f"user {one.pk}")
    password = ""
    if request.method == "POST":
        act = request.POST.get("act", "")
        if act == "grant":
            administration.grant(who, one, _role(request), _unit(request, "unit"))
        elif act == "withdraw":
            found = get_object_or_404(Grant, pk=_number(request.POST.get("grant", "")), user=one)
            if found.unit_id not in managed:
                raise not_theirs(who, Permission.USERS_MANAGE, f"grant {found.pk}")
            administration.withdraw(who, found)
        elif act in {"deactivate", "activate"}:
            administration.set_active(who, one, active=act == "activate")
        elif act == "password":
            password = administration.new_password(who, one)
        if not password:
            return _done(request, f"/settings/users/{one.pk}", _("The change is made, and in the access log."))
    grants = one.grants.select_related("role", "unit").order_by("unit__name", "role__name")
    units = Unit.objects.filter(pk__in=managed).order_by("name")
    context: dict[str, Any] = {
        "person": one,
        "grants": grants,
        "roles": Role.objects.order_by("name"),
        "places": units,
        "password": password,
        "whole": whole,
    }
    return render(request, "settings/user.html.j2", **context)


@page(Permission.USERS_MANAGE, methods=_BOTH)
def units(request: HttpRequest) -> HttpResponse:
    """Show the tree; make, move and remove units, and put records into them."""
    who = actor(request)
    if request.method == "POST":
        _change_unit(request, who)
        return _done(request, "/settings/units", _("The change is made, and in the access log."))
    from kybern.server.access.models import Placement

    managed = who.where(Permission.USERS_MANAGE)
    return render(
        request,
        "settings/units.html.j2",
        tree=[(depth, unit) for depth, unit in _tree() if unit.pk in managed],
        managed=managed,
        kinds=Unit.Kind.choices[1:],
        placed=Placement.objects.filter(unit__in=managed).select_related("unit").order_by("ref")[:_LIST],
    )


def _change_unit(request: HttpRequest, who: Any) -> None:
    act, said = request.POST.get("act", ""), request.POST
    if act == "add":
        administration.add_unit(who, said.get("slug", ""), said.get("name", ""), said.get("kind", ""), _unit(request, "parent"))
    elif act == "move":
        administration.move_unit(who, _unit(request, "unit"), _unit(request, "parent"))
    elif act == "remove":
        administration.remove_unit(who, _unit(request, "unit"))
    elif act == "put":
        administration.put_into(who, said.get("ref", "").strip(), _unit(request, "unit"))


def _tree() -> list[tuple[int, Unit]]:
    """Give the units in the order of the tree, each with how deep it stands."""
    children: dict[int | None, list[Unit]] = {}
    for one in Unit.objects.order_by("name"):
        children.setdefault(one.parent_id, []).append(one)
    found: list[tuple[int, Unit]] = []

    def walk(parent: int | None, depth: int) -> None:
        for one in children.get(parent, ()):
            found.append((depth, one))
            walk(one.pk, depth + 1)

    walk(None, 0)
    return found


@page(Permission.USERS_MANAGE, methods=_BOTH)
def roles(request: HttpRequest) -> HttpResponse:
    """Show roles by permissions as a grid, and change one role."""
    who = actor(request)
    require(who, Permission.USERS_MANAGE, root_unit(), subject=request.path)
    if request.method == "POST":
        role = _role(request)
        if request.POST.get("act") == "reset":
            administration.reset_role(who, role)
        else:
            administration.set_permissions(who, role, request.POST.getlist("permissions"))
        return _done(request, "/settings/roles", _("The role is changed, and so is what everybody who has it may do."))
    return render(request, "settings/roles.html.j2", roles=Role.objects.order_by("pk"), permissions=list(Permission))


@page(Permission.KEYS_MANAGE, methods=_BOTH)
def keys(request: HttpRequest) -> HttpResponse:
    """Show the keyring; trust a key, revoke one."""
    who = actor(request)
    require(who, Permission.KEYS_MANAGE, root_unit(), subject=request.path)
    problems: list[str] = []
    said, now = request.POST, timezone.now()
    if request.method == "POST" and "revoke" in said:
        administration.revoke_key(who, said["revoke"], said.get("because", ""), now)
        return _done(request, "/settings/keys", _("The key is revoked: what it signs from now on counts for nothing."))
    if request.method == "POST":
        name, holder, kind, public_key = (said.get(one, "") for one in ("name", "holder", "kind", "public_key"))
        try:
            administration.trust_key(who, name=name, holder=holder, kind=kind, public_key=public_key, now=now)
        except InputError as error:
            problems = [one.message for one in error.problems]
        else:
            return _done(request, "/settings/keys", _("The key is trusted."))
    held = set(HeldKey.objects.values_list("keyid", flat=True))
    context = {
        "rows": TrustedKeyRow.objects.order_by("name"),
        "held": held,
        "kinds": list(KeyKind),
        "problems": problems,
        "now": now,
    }
    return render(request, "settings/keys.html.j2", status=422 if problems else 200, **context)


@page(Permission.SETTINGS_MANAGE, methods=_BOTH)
def frameworks(request: HttpRequest) -> HttpResponse:
    """Choose the frameworks that the organisation asks about, in their order."""
    require(actor(request), Permission.SETTINGS_MANAGE, root_unit(), subject=request.path)
    standing = current()
    if request.method == "POST":
        chosen = [one for one in request.POST.getlist("frameworks") if one in standing.catalog.frameworks]
        if not chosen:
            messages.error(request, _("Choose at least one framework."))
            return HttpResponseRedirect("/settings/frameworks")
        Setting.objects.update_or_create(name="frameworks", defaults={"value": chosen})
        forget()
        note(actor(request), AccessEvent.Kind.CHANGED, Permission.SETTINGS_MANAGE, "frameworks", " ".join(chosen))
        return _done(request, "/settings/frameworks", _("Saved: home and readiness show these frameworks now."))
    return render(request, "settings/frameworks.html.j2", known=standing.catalog.frameworks.values(), chosen=standing.frameworks)


@page(Permission.AUDIT_READ)
def access_log(request: HttpRequest) -> HttpResponse:
    """Show the access log, the latest first, by kind, actor and subject."""
    require(actor(request), Permission.AUDIT_READ, root_unit(), subject=request.path)
    rows = AccessEvent.objects.order_by("-pk")
    kind, words, after = request.GET.get("kind", ""), request.GET.get("q", "").strip(), request.GET.get("after", "")
    if kind in AccessEvent.Kind.values:
        rows = rows.filter(kind=kind)
    if words:
        rows = rows.filter(actor__icontains=words) | rows.filter(subject__icontains=words)
    if after.isdecimal():
        rows = rows.filter(pk__lt=int(after))
    found = list(rows[: _LIST + 1])
    following = f"?after={found[_LIST - 1].pk}&kind={kind}" if len(found) > _LIST else None
    return render(request, "settings/access_log.html.j2", rows=found[:_LIST], following=following, kinds=AccessEvent.Kind.choices)


@page(SIGNED_IN)
def verify(request: HttpRequest) -> HttpResponse:
    """Show what a stranger needs to verify the log without this server."""
    key = log_key(timezone.now())
    last = LogCheckpoint.objects.order_by("-size").first()
    size = LogHead.objects.filter(pk=1).values_list("size", flat=True).first() or 0
    checkpoint = None if last is None else bytes(last.note).decode()
    about: dict[str, Any] = {
        "origin": log_origin(key),
        "public": str(Verifier(log_origin(key), key.public_raw)),
        "checkpoint": checkpoint,
        "size": size,
    }
    return render(request, "settings/verify.html.j2", **about)


def _user(request: HttpRequest) -> User:
    found = actor(request).user
    if found is None:
        raise Http404
    return found


def _role(request: HttpRequest) -> Role:
    return get_object_or_404(Role, slug=request.POST.get("role", "")[:60])


def _unit(request: HttpRequest, field: str) -> Unit:
    """Take a unit from a form: one in which the reader manages users; the others they need not know of."""
    who, unit = actor(request), get_object_or_404(Unit, pk=_number(request.POST.get(field, "")))
    if not who.may(Permission.USERS_MANAGE, unit.pk):
        raise not_theirs(who, Permission.USERS_MANAGE, f"unit {unit.pk}")
    return unit


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0  # noqa: PLR2004 - what a database takes


def _done(request: HttpRequest, address: str, words: str) -> HttpResponse:
    messages.success(request, words)
    return HttpResponseRedirect(address)


ROUTES: Final = (
    path("settings", index, name="settings"),
    path("settings/profile", profile, name="settings-profile"),
    path("settings/tokens", tokens, name="settings-tokens"),
    path("settings/users", users, name="settings-users"),
    path("settings/users/<str:number>", user, name="settings-user"),
    path("settings/units", units, name="settings-units"),
    path("settings/roles", roles, name="settings-roles"),
    path("settings/keys", keys, name="settings-keys"),
    path("settings/frameworks", frameworks, name="settings-frameworks"),
    path("settings/access-log", access_log, name="settings-access-log"),
    path("settings/verify", verify, name="settings-verify"),
)
