"""The OpenAPI schema, and a page that shows it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth import get_user
from django.http import HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine.access import tables_for
from dataengine.api.examples import example_of
from dataengine.api.limited import LimitedView
from dataengine.models import Table

_MOST_EXAMPLES = 30


class ElseFirst(DefaultContentNegotiation):
    """Honours Accept if possible, else uses the first renderer, so that browsers can show the schema."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        try:
            found: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type
        return found


class _MadeOnce(SchemaGenerator):
    """Keeps the schema, which depends on nothing but the code."""

    made: ClassVar[dict[str, Any] | None] = None

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        cls = type(self)
        if cls.made is None:
            cls.made = super().get_schema(request=request, public=public)  # type: ignore[no-untyped-call]
        return cls.made


class SchemaView(LimitedView, SpectacularAPIView):
    """The OpenAPI schema, as JSON unless YAML is asked for.

    It is the same for everybody as long as the process lives, and made once: that takes half a second.
    """

    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer]
    content_negotiation_class = ElseFirst
    generator_class = _MadeOnce


class DocsView(LimitedView, SpectacularSwaggerSplitView):
    """The documentation page. Its script and styles are served from here, as the content security policy requires."""

    url_name = "api-schema"
    template_name = "api/docs.html"
    content_negotiation_class = ElseFirst

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response | HttpResponse:
        """The page in the frame of the console, for whoever is logged in there; or its script."""
        answer: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        if answer.template_name != self.template_name:
            return answer
        plain = request._request
        plain.user = get_user(plain)  # the API takes nobody's word for it but a token's
        tables = Table.objects.none() if not plain.user.is_authenticated else tables_for(plain.user)
        own = tables.prefetch_related("columns").order_by("name")[:_MOST_EXAMPLES]
        examples = [example_of(table, list(table.columns.all())) for table in own]
        context = {**answer.data, "section": "api", "examples": examples, "here": plain.build_absolute_uri("/")[:-1]}
        return render(plain, self.template_name, context)

    def handle_exception(self, exc: Exception) -> Response:
        """Errors are JSON here too."""
        response = super().handle_exception(exc)
        self.request.accepted_renderer, self.request.accepted_media_type = JSONRenderer(), "application/json"
        return response
