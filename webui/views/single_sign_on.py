"""The way to the provider of single sign-on, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.providers.openid_connect import views
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import resolve_url
from django.views.decorators.http import require_GET
from requests import RequestException

from webui.single_sign_on import PROVIDER, refuse

type _View = Callable[[HttpRequest, str], HttpResponse]


@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(resolve_url("/"))
    # Nothing else that allauth would read there: it could connect accounts, too.
    asked: Any = QueryDict(mutable=True)
    if "next" in request.GET:
        asked["next"] = request.GET["next"]
    request.GET = asked
    return _guarded(views.login, request)


@require_GET
def finish(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the provider's answer. Its name is one that allauth makes the address with."""
    return _guarded(views.callback, request)


def _guarded(view: _View, request: HttpRequest) -> HttpResponse:
    """The view's answer; back to the log-in if the provider cannot be reached or answers nonsense."""
    try:
        return view(request, PROVIDER)
    except ImmediateHttpResponse as error:
        response: HttpResponse = error.response
    except (RequestException, KeyError, ValueError):
        try:
            refuse(request)
        except ImmediateHttpResponse as error:
            response = error.response
    return response
