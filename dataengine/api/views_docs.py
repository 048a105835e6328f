"""The OpenAPI schema, and a page that shows it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine.api.limited import LimitedView


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


class SchemaView(LimitedView, SpectacularAPIView):
    """The OpenAPI schema, as JSON unless YAML is asked for."""

    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer]
    content_negotiation_class = ElseFirst


class DocsView(LimitedView, SpectacularSwaggerSplitView):
    """The documentation page. Its script and styles are served from here, as the content security policy requires."""

    url_name = "api-schema"
    template_name = "api/docs.html"
    content_negotiation_class = ElseFirst

    def handle_exception(self, exc: Exception) -> Response:
        """Errors are JSON here too."""
        response = super().handle_exception(exc)
        self.request.accepted_renderer, self.request.accepted_media_type = JSONRenderer(), "application/json"
        return response
