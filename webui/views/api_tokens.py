"""The page of the user's API tokens: making and revoking them, and how to use one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils.cache import add_never_cache_headers

from dataengine import access
from dataengine.models import ApiToken
from dataengine.services import tokens
from webui import htmx
from webui.account_forms import TokenForm
from webui.errors import errors_into
from webui.htmx import ConsoleRequest
from webui.sessions import check_session
from webui.snippets import PLACEHOLDER, snippets
from webui.views.view import console_view


@console_view("GET", "POST")
def index(request: ConsoleRequest) -> HttpResponse:
    """List them; make one, which is shown in the answer and never again (so that nothing has to keep it)."""
    tables = list(access.tables_for(request.user).order_by("name"))
    form = TokenForm(request.POST or None, tables=tables)
    made: ApiToken | None = None
    text = PLACEHOLDER
    if request.method == "POST" and form.is_valid():
        with errors_into(form, {"expires_at": "expires"}):
            made, text = tokens.create_token(user=request.user, check=lambda: check_session(request), **form.wanted())
    names = [table.name for table in tables]
    chosen = request.GET.get("table") or next(iter(form.cleaned_data.get("tables", [])) if made else iter(()), "")
    table = chosen if chosen in names else next(iter(names), None)
    held = list(request.user.api_tokens.all())
    known = tokens.table_names(held)
    context = {
        "form": form if made is None else TokenForm(tables=tables),
        "made": made,
        "text": text,
        "tokens": [(each, _names(each, known)) for each in held],
        "names": names,
        "table": table,
        "snippets": snippets(request.build_absolute_uri("/").rstrip("/"), table, text) if table else [],
    }
    response = htmx.render(request, "account/tokens.html", context, status=422 if form.errors else 200)
    add_never_cache_headers(response)
    return response


@console_view("POST")
def revoke(request: ConsoleRequest, pk: int) -> HttpResponse:
    """End one."""
    token = tokens.get_token(request.user, pk)
    tokens.revoke_token(user=request.user, token=token)
    messages.success(request, f"The token “{token.name}” lets nobody in any more.")
    return htmx.redirect(request, resolve_url("account-tokens"))


def _names(token: ApiToken, known: dict[int, str]) -> list[str] | None:
    return None if token.tables is None else sorted(known[pk] for pk in token.tables if pk in known)
