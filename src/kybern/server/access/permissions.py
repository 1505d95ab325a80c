"""The permissions there are, and the roles that ship as sets of them. A role is data: a user edits it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


class Permission(StrEnum):
    """Something that one may be allowed to do in a unit and all below it."""

    RECORDS_READ = "records.read"
    RECORDS_SENSITIVE = "records.sensitive"
    RECORDS_WRITE = "records.write"
    RECORDS_DELETE = "records.delete"
    EVIDENCE_READ = "evidence.read"
    EVIDENCE_WRITE = "evidence.write"
    EVIDENCE_APPROVE = "evidence.approve"
    ASSESSMENT_READ = "assessment.read"
    RULES_READ = "rules.read"
    RULES_ASK = "rules.ask"
    KEYS_MANAGE = "keys.manage"
    USERS_MANAGE = "users.manage"
    SETTINGS_MANAGE = "settings.manage"
    WEBHOOKS_MANAGE = "webhooks.manage"
    IMPORT_RUN = "import.run"
    TRUST_PUBLISH = "trust.publish"
    AUDIT_READ = "audit.read"

    @property
    def label(self) -> StrPromise:
        """What it allows, in words."""
        return _LABELS[self]


_LABELS: Final[dict[Permission, StrPromise]] = {
    Permission.RECORDS_READ: _("Read records"),
    Permission.RECORDS_SENSITIVE: _("Read sensitive records: people, incidents, concerns"),
    Permission.RECORDS_WRITE: _("Write records"),
    Permission.RECORDS_DELETE: _("Remove records"),
    Permission.EVIDENCE_READ: _("Read evidence"),
    Permission.EVIDENCE_WRITE: _("Take in evidence"),
    Permission.EVIDENCE_APPROVE: _("Approve, with a signature of one's own"),
    Permission.ASSESSMENT_READ: _("See status, gaps and reasons"),
    Permission.RULES_READ: _("Read rules and decisions"),
    Permission.RULES_ASK: _("Ask the rules for a decision"),
    Permission.KEYS_MANAGE: _("Trust and revoke keys"),
    Permission.USERS_MANAGE: _("Manage users, units, roles and grants"),
    Permission.SETTINGS_MANAGE: _("Change settings"),
    Permission.WEBHOOKS_MANAGE: _("Manage webhooks"),
    Permission.IMPORT_RUN: _("Import records and evidence"),
    Permission.TRUST_PUBLISH: _("Publish the trust page"),
    Permission.AUDIT_READ: _("Read the access log"),
}

SENSITIVE_KINDS: Final = frozenset(("person", "incident", "concern"))
"""Kinds of records whose reading is logged and needs a permission of its own."""


@dataclass(frozen=True)
class ShippedRole:
    """A role as it ships."""

    slug: str
    name: StrPromise
    permissions: frozenset[Permission]


_READ: Final = frozenset((Permission.RECORDS_READ, Permission.EVIDENCE_READ, Permission.ASSESSMENT_READ, Permission.RULES_READ))
_WRITE: Final = _READ | {Permission.RECORDS_WRITE, Permission.EVIDENCE_WRITE, Permission.RULES_ASK}
_LEAD: Final = _WRITE | {
    Permission.RECORDS_SENSITIVE,
    Permission.RECORDS_DELETE,
    Permission.EVIDENCE_APPROVE,
    Permission.IMPORT_RUN,
    Permission.TRUST_PUBLISH,
    Permission.SETTINGS_MANAGE,
    Permission.KEYS_MANAGE,
}

SHIPPED_ROLES: Final = (
    ShippedRole("administrator", _("Administrator"), frozenset(Permission)),
    ShippedRole("governance-lead", _("Governance lead"), _LEAD),
    ShippedRole("risk-owner", _("Risk owner"), _WRITE | {Permission.EVIDENCE_APPROVE, Permission.RECORDS_SENSITIVE}),
    ShippedRole("system-owner", _("System owner"), _WRITE | {Permission.EVIDENCE_APPROVE}),
    ShippedRole("engineer", _("Engineer"), _WRITE),
    ShippedRole("executive", _("Executive"), _READ | {Permission.EVIDENCE_APPROVE, Permission.RECORDS_SENSITIVE}),
    ShippedRole(
        "internal-auditor",
        _("Internal auditor"),
        _READ | {Permission.RECORDS_SENSITIVE, Permission.EVIDENCE_APPROVE, Permission.AUDIT_READ},
    ),
    ShippedRole("external-auditor", _("External auditor"), _READ | {Permission.RECORDS_SENSITIVE}),
    ShippedRole("viewer", _("Viewer"), frozenset((Permission.RECORDS_READ, Permission.ASSESSMENT_READ))),
)
