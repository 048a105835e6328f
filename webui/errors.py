"""Shows the errors of dataengine in the console: at a field, as a page, or as a toast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import DatabaseError
from django.forms.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from dataengine.exceptions import AccessDenied, DataEngineError, NotFound
from dataengine.records.database_errors import as_engine_error
from webui import htmx

_TITLES = {
    400: "This request could not be understood",
    403: "You may not do that",
    404: "There is nothing here",
    405: "This is not a page",
    409: "Not possible right now",
    413: "This is too large",
    429: "That was too much for now",
    500: "Something went wrong on our side",
    503: "Not possible right now",
}


def error_response(request: HttpRequest, error: DataEngineError) -> HttpResponse:
    """An error as a page, or as a toast if a part of a page was requested."""
    response = error_page(request, error.status, error.message)
    if error.retry_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_seconds)
    return response


def error_page(request: HttpRequest, status: int, message: str, *, title: str = "") -> HttpResponse:
    """The one page of all errors, with the navigation; a toast if a part of a page was requested.

    It is shown whatever is broken: without PostgreSQL nobody knows who asks, so it is that of a stranger.
    """
    if getattr(request, "htmx", None) is not None and htmx.is_partial(request):
        return htmx.plain_error(message, status)
    context = {"title": title or _TITLES.get(status, "This did not work"), "message": message, "status": status}
    try:
        return htmx.render(request, "error.html", context, status=status)
    except DatabaseError:
        return HttpResponse(render_to_string("error.html", context), status=status)


@contextmanager
def meanwhile() -> Iterator[None]:
    """Tell in the words of the API what others did between the look into the catalog and the look into the table.

    A table that was changed or is busy is no fault. What PostgreSQL says while it is away is logged with its place.
    """
    try:
        yield
    except DatabaseError as error:
        known = as_engine_error(error)
        if known is None or known.error_code == "database_unavailable":
            raise
        raise known from error


def not_allowed(request: HttpRequest, methods: Sequence[str]) -> HttpResponse:
    """The answer for an address without this method, as when the target of a form is reloaded."""
    response = error_page(request, 405, "Only a form or a program can use this address. Go back and try again.")
    response.headers["Allow"] = ", ".join(methods)
    return response


@contextmanager
def errors_into(form: BaseForm, names: Mapping[str, str] | None = None) -> Iterator[None]:
    """Add the errors of a service call to the form's fields. Missing rights still end the request.

    ``names`` maps the service's names of inputs to the form's where they differ.
    """
    try:
        yield
    except (NotFound, AccessDenied):
        raise
    except DataEngineError as error:
        add_errors(form, error, names)


def add_errors(form: BaseForm, error: DataEngineError, names: Mapping[str, str] | None = None) -> None:
    """Add an error to the fields that it names, or to the top if the form has none of them."""
    placed = False
    for name, texts in error.fields.items():
        field = (names or {}).get(name, name)
        if field in form.fields:
            for text in texts:
                form.add_error(field, text)
            placed = True
    if not placed:
        form.add_error(None, error.message)
