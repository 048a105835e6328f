"""OpenAPI from the views' ``operations``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from dataengine.api.base import ApiView, Operation
from dataengine.api.repeatable import KEY, REPLAYED, UNSAFE
from dataengine.api.serializers import ErrorShape
from dataengine.api.token_scheme import AuthenticationScheme as AuthenticationScheme

_ERRORS = {
    "400": "The input is invalid; fields tells where",
    "401": "No valid token",
    "403": "You lack the right to do this",
    "404": "There is no such thing",
    "409": "Not possible in the present state",
    "429": "Too many requests; Retry-After tells how long to wait",
    "503": "Something is busy; try again later",
}


_KEY = OpenApiParameter(
    name=KEY,
    type={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    location=OpenApiParameter.HEADER,
    description=(
        "A key of your own, such as a UUID, one for each request. Sent again within 24 hours with the same request, it "
        f"is answered as the first time, with `{REPLAYED}: true`, and nothing is done twice."
    ),
)


TAGS = {
    "Log in": "Tokens, sessions, passwords.",
    "Design tables": "Make tables and columns, change and copy them.",
    "Read and write records": "List, find, add, change, delete and export records.",
    "Import files": "Load CSV files, workbooks and others, watch them, mend what was rejected.",
    "Take back": "Undo changes, watch large ones, restore from the trash.",
    "Share and watch": "Give others rights, see who did what, be told by webhooks.",
    "Schemas": "What describes this API and its payloads.",
}
"""The groups of operations by what one wants to do, in the order in which they are shown."""
# The first of these in an address says what it is for.
_BY_WORD = (
    ("undo", "Take back"), ("redo", "Take back"), ("trash", "Take back"), ("changes", "Take back"),
    ("sharing", "Share and watch"), ("activity", "Share and watch"), ("history", "Share and watch"),
    ("webhooks", "Share and watch"), ("links", "Share and watch"),
    ("imports", "Import files"), ("upload-csv", "Import files"), ("sources", "Import files"),
    ("records", "Read and write records"), ("groups", "Read and write records"),
    ("lookup", "Read and write records"), ("export", "Read and write records"),
    ("token", "Log in"), ("account", "Log in"),
    ("schemas", "Schemas"),
    ("tables", "Design tables"),
)  # fmt: skip


def tag_of(address: str) -> str:
    """The group of an operation: that of a resource, of a verb its last word's."""
    words = address.strip("/").removesuffix(".json").split("/")[1:]
    named = {word for word in words if not word.startswith("{")}
    for word, tag in _BY_WORD:
        if word in named:
            return tag
    noun = words[0].rpartition("-")[2]
    if noun.startswith("record"):
        return "Read and write records"
    return "Schemas" if noun == "schema" else "Design tables"


def describe_tags(result: dict[str, Any], **others: Any) -> dict[str, Any]:
    """Add the groups to the schema; called by drf-spectacular."""
    return {**result, "tags": [{"name": name, "description": text} for name, text in TAGS.items()]}


class EngineSchema(AutoSchema):
    """Describes a view by its ``operations``."""

    @property
    def operation(self) -> Operation | None:
        view = self.view
        return view.operations.get(self.method.lower()) if isinstance(view, ApiView) else None

    @property
    def verb(self) -> str:
        return getattr(self.view, "verb", "")

    def get_operation_id(self) -> str:
        operation = self.operation
        if operation is None:
            return str(super().get_operation_id())
        return f"verb_{self.verb.replace('-', '_')}" if self.verb else operation.id

    def get_summary(self) -> str | None:
        return self.operation.summary if self.operation else None

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular's own signature
        return (type(self.view).__doc__ or "").strip()

    def get_tags(self) -> list[str]:
        return [tag_of(self.path)]

    def get_request_serializer(self) -> Any:
        operation = self.operation
        body = (operation.verb if self.verb else operation.body) if operation else None
        return {"application/json": body} if isinstance(body, dict) else body  # a schema as it is published

    def get_override_parameters(self) -> list[Any]:
        operation = self.operation
        if operation is None:
            return []
        in_query = self.method in {"GET", "DELETE"}
        query = operation.verb if self.verb and in_query else None if self.verb else operation.query
        return [*([query] if query else []), *operation.parameters, *([_KEY] if self._is_repeatable() else [])]

    def _is_repeatable(self) -> bool:
        """Whether a key is honoured: of those who are known, and where something is changed."""
        return self.method in UNSAFE and bool(self.view.permission_classes)

    def get_response_serializers(self) -> Any:
        operation = self.operation
        if operation is None:
            return {}
        outputs = operation.output if isinstance(operation.output, Mapping) else {"application/json": operation.output}
        answers = {
            (str(operation.status), content_type): OpenApiResponse(shape, description=operation.summary)
            for content_type, shape in outputs.items()
        }
        errors = {code: OpenApiResponse(ErrorShape, description=text) for code, text in _ERRORS.items()}
        if self.method in {"POST", "PUT", "PATCH"}:
            errors["413"] = OpenApiResponse(ErrorShape, description="The file or body is too large")
        others = {
            str(status): OpenApiResponse(shape, description=text) for status, (shape, text) in operation.others.items()
        }
        return {**answers, **errors, **others}
