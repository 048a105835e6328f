"""Errors outside of views: in the API's shape under its addresses, elsewhere as the console's page of errors."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from dataengine.api import errors as api_errors
from dataengine.exceptions import InvalidInput
from webui.errors import error_page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Requests that cannot be served at all, for example for a host that is not ours."""
    if _is_api(request):
        return api_errors.plain_response(InvalidInput("The request cannot be served.", code="bad_request"))
    message = "The address or the form is invalid. Nothing was changed. Go back and try again."
    return error_page(request, 400, message)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page for others, as those of the administrators."""
    return error_page(request, 403, "Your account does not have the right to see this page.")


def form_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the token of this session."""
    message = "Nothing was changed. Go back, reload the page and send the form again."
    return error_page(request, 403, message, title="This page was open too long")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """An address of nothing."""
    return error_page(request, 404, "The address may be wrong, or the page may have been deleted.")


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours outside of views, or PostgreSQL is away."""
    if _is_api(request):
        return api_errors.internal_error()
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        message = "The database does not answer. Nothing was changed; try again in a moment."
        return error_page(request, 503, message)
    message = "The error has been logged. Your last action was not carried out; you can safely try again."
    return error_page(request, 500, message)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
