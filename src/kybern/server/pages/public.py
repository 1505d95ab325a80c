"""What everybody may read is answered before a session is looked for: no cookie is read or set, and any cache may keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.http import Http404
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

_ADDRESSES: Final = ("/trust", "/trust.json")
_BELOW: Final = "/trust/"


class PublicPages:
    """Answers the trust page; where nothing is published, the request goes on and finds nothing, as any other."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before sessions."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        if request.path not in _ADDRESSES and not request.path.startswith(_BELOW):
            return self._next(request)
        try:
            match = resolve(request.path_info)
            with translation.override(language_of(request.headers.get("Accept-Language", ""))):
                answer: HttpResponse = match.func(request, *match.args, **match.kwargs)
        except (Http404, Resolver404):
            return self._next(request)
        request.resolver_match = match
        return answer


def language_of(header: str) -> str:
    """Choose the language by the browser's header alone."""
    for code, _weight in parse_accept_lang_header(header):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE
