"""The sharing of a table: who may do what, for everybody who sees it; its owners change that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import resolve_url
from django.utils import timezone

from dataengine import access
from dataengine.access import RIGHTS
from dataengine.exceptions import InvalidInput, NotFound
from dataengine.models import Table
from dataengine.models.public_links import MAX_LINK_NAME
from dataengine.services import public_links
from dataengine.services import sharing as services
from dataengine.services.layouts import layout_of
from dataengine.services.sharing import KINDS, Kind
from webui import htmx
from webui.errors import errors_into
from webui.forms import Styled
from webui.grid.filters import of_list
from webui.htmx import ConsoleRequest
from webui.numbers import is_number
from webui.views.view import console_view

ROLES: Mapping[str, tuple[str, str]] = {
    "view": ("Viewer", "sees the records"),
    "edit": ("Editor", "also changes records and imports"),
    "design": ("Designer", "also changes the columns"),
    "own": ("Owner", "also shares and deletes the table"),
}
"""By right: what somebody is who has it, and what that means."""
_CHOICES = [(right, f"{ROLES[right][0]}: {ROLES[right][1]}") for right in RIGHTS]
_GROUP = " (group)"


class _NameInput(forms.TextInput):
    """A name with suggestions, which a script fetches while one types."""

    def __init__(self, url: str, found: str) -> None:
        searching = {"hx-get": url, "hx-target": f"#{found}", "hx-swap": "innerHTML", "hx-sync": "this:replace"}
        super().__init__({"autocomplete": "off", "list": found, "hx-trigger": "input delay:200ms", **searching})


class ShareForm(Styled, forms.Form):
    """Who is to get which right."""

    name = forms.CharField(label="Person or group", max_length=200, help_text="A user name, or the name of a group.")
    right = forms.ChoiceField(label="Right", choices=_CHOICES)

    def __init__(self, url: str, data: Any = None) -> None:
        super().__init__(data)
        self.fields["name"].widget = _NameInput(url, "share-found")
        self.fields["name"].widget.attrs["class"] = "form-control"


class HandOverForm(Styled, forms.Form):
    """Who is to own the table."""

    owner = forms.CharField(label="New owner", max_length=200, help_text="A user name. You keep the right of an owner.")

    def __init__(self, url: str, data: Any = None) -> None:
        super().__init__(data, prefix="new")
        self.fields["owner"].widget = _NameInput(f"{url}?users", "owner-found")
        self.fields["owner"].widget.attrs["class"] = "form-control"


@console_view("GET", "POST")
def index(request: ConsoleRequest, name: str) -> HttpResponse:
    """Show with whom the table is shared; change that."""
    table = access.get_table(request.user, name, "own" if request.method == "POST" else "view")
    url = resolve_url("console:sharing-found", table.name)
    do = request.POST.get("do")
    share = ShareForm(url, request.POST if do == "share" else None)
    hand_over = HandOverForm(url, request.POST if do == "hand-over" else None)
    if request.method == "POST":
        done = _done(request, table, share, hand_over)
        if done is not None:
            return done
    context = {
        "section": "tables", "table": table, "sharing": services.sharing_of(table), "choices": _CHOICES,
        "share": share, "hand_over": hand_over,
        "rights": access.rights_of(request.user, table), "has_links": settings.PUBLIC_LINKS,
        "grid": _grid_query(request, table),
    }  # fmt: skip
    return htmx.render(request, "tables/sharing.html", context, status=422 if share.errors or hand_over.errors else 200)


@console_view("GET")
def found(request: ConsoleRequest, name: str) -> HttpResponse:
    """Suggestions for a name, which is sent under the input's own name."""
    access.get_table(request.user, name, "own")
    text = next((request.GET.get(key, "") for key in request.GET if key != "users"), "")
    named = services.suggestions(text)
    texts = [
        name if kind == "user" else name + _GROUP
        for kind, name in named
        if kind == "user" or "users" not in request.GET
    ]
    return htmx.render(request, "records/_found.html", {"found": texts})


def _grid_query(request: ConsoleRequest, table: Table) -> str:
    """The filters and order of the table's page, if the user comes from there: what a public link would show."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    return came_from.query if came_from.path == resolve_url("console:records", table.name) else ""


class LinkForm(Styled, forms.Form):
    """What a new public link is called and how long it shows something."""

    name = forms.CharField(label="Title", max_length=MAX_LINK_NAME, help_text="What people see above the records.")
    days = forms.IntegerField(label="Days", min_value=1, max_value=public_links.MAX_DAYS, initial=7)


@console_view("GET", "POST")
def links(request: ConsoleRequest, name: str) -> HttpResponse:
    """The public links of a table. A new one shows the columns that the user has now, and what ``query`` selects."""
    table = access.get_table(request.user, name, "own")
    if not settings.PUBLIC_LINKS:
        raise NotFound("This installation allows no public links.")
    do, made = request.POST.get("do"), ""
    query = (request.POST if request.method == "POST" else request.GET).get("query", "")
    query = of_list(QueryDict(query)).urlencode()
    form = LinkForm(request.POST if do == "make" else None)
    if do == "make" and form.is_valid():
        columns = layout_of(request.user, table, table.all_columns()).shown
        asked = form.cleaned_data
        with errors_into(form):
            _, secret = public_links.make(user=request.user, table=table, query=query, columns=columns, **asked)
            made = request.build_absolute_uri(resolve_url("console:public", secret))
            form = LinkForm()
    if do == "revoke":
        number = request.POST.get("link", "")
        public_links.revoke(user=request.user, table=table, pk=int(number) if is_number(number) else 0)
        messages.success(request, "The link shows nothing any more.")
        return htmx.redirect(request, resolve_url("console:links", table.name))
    context = {
        "section": "tables", "table": table, "form": form, "made": made, "query": query, "now": timezone.now(),
        "links": table.public_links.select_related("user"),
    }  # fmt: skip
    return htmx.render(request, "tables/links.html", context, status=422 if form.errors else 200)


def _done(request: ConsoleRequest, table: Table, share: ShareForm, hand_over: HandOverForm) -> HttpResponse | None:
    """Do what a form asks for, and lead back; None if it is not valid."""
    kind, who = request.POST.get("kind", ""), request.POST.get("who", "")
    user = request.user
    match request.POST.get("do"):
        case "share":
            if not share.is_valid():
                return None
            of, called = _named(share.cleaned_data["name"])
            right = share.cleaned_data["right"]
            with errors_into(share, names=dict.fromkeys(KINDS, "name")):
                services.give(user=user, table=table, kind=of, name=called, right=right)
            return None if share.errors else _told(request, table, _has_now(called, right))
        case "hand-over":
            if not hand_over.is_valid():
                return None
            called = hand_over.cleaned_data["owner"]
            with errors_into(hand_over):
                services.hand_over(user=user, table=table, name=called)
            return None if hand_over.errors else _told(request, table, f"{called} owns the table from now on.")
        case "remove" if kind in KINDS:
            services.take(user=user, table=table, kind=kind, name=who)
            return _told(request, table, f"{who} has no right to the table any more.")
        case "change" if kind in KINDS:
            right = request.POST.get("right", "")
            give: Callable[..., Any] = services.give
            try:
                give(user=user, table=table, kind=kind, name=who, right=right)
            except InvalidInput as error:
                messages.error(request, error.message)
                return htmx.redirect(request, resolve_url("console:sharing", table.name))
            return _told(request, table, _has_now(who, right))
        case _:
            return htmx.redirect(request, resolve_url("console:sharing", table.name))


def _has_now(who: str, right: str) -> str:
    return f"{who}: {ROLES[right][0].lower()} from now on."


def _named(text: str) -> tuple[Kind, str]:
    """Who is meant: ``sales (group)`` as suggestions write it, else a user, else a group of that name."""
    if text.endswith(_GROUP):
        return "group", text.removesuffix(_GROUP)
    is_group = not services.exists("user", text) and services.exists("group", text)
    return ("group" if is_group else "user"), text


def _told(request: ConsoleRequest, table: Table, text: str) -> HttpResponse:
    """Say it, and show the page again, unless the user has just lost the right to see it."""
    messages.success(request, text)
    fresh = access.tables_for(request.user).filter(pk=table.pk).exists()
    return htmx.redirect(
        request, resolve_url("console:sharing", table.name) if fresh else resolve_url("console:tables")
    )
