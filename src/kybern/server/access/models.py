"""Tables of identity and access."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

TOKEN_PREFIX: Final = "kyb_"
_TOKEN_BYTES: Final = 32
_SHOWN_DIGITS: Final = 12
FIRST_PASSWORD: Final = timedelta(days=7)
"""So long a password that somebody else made signs in."""

_slug = RegexValidator(r"\A[a-z0-9][a-z0-9-]{0,59}\Z", _("Lower-case letters, digits and hyphens, at most 60."))
_handle = RegexValidator(r"\A[a-z0-9][a-z0-9._-]{0,79}\Z", _("Lower-case letters, digits, dots, hyphens and underscores, at most 80."))


class UserManager(BaseUserManager["User"]):
    """Makes users by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a user; without a password the user signs in by another way. Addresses are kept in lower case."""
        if not email:
            msg = "a user needs an e-mail address"
            raise ValueError(msg)
        address = email.strip().lower()
        handle = fields.pop("handle", "") or self.free_handle(address)
        user = self.model(email=address, handle=handle, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def free_handle(self, email: str) -> str:
        """Make a name for records and signatures out of an address, unlike any other's."""
        wanted = "".join(one if one.isascii() and (one.isalnum() or one in "._-") else "-" for one in email.partition("@")[0].lower())
        wanted = wanted.lstrip("._-")[:60] or "user"
        taken = set(self.filter(handle__startswith=wanted).values_list("handle", flat=True))
        return next(one for number in range(1, len(taken) + 2) if (one := wanted if number == 1 else f"{wanted}-{number}") not in taken)


class User(AbstractBaseUser):
    """Somebody who signs in. `handle` is their name in records and signatures: `person:HANDLE`."""

    email = models.EmailField(_("e-mail address"), unique=True, max_length=254)
    handle = models.CharField(_("handle"), max_length=80, unique=True, validators=[_handle])
    name = models.CharField(_("name"), max_length=200, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    external_id = models.CharField(max_length=200, blank=True, db_index=True)
    """The name that an identity provider gives by SCIM."""
    joined_at = models.DateTimeField(auto_now_add=True)
    first_password_until = models.DateTimeField(null=True, blank=True, editable=False)
    """When a password that somebody else made signs in no more; null: it is the user's own."""

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        """How the table is called."""

        verbose_name = _("user")

    def __str__(self) -> str:
        """Give the name, or the address where there is none."""
        return self.name or self.email

    def set_password(self, raw_password: str | None) -> None:
        """Set a password of the user's own."""
        super().set_password(raw_password)
        self.first_password_until = None

    def set_first_password(self, made: str) -> None:
        """Set, and save, a password that somebody else made: it signs in for a while, in which the user changes it."""
        self.set_password(made)
        self.first_password_until = timezone.now() + FIRST_PASSWORD
        self.save(update_fields=["password", "first_password_until"])

    @property
    def person(self) -> str:
        """The user's name in records and signatures."""
        return f"person:{self.handle}"


class Unit(models.Model):
    """A node of the tree of organisations, business units and projects."""

    class Kind(models.TextChoices):
        """What the node is."""

        ORGANIZATION = "organization", _("Organisation")
        BUSINESS_UNIT = "business-unit", _("Business unit")
        PROJECT = "project", _("Project")

    slug = models.CharField(max_length=60, unique=True, validators=[_slug])
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.BUSINESS_UNIT)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")

    def __str__(self) -> str:
        """Give the name."""
        return self.name


class Role(models.Model):
    """A set of permissions under a name."""

    slug = models.CharField(max_length=60, unique=True, validators=[_slug])
    name = models.CharField(max_length=200)
    permissions = models.JSONField(default=list)
    shipped = models.BooleanField(default=False)

    def __str__(self) -> str:
        """Give the name."""
        return self.name


class Grant(models.Model):
    """A role that a user has in a unit, and in all below it."""

    user = models.ForeignKey(User, models.CASCADE, related_name="grants")
    role = models.ForeignKey(Role, models.PROTECT, related_name="grants")
    unit = models.ForeignKey(Unit, models.CASCADE, related_name="grants")
    granted_at = models.DateTimeField(auto_now_add=True)
    granted_by = models.CharField(max_length=120, blank=True)

    class Meta:
        """One grant of a role in a unit is enough."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "role", "unit"], name="grant_once")]

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.user}: {self.role} in {self.unit}"


class ApiToken(models.Model):
    """A token for programs: it may do what its user may, within its scopes. Only its SHA-256 is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, unique=True)
    shown = models.CharField(max_length=20)
    """Its first characters, by which people know it again."""
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        """Give the name."""
        return self.name

    @classmethod
    def issue(cls, user: User, name: str, scopes: Sequence[str], expires_at: datetime) -> tuple[ApiToken, str]:
        """Make a token; its text is given once and kept nowhere."""
        text = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        made = cls.objects.create(
            user=user, name=name, digest=digest_of(text), shown=text[:_SHOWN_DIGITS], scopes=sorted(scopes), expires_at=expires_at
        )
        return made, text


def digest_of(token: str) -> str:
    """Give the digest under which a token is kept: it has 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


class Placement(models.Model):
    """The unit that a record was put into; a record without one belongs where what it is part of belongs."""

    ref = models.CharField(max_length=160, primary_key=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="placements")

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.ref} in {self.unit}"


class AccessEvent(models.Model):
    """A denial, or a reading of something sensitive, or a change of access. Rows are only added."""

    class Kind(models.TextChoices):
        """What happened."""

        DENIED = "denied", _("Denied")
        READ = "read", _("Sensitive reading")
        CHANGED = "changed", _("Access changed")
        SIGNED_IN = "signed-in", _("Signed in")
        FAILED = "sign-in-failed", _("Sign-in failed")

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    actor = models.CharField(max_length=200)
    permission = models.CharField(max_length=60, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, blank=True)
    detail = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.kind} {self.actor} {self.permission} {self.subject}"
