"""Errors of dataengine as the console shows them: at the field, as a page, or as a toast. One place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.forms.forms import BaseForm
from django.http import HttpRequest, HttpResponse

from dataengine.exceptions import AccessDenied, DataEngineError, NotFound
from webui import htmx

_TITLES = {
    403: "You may not do that",
    404: "There is nothing here",
    409: "Not just now",
    413: "This is too large",
    503: "Not just now",
}


def error_response(request: HttpRequest, error: DataEngineError) -> HttpResponse:
    """An error as a page, or as a toast where a part of the page was asked for."""
    if htmx.is_partial(request):
        return htmx.plain_error(error.message, error.status)
    context = {"title": _TITLES.get(error.status, "That did not work"), "message": error.message}
    return htmx.render(request, "error.html", context, status=error.status)


def not_allowed(request: HttpRequest, methods: Sequence[str]) -> HttpResponse:
    """An address that takes other methods only: people come to one by reloading what a form was sent to."""
    context = {"title": "This is no page of its own", "message": "It only takes what a form or a program sends to it."}
    response = htmx.render(request, "error.html", context, status=405)
    response.headers["Allow"] = ", ".join(methods)
    return response


@contextmanager
def errors_into(form: BaseForm, names: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run one service call; what it refuses is written at the form's fields. Missing rights still end the request.

    ``names`` maps the service's names of inputs to the form's, where they differ.
    """
    try:
        yield
    except (NotFound, AccessDenied):
        raise
    except DataEngineError as error:
        add_errors(form, error, names)


def add_errors(form: BaseForm, error: DataEngineError, names: Mapping[str, str] | None = None) -> None:
    """Write an error at the fields that it names, or at the top where the form has none of them."""
    placed = False
    for name, texts in error.fields.items():
        field = (names or {}).get(name, name)
        if field in form.fields:
            for text in texts:
                form.add_error(field, text)
            placed = True
    if not placed:
        form.add_error(None, error.message)
