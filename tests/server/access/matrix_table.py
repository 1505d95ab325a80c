"""Who may open what: one line for each route, under the module that has it. It is written by hand, for it is the test's own opinion.

A new route needs a line here: `Line("address/<str:name>", "permission", name="an example")`. Under a module of the API each
operation has its line with its method.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

ROLES: Final[dict[str, frozenset[str]]] = {
    "administrator": frozenset((
        "records.read", "records.sensitive", "records.write", "records.delete", "evidence.read", "evidence.write", "evidence.approve",
        "assessment.read", "rules.read", "rules.ask", "keys.manage", "users.manage", "settings.manage", "webhooks.manage", "import.run",
        "trust.publish", "audit.read",
    )),
    "governance-lead": frozenset((
        "records.read", "records.sensitive", "records.write", "records.delete", "evidence.read", "evidence.write", "evidence.approve",
        "assessment.read", "rules.read", "rules.ask", "keys.manage", "settings.manage", "import.run", "trust.publish",
    )),
    "risk-owner": frozenset((
        "records.read", "records.sensitive", "records.write", "evidence.read", "evidence.write", "evidence.approve",
        "assessment.read", "rules.read", "rules.ask",
    )),
    "system-owner": frozenset((
        "records.read", "records.write", "evidence.read", "evidence.write", "evidence.approve", "assessment.read", "rules.read",
        "rules.ask",
    )),
    "engineer": frozenset((
        "records.read", "records.write", "evidence.read", "evidence.write", "assessment.read", "rules.read", "rules.ask",
    )),
    "executive": frozenset((
        "records.read", "records.sensitive", "evidence.read", "evidence.approve", "assessment.read", "rules.read",
    )),
    "internal-auditor": frozenset((
        "records.read", "records.sensitive", "evidence.read", "evidence.approve", "assessment.read", "rules.read", "audit.read",
    )),
    "external-auditor": frozenset(("records.read", "records.sensitive", "evidence.read", "assessment.read", "rules.read")),
    "viewer": frozenset(("records.read", "assessment.read")),
    "stranger": frozenset(),
}  # fmt: skip
"""What each role that ships may do; `stranger` is a user without a grant."""

PUBLIC: Final = "public"
SIGNED_IN: Final = "signed-in"


@dataclass(frozen=True)
class Line:
    """What a route needs. `whole`: for the whole organisation, not in a unit only. `methods`: those it takes besides HEAD.

    `posts`: what a POST needs, where that is more; `also`: further permissions that it asks for by itself.
    """

    route: str
    needs: str
    methods: tuple[str, ...] = ("GET",)
    whole: bool = False
    posts: str = ""
    also: tuple[str, ...] = ()
    examples: dict[str, str] = field(default_factory=dict)

    def address(self) -> str:
        """Give an address of the route, each parameter filled with its example."""
        steps = []
        for step in self.route.split("/"):
            begin, found, rest = step.partition("<")
            name, _, end = rest.partition(">")
            steps.append(f"{begin}{self._example(name.rpartition(':')[2])}{end}" if found else step)
        return "/" + "/".join(steps)

    def _example(self, name: str) -> str:
        return self.examples.get(name) or EXAMPLES[name]


BOTH: Final = ("GET", "POST")
DIGEST: Final = "0" * 64
EXAMPLES: Final = {
    "kind": "ai_system",
    "identity": "hiring-screener",
    "number": "1",
    "name": "EU_AI_ACT",
    "ref": "ISO27001:4.1",
    "source": "EU_AI_ACT",
    "target": "ISO42001",
    "uid": "nothing",
}
"""What fills the parameters of a route whose line says nothing else."""

EVIDENCE: Final = {"identity": DIGEST}

PAGES: Final[dict[str, tuple[Line, ...]]] = {
    "kybern.server.health": (
        Line("health/live", PUBLIC),
        Line("health/ready", PUBLIC),
    ),
    "kybern.server.pages.approvals": (Line("approvals", "records.read", BOTH, posts="evidence.approve"),),
    "kybern.server.pages.calendar": (
        Line("calendar", "assessment.read"),
        Line("calendar.ics", "assessment.read"),
    ),
    "kybern.server.pages.controls": (
        Line("controls", "assessment.read", whole=True),
        Line("controls/<str:identity>", "assessment.read", whole=True, examples={"identity": "AGT-01"}),
    ),
    "kybern.server.pages.crosswalk": (
        Line("crosswalk", "assessment.read", whole=True),
        Line("crosswalk.csv", "assessment.read", whole=True),
    ),
    "kybern.server.pages.editor": (
        Line("records/<str:kind>/new", "records.write", BOTH),
        Line("records/<str:kind>/<str:identity>/edit", "records.write", BOTH),
        Line("records/<str:kind>/<str:identity>/remove", "records.delete", BOTH),
    ),
    "kybern.server.pages.evidence": (
        Line("evidence", "evidence.read"),
        Line("evidence/upload", "evidence.write", BOTH),
        Line("evidence/<str:identity>", "evidence.read", examples=EVIDENCE),
        Line("evidence/<str:identity>/envelope", "evidence.read", examples=EVIDENCE),
        Line("evidence/<str:identity>/proof", "evidence.read", examples=EVIDENCE),
        Line("evidence/<str:identity>/keys", "evidence.read", examples=EVIDENCE),
    ),
    "kybern.server.pages.gaps": (
        Line("gaps", "assessment.read", whole=True),
        Line("gaps.csv", "assessment.read", whole=True),
    ),
    "kybern.server.pages.history": (
        Line("records/<str:kind>/<str:identity>/history", "records.read", BOTH, posts="records.write"),
    ),
    "kybern.server.pages.home": (Line("", SIGNED_IN),),
    "kybern.server.pages.imports": (
        Line("import", "import.run", BOTH),
        Line("import/<int:number>/", "import.run", BOTH),
    ),
    "kybern.server.pages.palette": (Line("palette", SIGNED_IN),),
    "kybern.server.pages.readiness": (
        Line("readiness", "assessment.read", whole=True),
        Line("readiness/trend", "assessment.read", whole=True),
        Line("readiness/<str:name>", "assessment.read", whole=True),
    ),
    "kybern.server.pages.record": (Line("records/<str:kind>/<str:identity>", "records.read"),),
    "kybern.server.pages.records": (
        Line("records/", "records.read"),
        Line("records/<str:kind>/", "records.read"),
    ),
    "kybern.server.pages.requirements": (Line("requirements/<str:ref>", "assessment.read", whole=True),),
    "kybern.server.pages.risks": (Line("risks", "records.read"), Line("risks/losses", "records.read")),
    "kybern.server.pages.rules": (
        Line("rules", "rules.read"),
        Line("rules/<str:name>", "rules.read", BOTH, posts="rules.ask", examples={"name": "system-without-owner"}),
        Line("rules/<str:name>/analysis", "rules.read", examples={"name": "system-without-owner"}),
    ),
    "kybern.server.pages.trace": (
        Line("trace", "assessment.read"),
        Line("trace/<path:ref>", "assessment.read", examples={"ref": "GOV-08"}),
    ),
    "kybern.server.pages.trust": (
        Line("trust", PUBLIC),
        Line("trust.json", PUBLIC),
        Line("trust/<str:name>", PUBLIC, examples={"name": "log.vkey"}),
        Line("trust/statement/<str:name>", PUBLIC, examples={"name": "ISO42001.json"}),
        Line("settings/trust", "trust.publish", BOTH, whole=True),
    ),
    "kybern.server.pages.sample": (Line("settings/sample", "settings.manage", BOTH, whole=True),),
    "kybern.server.pages.settings_pages": (
        Line("settings", SIGNED_IN),
        Line("settings/profile", SIGNED_IN, BOTH),
        Line("settings/tokens", SIGNED_IN, BOTH),
        Line("settings/users", "users.manage", BOTH),
        Line("settings/users/<str:number>", "users.manage", BOTH),
        Line("settings/units", "users.manage", BOTH),
        Line("settings/roles", "users.manage", BOTH, whole=True),
        Line("settings/keys", "keys.manage", BOTH, whole=True),
        Line("settings/frameworks", "settings.manage", BOTH, whole=True),
        Line("settings/access-log", "audit.read", whole=True),
        Line("settings/verify", SIGNED_IN),
    ),
    "kybern.server.pages.soa": (
        Line("soa", "records.read", whole=True),
        Line("soa.csv", "records.read", whole=True),
        Line("soa/<str:identity>", "records.read", BOTH, whole=True, also=("records.write",), examples={"identity": "A.2.2"}),
    ),
    "kybern.server.pages.suggest": (Line("records/suggest", "records.read"),),
    "kybern.server.pages.systems": (
        Line("systems", "records.read"),
        Line("systems/<str:identity>", "records.read"),
    ),
    "kybern.server.pages.webhooks": (
        Line("settings/webhooks", "webhooks.manage", BOTH),
        Line("settings/webhooks/<str:uid>", "webhooks.manage", BOTH),
    ),
}  # fmt: skip
"""The pages; each module's `ROUTES` and no others."""

_RECORD: Final = "api/v1/records/<kind>/<identity>"

_USER: Final = {"handle": "viewer"}
_UNIT: Final = {"slug": "lending"}
_ROLE: Final = {"slug": "viewer"}
_KEY: Final = {"keyid": DIGEST}

API: Final[dict[str, tuple[Line, ...]]] = {
    "kybern.server.api.access": (
        Line("api/v1/users", "users.manage", ("GET",)),
        Line("api/v1/users", "users.manage", ("POST",)),
        Line("api/v1/users/<handle>", "users.manage", ("GET",), examples=_USER),
        Line("api/v1/users/<handle>:deactivate", "users.manage", ("POST",), examples=_USER),
        Line("api/v1/users/<handle>:activate", "users.manage", ("POST",), examples=_USER),
        Line("api/v1/users/<handle>/grants", "users.manage", ("POST",), examples=_USER),
        Line("api/v1/users/<handle>/grants/<number>", "users.manage", ("DELETE",), examples=_USER),
        Line("api/v1/units", SIGNED_IN, ("GET",)),
        Line("api/v1/units", "users.manage", ("POST",)),
        Line("api/v1/units/<slug>", "users.manage", ("PATCH",), examples=_UNIT),
        Line("api/v1/units/<slug>", "users.manage", ("DELETE",), examples=_UNIT),
        Line("api/v1/units/<slug>/records", "users.manage", ("POST",), examples=_UNIT),
        Line("api/v1/roles", "users.manage", ("GET",)),
        Line("api/v1/roles/<slug>", "users.manage", ("PATCH",), examples=_ROLE),
        Line("api/v1/roles/<slug>:reset", "users.manage", ("POST",), examples=_ROLE),
        Line("api/v1/access-log", "audit.read", ("GET",), whole=True),
    ),
    "kybern.server.api.assessment": (
        Line("api/v1/assessment", "assessment.read", ("GET",), whole=True),
        Line("api/v1/requirements", "assessment.read", ("GET",), whole=True),
        Line("api/v1/requirements/<path:ref>", "assessment.read", ("GET",), whole=True),
        Line("api/v1/gaps", "assessment.read", ("GET",), whole=True),
        Line("api/v1/systems/<identity>/assessment", "assessment.read", ("GET",)),
        Line("api/v1/controls/<identity>/assessment", "assessment.read", ("GET",), whole=True, examples={"identity": "AGT-01"}),
    ),
    "kybern.server.api.catalog": (
        Line("api/v1/frameworks", "records.read", ("GET",)),
        Line("api/v1/frameworks/<identity>", "records.read", ("GET",)),
        Line("api/v1/controls", "records.read", ("GET",)),
        Line("api/v1/controls/<identity>", "records.read", ("GET",)),
        Line("api/v1/crosswalks", "records.read", ("GET",)),
        Line("api/v1/crosswalks/<source>/<target>", "records.read", ("GET",)),
    ),
    "kybern.server.api.events": (Line("api/v1/events", "records.read", ("GET",)),),
    "kybern.server.api.evidence": (
        Line("api/v1/evidence", "evidence.read", ("GET",)),
        Line("api/v1/evidence:batch", "evidence.write", ("POST",)),
        Line("api/v1/evidence/<identity>", "evidence.read", ("GET",), examples=EVIDENCE),
        Line("api/v1/evidence/<identity>/envelope", "evidence.read", ("GET",), examples=EVIDENCE),
        Line("api/v1/evidence/<identity>/proof", "evidence.read", ("GET",), examples=EVIDENCE),
    ),
    "kybern.server.api.log": (
        Line("api/v1/log/size", SIGNED_IN, ("GET",)),
        Line("api/v1/log/checkpoint", SIGNED_IN, ("GET",)),
        Line("api/v1/log/entries", "evidence.read", ("GET",), whole=True, also=("records.sensitive",)),
        Line("api/v1/keys", "evidence.read", ("GET",)),
        Line("api/v1/keys", "keys.manage", ("POST",)),
        Line("api/v1/keys/<keyid>:revoke", "keys.manage", ("POST",), examples=_KEY),
    ),
    "kybern.server.api.me": (
        Line("api/v1/me", SIGNED_IN, ("GET",)),
        Line("api/v1/tokens", SIGNED_IN, ("GET",)),
        Line("api/v1/tokens", SIGNED_IN, ("POST",)),
        Line("api/v1/tokens/<number>:revoke", SIGNED_IN, ("POST",), examples={"number": "999999999"}),
    ),
    "kybern.server.api.obligations": (
        Line("api/v1/obligations", "assessment.read", ("GET",), whole=True),
        Line("api/v1/trace/<path:ref>", "assessment.read", ("GET",), whole=True),
    ),
    "kybern.server.api.records": (
        Line("api/v1/kinds", "records.read", ("GET",)),
        Line("api/v1/kinds/<kind>/schema", "records.read", ("GET",)),
        Line("api/v1/records", "records.read", ("GET",)),
        Line(_RECORD, "records.read", ("GET",)),
        Line(_RECORD, "records.write", ("PUT",)),
        Line(_RECORD, "records.write", ("PATCH",)),
        Line(_RECORD, "records.delete", ("DELETE",)),
        Line("api/v1/records:bulk", "records.write", ("POST",)),
    ),
    "kybern.server.api.rules": (
        Line("api/v1/rules", "rules.read", ("GET",)),
        Line("api/v1/rules:decide", "rules.ask", ("POST",)),
    ),
    "kybern.server.api.webhooks": (
        Line("api/v1/webhooks", "webhooks.manage", ("GET",)),
        Line("api/v1/webhooks", "webhooks.manage", ("POST",)),
        Line("api/v1/webhooks/<uid>", "webhooks.manage", ("GET",)),
        Line("api/v1/webhooks/<uid>", "webhooks.manage", ("PATCH",)),
        Line("api/v1/webhooks/<uid>", "webhooks.manage", ("DELETE",)),
        Line("api/v1/webhooks/<uid>/secret", "webhooks.manage", ("POST",)),
        Line("api/v1/webhooks/<uid>/test", "webhooks.manage", ("POST",)),
        Line("api/v1/webhooks/<uid>/deliveries", "webhooks.manage", ("GET",)),
    ),
}
"""The operations of the API, each with its method."""

OWN: Final = "own"
CLOSED: Final = "closed"

ACCOUNTS: Final[dict[str, str]] = {
    "accounts/login/": PUBLIC,
    "accounts/logout/": PUBLIC,
    "accounts/inactive/": PUBLIC,
    "accounts/reauthenticate/": OWN,
    "accounts/password/change/": OWN,
    "accounts/2fa/": OWN,
    "accounts/2fa/authenticate/": PUBLIC,
    "accounts/2fa/reauthenticate/": OWN,
    "accounts/2fa/totp/activate/": OWN,
    "accounts/2fa/totp/deactivate/": OWN,
    "accounts/2fa/recovery-codes/": OWN,
    "accounts/2fa/recovery-codes/generate/": OWN,
    "accounts/2fa/recovery-codes/download/": OWN,
    "accounts/2fa/webauthn/": OWN,
    "accounts/2fa/webauthn/add/": OWN,
    "accounts/2fa/webauthn/reauthenticate/": OWN,
    "accounts/2fa/webauthn/keys/<int:pk>/remove/": OWN,
    "accounts/2fa/webauthn/keys/<int:pk>/edit/": OWN,
    "accounts/2fa/webauthn/login/": PUBLIC,
    "accounts/3rdparty/login/cancelled/": PUBLIC,
    "accounts/3rdparty/login/error/": PUBLIC,
    "accounts/oidc/<provider_id>/login/": PUBLIC,
    "accounts/oidc/<provider_id>/login/callback/": PUBLIC,
    "accounts/sessions/": OWN,
}
"""The account pages that are let through: for anybody (`public`), or about the reader's own account (`own`)."""

SCIM: Final[dict[str, tuple[str, ...]]] = {
    "scim/v2/ServiceProviderConfig": ("GET",),
    "scim/v2/ResourceTypes": ("GET",),
    "scim/v2/ResourceTypes/<str:name>": ("GET",),
    "scim/v2/Schemas": ("GET",),
    "scim/v2/Schemas/<str:name>": ("GET",),
    "scim/v2/Users": ("GET", "POST"),
    "scim/v2/Users/<str:number>": ("GET", "PUT", "PATCH", "DELETE"),
    "scim/v2/Groups": ("GET", "POST"),
    "scim/v2/Groups/<str:slug>": ("GET", "PUT", "PATCH"),
}
"""SCIM, by route and methods: all of it needs a token, and `users.manage` for the whole organisation."""

OTHERS: Final[dict[str, str]] = {
    "api/v1/openapi.json": PUBLIC,
    "api/v1/": PUBLIC,
    "i18n/setlang/": PUBLIC,
    "events": SIGNED_IN,
    "metrics": "settings.manage",
}
"""What is neither a page of a module nor an operation; `/metrics` is also open to this machine."""
