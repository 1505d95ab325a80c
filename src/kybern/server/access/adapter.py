"""How allauth signs people in here: nobody signs up by themselves; an administrator or a provider brings them."""

from __future__ import annotations

import base64
from typing import Any, Final, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from kybern.server.access.actor import Actor
from kybern.server.access.check import note
from kybern.server.access.middleware import address_of
from kybern.server.access.models import AccessEvent, Grant, Role, Unit, User
from kybern.server.pages.door import render
from kybern.server.store.keys import seal, unseal
from kybern.server.store.projection import root_unit

_SEALED: Final = "sealed:"
_HOLDER: Final = "second factors"
_PURPOSE: Final = b"kybern second factors v1"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    """Accounts by e-mail and password."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say no: accounts are made by an administrator."""
        del request
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Find out whose password this is; one that somebody else made counts for a while only."""
        user: User | None = super().authenticate(request, **credentials)
        # The row is asked: where a password was only hashed anew, the object has forgotten whose it is.
        if user is None or not User.objects.filter(pk=user.pk, first_password_until__lte=timezone.now()).exists():
            return user
        who = Actor("anonymous", request_id=str(getattr(request, "request_id", "")), address=address_of(request))
        note(who, AccessEvent.Kind.FAILED, "", f"user {user.email}", "the first password has ended")
        raise ValidationError(_("This first password has ended: ask an administrator for another."))

    def clean_password(self, password: str, user: User | None = None) -> str:
        """Take a new password; a first one is not kept by giving it again."""
        cleaned: str = super().clean_password(password, user)
        if user is not None and user.first_password_until is not None and user.check_password(password):
            raise ValidationError(_("Choose another password than the first one."))
        return cleaned

    def populate_username(self, request: HttpRequest, user: User) -> None:
        """Give a new user a handle in the place of a user name."""
        del request
        user.handle = user.handle or User.objects.free_handle(user.email)


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors; what verifies them, the secret of an app or of recovery codes, is kept sealed under the server's secret."""

    def encrypt(self, text: str) -> str:
        """Seal."""
        return _SEALED + base64.b64encode(seal(text.encode(), _HOLDER, _PURPOSE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open; what was kept before anything was sealed is as it was."""
        kept, sealed, rest = encrypted_text.partition(_SEALED)
        return unseal(base64.b64decode(rest), _HOLDER, _PURPOSE).decode() if sealed and not kept else encrypted_text


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Accounts by OpenID Connect and SAML."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Let in whom the configured provider vouches for; without a grant they see nothing."""
        del request, sociallogin
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Find the user of whom the provider speaks: by the subject, or else by an address that the provider has proved."""
        if sociallogin.state.get("process") not in {None, "login"}:
            # Whoever could start this in another's browser could put their own identity beside the other's account.
            _refuse(request, _("Accounts are not connected here: the provider's e-mail address says whose account it is."))
        if sociallogin.is_existing:
            return
        address, proved = _address_of(sociallogin)
        if not address:
            _refuse(request, _("The identity provider gave no e-mail address."))
        if not proved and not settings.ENVIRONMENT.identity.trust_email:
            _refuse(request, _("The identity provider does not say that your e-mail address is proved."))
        user = User.objects.filter(email=address).first()
        if user is not None:
            sociallogin.connect(request, user)

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        """Give a new user the address and the name that the provider says."""
        user: User = super().populate_user(request, sociallogin, data)
        user.email = user.email.strip().lower()
        said = data.get("name") or " ".join(filter(None, (data.get("first_name"), data.get("last_name"))))
        user.name = str(said or "")[:200]
        return user

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Make the user, with the role that the environment names, if it names one; else without any."""
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            note(_provider(request), AccessEvent.Kind.CHANGED, "", f"user {user.email}", "made by the identity provider")
            role = Role.objects.filter(slug=settings.ENVIRONMENT.identity.role).first()
            if role is not None:
                top = Unit.objects.get(pk=root_unit())
                Grant.objects.create(user=user, role=role, unit=top, granted_by="identity provider")
                note(_provider(request), AccessEvent.Kind.CHANGED, "", f"user {user.email}", f"granted {role.slug} in {top.slug}")
        return user


def _address_of(sociallogin: Any) -> tuple[str, bool]:
    """Give the address that the provider says, in small letters, and whether the provider has proved it."""
    for one in sociallogin.email_addresses:
        return str(one.email).strip().lower(), bool(one.verified)
    return "", False


def _provider(request: HttpRequest) -> Actor:
    return Actor("identity provider", request_id=str(getattr(request, "request_id", "")), address=address_of(request))


def _refuse(request: HttpRequest, why: str) -> NoReturn:
    """End a sign-in with a page that says why, and a line in the access log."""
    note(_provider(request), AccessEvent.Kind.FAILED, "", "sign-in by the identity provider", why)
    raise ImmediateHttpResponse(render(request, "sign_in_refused.html.j2", status=403, why=why))
