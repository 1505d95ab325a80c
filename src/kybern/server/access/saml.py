"""Sign-in by SAML: allauth's own views, and an answer of ours where what came is no answer of the provider, or the provider is away."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from allauth.account.internal.decorators import login_not_required
from allauth.socialaccount.providers.saml import views
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from lxml.etree import LxmlError
from onelogin.saml2.errors import OneLogin_Saml2_Error
from xmlsec import Error as SignatureError

from kybern.server.pages.door import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

_LOG: Final = logging.getLogger("kybern.identity")
_UNUSABLE: Final = (LxmlError, OneLogin_Saml2_Error, SignatureError, KeyError, ValueError)
"""What a message raises that is not XML, defines entities, or has parts that are none of SAML's."""


def _answered(view: Callable[..., HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    """Answer as a page what a view raises."""

    @csrf_exempt  # the provider's page sends the browser here: what counts is its signature, and that we asked
    @login_not_required  # type: ignore[untyped-decorator]  # allauth is not typed
    def answer(request: HttpRequest, organization_slug: str) -> HttpResponse:
        try:
            return view(request, organization_slug=organization_slug)
        except _UNUSABLE as error:
            status, why = HTTPStatus.BAD_REQUEST, _("What came is no answer of the identity provider that can be used.")
            _LOG.warning("an answer of the identity provider cannot be used: %s", error)
        except OSError as error:
            status, why = (
                HTTPStatus.BAD_GATEWAY,
                _("The identity provider does not answer, or not as it was configured. The server's log says more."),
            )
            _LOG.warning("the identity provider's metadata cannot be had: %s", error)
        return render(request, "sign_in_refused.html.j2", status=status, why=why)

    return cast("Callable[[HttpRequest, str], HttpResponse]", answer)


login: Final = _answered(views.login)
acs: Final = _answered(views.acs)
finish_acs: Final = _answered(views.finish_acs)
sls: Final = _answered(views.sls)
metadata: Final = _answered(views.metadata)
