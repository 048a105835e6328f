"""What all views of the API share: finding arguments, fetching tables, describing operations.

A view class serves a resource and the verb endpoints about it. It cannot tell them apart, except that a verb's
arguments are in the body (or, for GET and DELETE, in the query) and a resource's are in the URL.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, QueryDict
from django.http.request import RawPostDataException
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from dataengine import access
from dataengine.api.parsers import ExactJSONParser
from dataengine.api.repeatable import RepeatableView
from dataengine.exceptions import DataEngineError, InvalidInput, Path, shown
from dataengine.models import Table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

type Shape = type[serializers.BaseSerializer[Any]] | Any


_UNREADABLE = (
    APIException, DataEngineError, OSError, RawPostDataException, RecursionError, SuspiciousOperation,
)  # fmt: skip
"""What the body of a request raises that cannot be read."""


@dataclass(frozen=True, slots=True)
class Operation:
    """How the OpenAPI schema describes one method of a view.

    ``body`` and ``query`` belong to the resource, ``verb`` to the verb endpoint (its body, or its query for GET and
    DELETE). ``output`` is the shape of the answer with ``status``, or its shapes by content type if that is not only
    JSON; ``others`` are the answers with other statuses, each with its meaning.
    """

    id: str
    summary: str
    output: Shape = None
    status: int = 200
    body: Shape = None
    query: Shape = None
    verb: Shape = None
    parameters: list[Any] = field(default_factory=list)
    others: Mapping[int, tuple[Shape, str]] = field(default_factory=dict)


class FirstRenderer(BaseContentNegotiation):
    """Answers JSON whatever Accept says, so that answers and errors never depend on it."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return next((parser for parser in parsers if _media_type(request) == parser.media_type), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ApiView(RepeatableView):
    """The base of all views."""

    parser_classes: Sequence[type[BaseParser]] = (ExactJSONParser,)
    content_negotiation_class = FirstRenderer
    operations: ClassVar[dict[str, Operation]] = {}
    # The verb endpoint's name in the URL list; empty for a resource.
    verb: str = ""

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Add the Content-Length that bodies sent in chunks lack; the framework would take them for empty."""
        if isinstance(request, ASGIRequest) and "transfer-encoding" in request.headers:
            # The whole body is already in a spooled file.
            stream = request._stream
            request.META["CONTENT_LENGTH"] = str(stream.seek(0, os.SEEK_END))
            stream.seek(0)
        return super().initialize_request(request, *args, **kwargs)

    @property
    def user(self) -> User:
        """The user; the permission classes make sure that one is logged in."""
        return cast("User", self.request.user)

    def arguments(self, shape: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The operation's arguments from query (GET, DELETE), body and URL, checked by ``shape``.

        Raises ValidationError naming each argument at fault.
        """
        given: dict[str, Any] = {}
        reads = self.request.method in {"GET", "HEAD"}
        if reads or self.request.method == "DELETE":
            given.update(self.request.query_params.items())
        if not reads:
            given.update(self.body())
        for name, value in self.kwargs.items():
            if str(given.pop(name, value)) != str(value):
                reason = f"The URL says “{value}”."
                raise InvalidInput(f"{name}: {reason}", fields={name: reason})
        known = shape._declared_fields
        given.update({name: value for name, value in self.kwargs.items() if name in known})
        return checked(shape, given)

    def body(self) -> Mapping[str, Any]:
        """The body as an object; empty if there is none. Raises InvalidInput for any other JSON."""
        data = self.request.data
        if not data and not isinstance(data, list | str | int | float):
            return {}
        if not isinstance(data, Mapping):
            raise InvalidInput("The body must be a JSON object.", fields={"body": "Give a JSON object."})
        if isinstance(data, QueryDict):  # a form; of two equal keys of JSON the parser says so
            for name in data:
                if len({value for value in data.getlist(name) if isinstance(value, str)}) > 1:
                    reason = "This is given twice, with different values."
                    raise InvalidInput(f"{shown(name)}: {reason}", fields={shown(name): reason})
        return {name: data[name] for name in data}

    def located(self, error: DataEngineError) -> list[tuple[Path, str]]:
        """Where in the body stands what is at fault: paths, each with what is wrong there."""
        return error.pointers or [
            (path, text)
            for name, texts in error.fields.items()
            if (path := self.place_of(name, error.error_code)) is not None
            for text in texts
        ]

    def place_of(self, name: str, code: str) -> Path | None:
        """The place in the body of an input that an error with ``code`` names; None if it is not there."""
        return (name,) if name in self.sent() else None

    def sent(self) -> Mapping[str, Any]:
        """The body if it is an object, else an empty one, also where it cannot be read."""
        try:
            data = self.request.data
        except _UNREADABLE:
            return {}
        return data if isinstance(data, Mapping) else {}

    def table(self, arguments: Mapping[str, Any], right: access.Right) -> Table:
        """The table that the arguments name, if the user has ``right`` on it."""
        return access.get_table(self.user, arguments["table_name"], right)

    def base_url(self) -> str:
        """Scheme and host that the client used."""
        request: HttpRequest = self.request._request
        return request.build_absolute_uri("/").rstrip("/")


def checked(shape: type[serializers.Serializer[Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` as ``shape`` validates it."""
    serializer = copy(_made(shape))
    serializer.initial_data = dict(given)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


@cache
def _made(shape: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """A serializer of this shape with its fields, which would otherwise be copied for each request."""
    made = shape()
    assert made.fields
    return made


def _media_type(request: Request) -> str:
    return (request.content_type or "").partition(";")[0].strip().lower()
