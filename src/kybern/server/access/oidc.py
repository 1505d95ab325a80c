"""Sign-in by OpenID Connect, stricter than allauth's own: the ID token's signature counts, and it is of the issuer that was configured."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from allauth.account.internal.decorators import login_not_required
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import Http404
from django.utils.translation import gettext as _
from requests import RequestException

from kybern.server.pages.door import render

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


_LOG: Final = logging.getLogger("kybern.identity")


class StrictAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth is not typed
    """Takes an ID token whose signature, issuer, audience and time hold, and user information that is about the same subject."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """Give what the issuer says of itself; an issuer that calls itself otherwise is another."""
        found: dict[str, Any] = super().openid_config
        wanted = self.get_provider().app.settings["server_url"]
        if str(found.get("issuer", "")).rstrip("/") != wanted.rstrip("/"):
            msg = "the provider's configuration is of another issuer"
            raise OAuth2Error(msg)
        return found

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        """Make the sign-in of what the provider says."""
        said = kwargs["response"].get("id_token")
        if not isinstance(said, str):
            msg = "the provider gave no ID token"
            raise OAuth2Error(msg)
        claims = self._decode_id_token(app, said)
        about = self._fetch_user_info(token.token)
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject or not isinstance(about, dict) or about.get("sub") != subject:
            msg = "the user information is about somebody else"
            raise OAuth2Error(msg)
        return self.get_provider().sociallogin_from_response(request, {"userinfo": {**claims, **about}, "id_token": claims})

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        # Signed by a key of the provider's and by nothing else: jwtkit takes the key's own algorithm, so neither `none` nor a
        # public key used as a shared secret passes.
        try:
            found = jwtkit.verify_and_decode(
                credential=id_token,
                keys_url=self.openid_config["jwks_uri"],
                issuer=self.openid_config["issuer"],
                audience=app.client_id,
                lookup_kid=jwtkit.lookup_kid_jwk,
            )
        except (KeyError, ValueError, TypeError) as error:
            msg = "the ID token cannot be read"
            raise OAuth2Error(msg) from error
        return dict(found)


@login_not_required  # type: ignore[untyped-decorator]
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Lead to the provider."""
    return _run(OAuth2LoginView, request, provider_id)


@login_not_required  # type: ignore[untyped-decorator]
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take in who comes back from the provider."""
    return _run(OAuth2CallbackView, request, provider_id)


def _run(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        answer: HttpResponse = view.adapter_view(StrictAdapter(request, provider_id))(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except (OAuth2Error, RequestException, KeyError, ValueError) as error:
        _LOG.warning("the identity provider cannot be used: %s", error)
        why = _("The identity provider does not answer, or not as it was configured. The server's log says more.")
        return render(request, "sign_in_refused.html.j2", status=HTTPStatus.BAD_GATEWAY, why=why)
    return answer
