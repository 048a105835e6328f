"""What every view of the console shares: who may call it, and how unhandled errors are shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from dataengine.exceptions import DataEngineError
from webui import htmx
from webui.errors import error_response, meanwhile, not_allowed
from webui.htmx import ConsoleRequest

type View[**P] = Callable[Concatenate[ConsoleRequest, P], HttpResponseBase]
type DjangoView[**P] = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def console_view[**P](*methods: str) -> Callable[[View[P]], DjangoView[P]]:
    """Make a view for users who are logged in, with the given HTTP methods. Errors of dataengine become pages."""

    def decorate(view: View[P]) -> DjangoView[P]:
        @wraps(view)
        def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
                return not_allowed(request, methods)
            if not request.user.is_authenticated:
                return _to_login(request)
            try:
                with meanwhile():
                    return view(cast("ConsoleRequest", request), *args, **kwargs)
            except DataEngineError as error:
                return error_response(request, error)

        return wrapper

    return decorate


def _to_login(request: HttpRequest) -> HttpResponse:
    if not htmx.is_htmx(request) and request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
    # After log-in return to the page from which a form or partial was sent, not to its own address.
    current = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "/")
    login = redirect_to_login(current.path + (f"?{current.query}" if current.query else ""), settings.LOGIN_URL)
    return htmx.redirect(request, login["Location"])
