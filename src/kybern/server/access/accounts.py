"""The account pages of allauth that this server has: what would let people make or move accounts by themselves is shut.

Accounts are made by an administrator, an identity provider or SCIM, and so are their addresses; a lost password is given anew by an
administrator. Nobody's address is proved by a message, so no page may take one on somebody's word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.http import Http404
from django.urls import include, path, re_path

from kybern.server.access import oidc

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

_SHUT: Final = (
    "signup/",
    "email/",
    "confirm-email/",
    "confirm-email/<path:rest>",
    "password/set/",
    "password/reset/",
    "password/reset/<path:rest>",
    "login/code/confirm/",
    "reauthenticate/code/",
    "reauthenticate/code/confirm/",
    "3rdparty/",
    "3rdparty/signup/",
    "social/<path:rest>",
)


def shut(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer that there is nothing here."""
    del request, rest
    raise Http404


def _saml() -> list[URLPattern]:
    """Give the addresses of sign-in by SAML, where a provider is named: its libraries are an extra."""
    if settings.ENVIRONMENT.identity.saml is None:
        return []
    from kybern.server.access import saml

    return [
        path("saml/<str:organization_slug>/login/", saml.login),
        path("saml/<str:organization_slug>/acs/", saml.acs),
        path("saml/<str:organization_slug>/acs/finish/", saml.finish_acs),
        path("saml/<str:organization_slug>/sls/", saml.sls),
        path("saml/<str:organization_slug>/metadata/", saml.metadata),
    ]


urlpatterns: Final = [
    *(path(one, shut) for one in _SHUT),
    *_saml(),
    re_path(r"^oidc/(?P<provider_id>[^/]+)/login/$", oidc.login),
    re_path(r"^oidc/(?P<provider_id>[^/]+)/login/callback/$", oidc.callback),
    path("", include("allauth.urls")),
]
