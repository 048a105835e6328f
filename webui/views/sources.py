"""The sources of a table: files at addresses that are imported by a schedule."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse

from dataengine import access, outgoing
from dataengine.exceptions import Conflict, InvalidInput, NotFound
from dataengine.models import Source, Table
from dataengine.services import sources
from webui import htmx
from webui.errors import errors_into
from webui.forms import Styled
from webui.htmx import ConsoleRequest
from webui.views.view import console_view

_TIMES = (
    ("@hourly", "Every hour"),
    ("0 6 * * *", "Every day at 6:00"),
    ("0 6 * * 1-5", "Monday to Friday at 6:00"),
    ("0 6 * * 1", "Every Monday at 6:00"),
    ("0 6 1 * *", "On the first of every month at 6:00"),
)
_OTHER = "other"
_MOST_DIGITS = 18
_DOINGS = ("run", "pause", "resume", "delete")


class SourceForm(Styled, forms.Form):
    """Where the file is, when it is imported and how."""

    # Text, so that the service, which knows more about it, says what is wrong.
    url = forms.CharField(
        label="Address", max_length=2000,
        widget=forms.TextInput({"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text="https://, or s3:// in a bucket that this installation reads.",
    )  # fmt: skip
    when = forms.ChoiceField(label="When", choices=[*_TIMES, (_OTHER, "At other times")], initial=_TIMES[1][0])
    cron = forms.CharField(
        label="Other times", required=False, max_length=100,
        help_text="Minute, hour, day, month and day of the week, as in “30 7 * * 1-5”.",
    )  # fmt: skip
    time_zone = forms.ChoiceField(label="Time zone", initial="UTC")
    recipe = forms.ChoiceField(label="Recipe", required=False, help_text="How the file is imported.")

    def __init__(self, table: Table, data: object = None) -> None:
        super().__init__(data)
        zones = self.fields["time_zone"]
        assert isinstance(zones, forms.ChoiceField)
        zones.choices = [(name, name) for name in sorted(available_timezones())]
        recipes = self.fields["recipe"]
        assert isinstance(recipes, forms.ChoiceField)
        recipes.choices = [("", "None: add all rows"), *((one.name, one.name) for one in table.recipes.all())]

    def given(self) -> dict[str, Any]:
        """The arguments of the service."""
        said = self.cleaned_data
        return {
            "url": said["url"],
            "cron": said["cron"] if said["when"] == _OTHER else said["when"],
            "time_zone": said["time_zone"],
            "options": {"recipe": said["recipe"]} if said["recipe"] else {},
        }


@console_view("GET", "POST")
def index(request: ConsoleRequest, name: str) -> HttpResponse:
    """List them; add one; run, pause, resume or delete one."""
    table = access.get_table(request.user, name, "edit")
    is_new = request.method == "POST" and request.POST.get("do") not in _DOINGS
    form = SourceForm(table, request.POST if is_new else None)
    if form.is_bound and form.is_valid():
        with errors_into(form, {"options": "recipe"}):
            sources.create_source(user=request.user, table=table, **form.given())
            messages.success(request, "The source is added.")
            return htmx.redirect(request, request.path)
    elif request.method == "POST" and not form.is_bound:
        _change(request, _chosen(table, request.POST.get("source", "")))
        return htmx.redirect(request, request.path)
    found = table.sources.select_related("user", "importing", "last_import")
    context = {
        "section": "tables", "table": table, "form": form, "may_add": settings.REMOTE_SOURCES,
        "sources": [_shown(source) for source in found],
        "is_running": any(source.is_running for source in found),
    }  # fmt: skip
    status = 422 if form.errors else 200
    return htmx.render(request, "sources/index.html", context, partial="sources/_list.html", status=status)


def _shown(source: Source) -> dict[str, object]:
    return {
        "it": source,
        "address": outgoing.masked(source.url),
        "when": dict(_TIMES).get(source.cron, source.cron),
        "job": source.importing or source.last_import,
    }


def _chosen(table: Table, text: str) -> Source:
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise NotFound("There is no such source.")
    return sources.get_source(table, int(text))


def _change(request: ConsoleRequest, source: Source) -> None:
    with _said(request):
        match request.POST.get("do"):
            case "run":
                sources.run_now(user=request.user, source=source)
                messages.success(request, "It runs within seconds.")
            case "pause":
                sources.update_source(user=request.user, source=source, is_paused=True)
                messages.success(request, "The source is paused.")
            case "resume":
                sources.update_source(user=request.user, source=source, is_paused=False)
                messages.success(request, "The source is resumed, with your rights.")
            case "delete":
                sources.delete_source(user=request.user, source=source)
                messages.success(request, "The source is deleted. What it imported stays.")


@contextmanager
def _said(request: ConsoleRequest) -> Iterator[None]:
    try:
        yield
    except (Conflict, InvalidInput) as error:
        messages.error(request, error.message)
