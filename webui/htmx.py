"""One URL, a page or a partial: the only place that decides which, and the only one that knows htmx's headers.

htmx 4 sends ``HX-Request-Type: partial`` when it will replace a part of the page, ``full`` when the target is the body
or when something is selected from the answer. Back and Forward request the whole page, without ``HX-Request``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render as render_template
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.http import MAX_URL_REDIRECT_LENGTH

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_htmx.middleware import HtmxDetails

# Without these a browser or proxy might show a cached partial as the page.
_VARY = ("HX-Request", "HX-Request-Type")
UNPROCESSABLE = 422


class ConsoleRequest(HttpRequest):
    """A request by a user who is logged in (``console_view`` makes sure of that)."""

    user: User
    htmx: HtmxDetails


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx sent the request, for a part or a page."""
    return bool(_details(request))


def is_partial(request: HttpRequest) -> bool:
    """Whether the answer will replace a part of the page shown by the browser."""
    details = _details(request)
    return details.request_type == "partial" and not details.history_restore_request


def render(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    partial: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Answer with ``template``, or with ``partial`` (which the page includes) if htmx replaces a part."""
    if partial is not None and is_partial(request):
        response = render_template(request, partial, context, status=status)
        response.content += _pending_messages(request).encode()
    else:
        response = render_template(request, template, context, status=status)
    patch_vary_headers(response, _VARY)
    return response


def redirect(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to ``url``. fetch would follow a plain redirect, and htmx would put that page into the part."""
    if is_htmx(request):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return plain_redirect(url)


def plain_redirect(url: str) -> HttpResponse:
    """A redirect that fetch follows, so that the page at ``url`` becomes the part.

    Without its query where that is longer than Django sends: what was done is done, and the page is there.
    """
    if len(url) > MAX_URL_REDIRECT_LENGTH:
        url = url.partition("?")[0]
    return HttpResponseRedirect(url)


def plain_error(message: str, status: int, retry_seconds: int | None = None) -> HttpResponse:
    """An error in answer to a partial: console.js shows its text as a toast and leaves the page as it is."""
    headers = {} if retry_seconds is None else {"Retry-After": str(retry_seconds)}
    return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8", headers=headers)


def _details(request: HttpRequest) -> HtmxDetails:
    return request.htmx  # type: ignore[attr-defined, no-any-return]  # set by HtmxMiddleware


def _pending_messages(request: HttpRequest) -> str:
    """Pending messages as an extra partial for the page's toast region."""
    messages = list(get_messages(request))
    return render_to_string("_toasts_partial.html", {"messages": messages}, request) if messages else ""
