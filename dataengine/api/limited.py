"""Views whose requests are counted: by user or token, and by address where nobody is logged in.

Their answers say what is left (draft-ietf-httpapi-ratelimit-headers).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dataengine.http import rate_limits
from dataengine.http.addresses import client_of
from dataengine.http.rate_limits import Count, Exceeded


class LimitedView(APIView):
    """Counts a request as soon as it is known who asks, before anything is done for it."""

    uploads: ClassVar[bool] = False
    """Whether its POST takes a file."""
    counts: Sequence[Count] = ()

    def perform_authentication(self, request: Request) -> None:
        """Also where it fails: tokens could be guessed."""
        try:
            super().perform_authentication(request)
        except APIException:
            self.count(anonymous=client_of(request))
            raise
        if not request.user.is_authenticated:
            self.count(anonymous=client_of(request))
            return
        token = getattr(request.auth, "pk", None)  # a JWT is no row
        user = rate_limits.user_key(request.user.pk)
        known = {"api": user if token is None else f"token:{token}"}
        if self.uploads and request.method == "POST":
            known["upload"] = user
        self.count(**known)

    def count(self, **clients: str) -> None:
        """Count the request. Raises Throttled if it is one too many."""
        try:
            self.counts = rate_limits.count(rate_limits.limits(**clients))
        except Exceeded as exceeded:
            self.counts = exceeded.counts
            raise Throttled(exceeded.seconds, "There were too many requests; Retry-After says when to go on.") from None

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Add what is left."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self.counts:
            answer["RateLimit-Policy"] = ", ".join(count.limit.policy for count in self.counts)
            answer["RateLimit"] = ", ".join(count.state for count in self.counts)
        return answer
