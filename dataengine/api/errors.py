"""Every error of the API in one shape: ``{"error": {"code", "message", "fields"}}``. Never HTML, never SQL.

Where what is at fault stands in the request's body, ``pointers`` lead there (JSON Pointer, RFC 6901).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.signals import got_request_exception
from django.db import DatabaseError, InterfaceError, connection
from django.http import Http404, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response

from dataengine.columns.schema_faults import listed
from dataengine.exceptions import AccessDenied, DataEngineError, InvalidInput, NotFound, Path, TooLarge
from dataengine.records.database_errors import as_engine_error

_OUR_FAULT = "Something went wrong on our side. It has been logged."

type Locate = Callable[[DataEngineError], Sequence[tuple[Path, str]]]
"""Where in a request's body an error's input stands."""

logger = logging.getLogger(__name__)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """Django REST framework's hook: turns any exception of a view into a response."""
    locate: Locate = getattr(context.get("view"), "located", lambda error: error.pointers)
    if isinstance(error, exceptions.APIException):
        return _framework_error(error, locate)
    known = _engine_error(error)
    if known is not None:
        return error_response(known, locate(known))
    # A fault of ours. Logs and tests listen to this signal, as for any other view.
    request = context.get("request")
    logger.error("Unhandled error in the API", exc_info=error)
    got_request_exception.send(sender=exception_handler, request=getattr(request, "_request", request))
    return body(500, "internal_error", _OUR_FAULT)


def error_response(error: DataEngineError, pointers: Sequence[tuple[Path, str]] = ()) -> Response:
    """An error of dataengine as a response; ``pointers`` lead into the request's body."""
    details = {**({"pointers": listed(pointers)} if pointers else {}), **error.details}
    answer = body(error.status, error.error_code, error.message, error.fields, details)
    if error.retry_seconds is not None:
        answer.headers["Retry-After"] = str(error.retry_seconds)
    return answer


def plain_response(error: DataEngineError) -> JsonResponse:
    """The same for requests that never reach a view of the API."""
    content = {"code": error.error_code, "message": error.message, "fields": error.fields, **error.details}
    return JsonResponse({"error": content}, status=error.status)


def internal_error() -> JsonResponse:
    """A fault of ours outside of any view."""
    return JsonResponse({"error": {"code": "internal_error", "message": _OUR_FAULT, "fields": {}}}, status=500)


def body(
    status_code: int,
    code: str,
    message: str,
    fields: Mapping[str, list[str]] | None = None,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error in the API's shape."""
    content: dict[str, Any] = {"code": code, "message": message, "fields": dict(fields or {}), **(details or {})}
    return Response({"error": content}, status=status_code, headers=headers)


def _engine_error(error: Exception) -> DataEngineError | None:
    match error:
        case DataEngineError():
            return error
        case Http404():
            return NotFound("There is nothing at this address.")
        case PermissionDenied():
            return AccessDenied("You do not have the right to do this.")
        case RequestDataTooBig():
            return TooLarge("The body is too large.")
        case TooManyFilesSent():
            return InvalidInput("There are too many files in the form.", fields={"file": "Send one file."})
        case TooManyFieldsSent():
            return InvalidInput("There are too many fields in the form.", code="bad_request")
        case SuspiciousOperation() | UnreadablePostError() | RawPostDataException():
            return InvalidInput("The request is malformed.", code="bad_request")
        case RecursionError():
            return InvalidInput("The body is nested too deeply.", code="bad_request")
        case DatabaseError() | InterfaceError():
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            return as_engine_error(error)
        case _:
            return None


def _framework_error(error: exceptions.APIException, locate: Locate) -> Response:
    headers: dict[str, str] = {}
    if scheme := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = scheme
    wait = getattr(error, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    if isinstance(error, exceptions.ValidationError):
        fields = flat(error.detail)
        name, texts = next(iter(fields.items()), ("", ["The input is not valid."]))
        message = f"{name}: {texts[0]}" if len(fields) == 1 and name else "Some of the input is not valid."
        known = InvalidInput(message, fields=fields)
        return error_response(known, locate(known))
    detail = error.detail
    if isinstance(detail, Mapping):  # tokens: {"detail": …, "code": …}
        code, message = str(detail.get("code", error.default_code)), str(detail.get("detail", ""))
    else:
        code, message = str(getattr(detail, "code", error.default_code)), str(detail)
    return body(error.status_code, code, message, headers=headers)


def flat(detail: Any, name: str = "") -> dict[str, list[str]]:
    """Nested messages of serializers as ``{"a.0.b": [text, …]}``."""
    if isinstance(detail, Mapping):
        entries = [(str(key), value) for key, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(entry, Mapping | list) for entry in detail):
        entries = [(str(index), value) for index, value in enumerate(detail)]
    else:
        return {name: [str(text) for text in (detail if isinstance(detail, list) else [detail])]}
    found: dict[str, list[str]] = {}
    for key, value in entries:
        path = name if key == "non_field_errors" else f"{name}.{key}".strip(".")
        for inner, texts in flat(value, path).items():
            found.setdefault(inner, []).extend(texts)
    return found
