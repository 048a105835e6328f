"""OpenAPI from the views' ``operations``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse

from dataengine.api.base import ApiView, Operation
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
        if self.verb:
            return ["verbs"]
        parts = [part for part in self.path.strip("/").split("/")[1:] if not part.startswith("{")]
        return [parts[-1] if parts[-1] in {"columns", "records", "imports"} else parts[0]]

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
        return [*([query] if query else []), *operation.parameters]

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
