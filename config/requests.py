"""Counts requests and, for machines, writes a line about each: by the view's name, since addresses may hold secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from dataengine.http import metrics

logger = logging.getLogger(__name__)


class RequestMiddleware:
    """Wraps everything but the naming of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """One request."""
        begun = time.perf_counter()
        response = self._get_response(request)
        seconds = time.perf_counter() - begun
        found = request.resolver_match
        view = (found.view_name or found.route) if found is not None else "none"
        method = request.method if request.method in metrics.METHODS else "other"
        metrics.REQUESTS.labels(method, view, response.status_code).inc()
        metrics.SECONDS.labels(view).observe(seconds)
        if logger.isEnabledFor(logging.INFO):
            about = {"method": method, "route": view, "status": response.status_code, "seconds": round(seconds, 4)}
            logger.info("%s %s %s", method, view, response.status_code, extra=about)
        return response
