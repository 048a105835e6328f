"""The webhooks of a table: making, switching and deleting them, and the messages that went out."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils.cache import add_never_cache_headers

from dataengine import access
from dataengine.exceptions import Conflict, NotFound
from dataengine.models import Webhook
from dataengine.services import webhooks
from webui import htmx
from webui.errors import errors_into
from webui.forms import Styled
from webui.htmx import ConsoleRequest
from webui.views.view import console_view

_PAGE = 50


class WebhookForm(Styled, forms.Form):
    """Where messages go, and about what."""

    # Text, so that the service, which knows more about it, says what is wrong.
    url = forms.CharField(
        label="URL", max_length=2000, help_text="https://, an address that can be reached from outside.",
        widget=forms.TextInput({"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    events = forms.MultipleChoiceField(
        label="Tell it when", choices=Webhook.Event.choices, initial=Webhook.Event.values,
        widget=forms.CheckboxSelectMultiple({"class": "form-check-input"}),
        error_messages={"required": "Choose at least one."},
    )  # fmt: skip


@console_view("GET", "POST")
def index(request: ConsoleRequest, name: str) -> HttpResponse:
    """List them; make one, whose secret is in the answer and never shown again."""
    table = access.get_table(request.user, name, "design")
    form = WebhookForm(request.POST or None)
    made: Webhook | None = None
    if request.method == "POST" and form.is_valid():
        with errors_into(form):
            made = webhooks.create_webhook(user=request.user, table=table, **form.cleaned_data)
    context = {
        "section": "tables", "table": table, "made": made, "form": form if made is None else WebhookForm(),
        "webhooks": table.webhooks.select_related("user"),
    }  # fmt: skip
    response = htmx.render(request, "webhooks/index.html", context, status=422 if form.errors else 200)
    add_never_cache_headers(response)
    return response


@console_view("GET", "POST")
def show(request: ConsoleRequest, name: str, pk: int) -> HttpResponse:
    """The messages of one; switch it on or off, delete it, send a message again."""
    table = access.get_table(request.user, name, "design")
    webhook = webhooks.get_webhook(table, pk)
    if request.method == "POST":
        return _changed(request, webhook)
    found = Paginator(webhook.deliveries.all(), _PAGE).get_page(request.GET.get("page"))
    context = {"section": "tables", "table": table, "webhook": webhook, "deliveries": found}
    return htmx.render(request, "webhooks/show.html", context, partial="webhooks/_deliveries.html")


def _changed(request: ConsoleRequest, webhook: Webhook) -> HttpResponse:
    here = resolve_url("console:webhook", webhook.table.name, webhook.pk)
    match request.POST.get("do"):
        case "switch":
            webhooks.update_webhook(user=request.user, webhook=webhook, is_active=not webhook.is_active)
            messages.success(request, f"The webhook is switched {'on' if webhook.is_active else 'off'}.")
        case "delete":
            webhooks.delete_webhook(user=request.user, webhook=webhook)
            messages.success(request, "The webhook is deleted, with its messages.")
            here = resolve_url("console:webhooks", webhook.table.name)
        case "again":
            number = request.POST.get("delivery", "")
            if not number.isdecimal() or len(number) > 18:
                raise NotFound("There is no such message.")
            try:
                webhooks.send_again(user=request.user, delivery=webhooks.get_delivery(webhook, int(number)))
                messages.success(request, "The message is on its way again.")
            except Conflict as error:
                messages.error(request, error.message)
    return htmx.redirect(request, here)
