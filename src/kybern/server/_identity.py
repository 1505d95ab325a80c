"""Identity providers, as the environment names them: one by OpenID Connect, one by SAML."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

OIDC: Final = "sso"
"""What the provider is called in addresses: `/accounts/oidc/sso/login/callback/` is what it is told."""

SAML: Final = "sso"
_CLAIMS: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_ATTRIBUTES: Final = {
    "uid": ["urn:oasis:names:tc:SAML:attribute:subject-id", "urn:oasis:names:tc:SAML:attribute:pairwise-id"],
    "email": ["urn:oid:0.9.2342.19200300.100.1.3", "mail", "email", f"{_CLAIMS}/emailaddress"],
    "email_verified": ["email_verified", "http://schemas.auth0.com/email_verified"],
    "first_name": ["urn:oid:2.5.4.42", "givenName", f"{_CLAIMS}/givenname"],
    "last_name": ["urn:oid:2.5.4.4", "sn", f"{_CLAIMS}/surname"],
}
"""The names that providers have for what is asked of a person: SAML's subject identifiers, LDAP's attributes, WS-Federation's claims."""

_TRUTHS: Final = {"": False, "0": False, "1": True}


class IdentityProblem(Exception):  # noqa: N818 - it is told to people as a problem
    """A variable of an identity provider that cannot be used: which, and what would be right."""


@dataclass(frozen=True)
class Oidc:
    """A provider by OpenID Connect."""

    issuer: str
    client_id: str
    secret: str
    name: str


@dataclass(frozen=True)
class Saml:
    """A provider by SAML 2.0, known by its metadata."""

    metadata: str
    entity: str
    name: str


@dataclass(frozen=True)
class Identity:
    """The providers there are, the role that a new user gets (none, if it is empty), and whether unproved addresses are taken."""

    oidc: Oidc | None = None
    saml: Saml | None = None
    role: str = ""
    trust_email: bool = False


def read_identity(said: Mapping[str, str]) -> Identity:
    """Read the variables; raises `IdentityProblem`."""
    trust = said.get("KYBERN_OIDC_TRUST_EMAIL", "")
    if trust not in _TRUTHS:
        msg = f"KYBERN_OIDC_TRUST_EMAIL is {trust!r}: write 1 if every address that the provider gives is proved, else nothing"
        raise IdentityProblem(msg)
    return Identity(_oidc(said), _saml(said), said.get("KYBERN_OIDC_ROLE", "").strip(), _TRUTHS[trust])


def _oidc(said: Mapping[str, str]) -> Oidc | None:
    issuer = said.get("KYBERN_OIDC_ISSUER", "").strip()
    if not issuer:
        return None
    _https("KYBERN_OIDC_ISSUER", issuer)
    client, secret = said.get("KYBERN_OIDC_CLIENT_ID", ""), said.get("KYBERN_OIDC_CLIENT_SECRET", "")
    if not client or not secret:
        msg = "KYBERN_OIDC_ISSUER needs KYBERN_OIDC_CLIENT_ID and KYBERN_OIDC_CLIENT_SECRET: the provider gives them for this application"
        raise IdentityProblem(msg)
    return Oidc(issuer.rstrip("/"), client, secret, said.get("KYBERN_OIDC_NAME", "") or urlsplit(issuer).hostname or "")


def _saml(said: Mapping[str, str]) -> Saml | None:
    metadata = said.get("KYBERN_SAML_METADATA", "").strip()
    if not metadata:
        return None
    _https("KYBERN_SAML_METADATA", metadata)
    if find_spec("onelogin") is None:
        msg = "KYBERN_SAML_METADATA needs the extra saml: pip install 'kybern[saml]'"
        raise IdentityProblem(msg)
    entity = said.get("KYBERN_SAML_ENTITY", "").strip()
    if not entity:
        msg = "KYBERN_SAML_METADATA needs KYBERN_SAML_ENTITY: the entityID in the provider's metadata"
        raise IdentityProblem(msg)
    return Saml(metadata, entity, said.get("KYBERN_SAML_NAME", "") or urlsplit(metadata).hostname or "")


def _https(variable: str, address: str) -> None:
    """Let no identity come over a line that others can write on; this machine's own is none."""
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and _is_here(parts.hostname or ""):
        return
    msg = f"{variable} is {address!r}: write an address that begins with https://"
    raise IdentityProblem(msg)


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def apps_of(identity: Identity) -> list[str]:
    """Name the applications that the settings install besides."""
    return [] if identity.saml is None else ["allauth.socialaccount.providers.saml"]


def providers_of(identity: Identity) -> dict[str, Any]:
    """Write the providers as allauth's settings have them."""
    found: dict[str, Any] = {}
    if (oidc := identity.oidc) is not None:
        app = {"provider_id": OIDC, "name": oidc.name, "client_id": oidc.client_id, "secret": oidc.secret}
        found["openid_connect"] = {"OAUTH_PKCE_ENABLED": True, "APPS": [{**app, "settings": {"server_url": oidc.issuer}}]}
    if (saml := identity.saml) is not None:
        known = {
            "idp": {"entity_id": saml.entity, "metadata_url": saml.metadata},
            "attribute_mapping": _ATTRIBUTES,
            # Whoever starts at the provider brings no request of ours: such an answer could be somebody else's.
            "advanced": {"reject_idp_initiated_sso": True, "want_assertion_signed": True},
        }
        found["saml"] = {"APPS": [{"provider_id": saml.entity, "name": saml.name, "client_id": SAML, "settings": known}]}
    return found
