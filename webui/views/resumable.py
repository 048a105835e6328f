"""Resumable uploads: the server's side of tus 1.0.0 (https://tus.io/protocols/resumable-upload), for the console.

Core protocol, creation, expiration and termination; each piece is accepted or refused as a whole. What upload.js sends
here becomes a draft, and the last part of the upload's address is the draft's token.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import http_date

from dataengine.exceptions import DataEngineError, InvalidInput
from dataengine.http import rate_limits
from webui import htmx
from webui.htmx import ConsoleRequest
from webui.imports import resumable
from webui.imports.resumable import OffsetMismatch, PartialUpload
from webui.numbers import is_number

VERSION = "1.0.0"
_EXTENSIONS = "creation,expiration,termination"
_PIECE = "application/offset+octet-stream"
_LOGGED_OUT = "You are not logged in any more. Log in, then choose the same file again to continue."

type View[**P] = Callable[Concatenate[ConsoleRequest, P], HttpResponse]
type DjangoView[**P] = Callable[Concatenate[HttpRequest, P], HttpResponse]


def tus_view[**P](**methods: View[P]) -> DjangoView[P]:
    """A view made of one function for each method, for users who are logged in. Errors are a line of text."""

    @wraps(next(iter(methods.values())))
    def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = _answer(methods, request, *args, **kwargs)
        response["Tus-Resumable"] = VERSION
        response["Cache-Control"] = "no-store"
        return response

    return view


def _answer[**P](
    methods: dict[str, View[P]], request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
) -> HttpResponse:
    # The protocol allows this for clients that cannot send every method.
    method = request.method or ""
    if method == "POST":  # of which it is known that no other site sends it
        method = request.headers.get("X-HTTP-Method-Override") or method
    if method == "OPTIONS":
        maximum = str(settings.MAX_UPLOAD_BYTES)
        headers = {"Tus-Version": VERSION, "Tus-Extension": _EXTENSIONS, "Tus-Max-Size": maximum}
        return HttpResponse(status=204, headers=headers)
    if not request.user.is_authenticated:
        return htmx.plain_error(_LOGGED_OUT, 403)
    if method not in methods:
        return HttpResponse(status=405, headers={"Allow": ", ".join([*methods, "OPTIONS"])})
    if request.headers.get("Tus-Resumable") != VERSION:
        return HttpResponse(status=412, headers={"Tus-Version": VERSION})
    try:
        return methods[method](cast("ConsoleRequest", request), *args, **kwargs)
    except DataEngineError as error:
        return htmx.plain_error(error.message, error.status, error.retry_seconds)


def _create(request: ConsoleRequest) -> HttpResponse:
    """Announce a file: its size and name, and the table that it is meant for, if there is one."""
    size = _number(request, "Upload-Length")
    rate_limits.count_upload(request.user.pk)
    partial = resumable.begin(request.user, _metadata(request, "filename"), size, _metadata(request, "table"))
    location = resolve_url("console:upload", partial.token)
    return HttpResponse(status=201, headers={"Location": location, **_expires(partial)})


def _show(request: ConsoleRequest, token: str) -> HttpResponse:
    """Tell how much has arrived."""
    partial = resumable.find(request.user, token)
    name = base64.b64encode(partial.filename.encode()).decode()
    sizes = {"Upload-Offset": str(partial.offset()), "Upload-Length": str(partial.size)}
    return HttpResponse(headers=sizes | {"Upload-Metadata": f"filename {name}"} | _expires(partial))


def _append(request: ConsoleRequest, token: str) -> HttpResponse:
    """Receive the next piece."""
    partial = resumable.find(request.user, token)
    if request.content_type != _PIECE:
        return htmx.plain_error(f"A piece must be sent as {_PIECE}.", 415)
    try:
        offset = partial.append(_number(request, "Upload-Offset"), request)
    except OffsetMismatch as error:
        response = htmx.plain_error(error.message, error.status, error.retry_seconds)
        response["Upload-Offset"] = str(partial.offset())
        return response
    return HttpResponse(status=204, headers={"Upload-Offset": str(offset), **_expires(partial)})


def _cancel(request: ConsoleRequest, token: str) -> HttpResponse:
    """Delete the upload and what has arrived of it."""
    resumable.find(request.user, token).discard()
    return HttpResponse(status=204)


create = tus_view(POST=_create)
upload = tus_view(HEAD=_show, PATCH=_append, DELETE=_cancel)


def _expires(partial: PartialUpload) -> dict[str, str]:
    return {"Upload-Expires": http_date(partial.expires.timestamp())}


def _number(request: HttpRequest, header: str) -> int:
    text = request.headers.get(header, "")
    if not is_number(text):
        raise InvalidInput(f"The header {header} must be a number of bytes.")
    return int(text)


def _metadata(request: HttpRequest, name: str) -> str:
    """A value in ``Upload-Metadata: filename <base64>, …``; '' if it is not there."""
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        key, _, value = pair.strip().partition(" ")
        if key == name:
            try:
                return base64.b64decode(value, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError) as error:
                raise InvalidInput(f"The {name} in Upload-Metadata must be UTF-8 in base64.") from error
    return ""
