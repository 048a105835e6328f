"""Errors outside of views: in the API's shape under its addresses, as pages elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from dataengine.api import errors as api_errors
from dataengine.exceptions import InvalidInput


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Requests that cannot be served at all, for example for a host that is not ours."""
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    return api_errors.plain_response(InvalidInput("The request cannot be served.", code="bad_request"))


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours outside of views."""
    return api_errors.internal_error() if _is_api(request) else defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
