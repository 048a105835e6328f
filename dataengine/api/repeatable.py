"""Requests with an ``Idempotency-Key``: whoever got no answer may ask again, and it is done once.

As the IETF's draft and others have it: the key is the client's own, and what it says of a request is compared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, ClassVar, cast

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine.api.limited import LimitedView
from dataengine.api.parsers import ExactJSONRenderer
from dataengine.exceptions import InvalidInput
from dataengine.models import ApiToken
from dataengine.services import kept_answers
from dataengine.services.kept_answers import Answer, Key

KEY, REPLAYED = "Idempotency-Key", "Idempotent-Replayed"
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
_SANE_KEY = re.compile(r"[ -~]{1,255}")
_OF_THE_MOMENT = {401, 429}
"""Statuses below 500 that say nothing of what was asked."""

type Handler = Callable[..., HttpResponseBase]


class RepeatableView(LimitedView):
    """Answers unsafe requests with a key once."""

    answers_secrets: ClassVar[bool] = False
    """Whether an answer holds something that is stored nowhere, so that it is not kept either.

    Then what was sent may be as secret, and whoever reads the database could try passwords against its fingerprint: so
    that is made with the installation's key.
    """

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Once it is clear that the request may be made: have a key of it honoured."""
        super().initial(request, *args, **kwargs)
        method = (request.method or "").upper()
        given = request.headers.get(KEY)
        if given is None or method not in UNSAFE or not request.user.is_authenticated:
            return
        if not _SANE_KEY.fullmatch(given.strip()):
            reason = "Give 1 to 255 printable ASCII characters."
            raise InvalidInput(f"{KEY}: {reason}", code="invalid_key", fields={KEY: reason})
        handler = getattr(self, method.lower(), None)
        if handler is not None:
            # This object serves this one request.
            setattr(self, method.lower(), self._repeatable(handler, given.strip()))

    def _fingerprint(self, request: Request) -> str:
        found = fingerprint(request)
        if self.answers_secrets:
            return salted_hmac("dataengine.repeatable", found, algorithm="sha256").hexdigest()
        return found

    def _repeatable(self, handler: Handler, given: str) -> Handler:
        def answered(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            holder = f"token:{request.auth.pk}" if isinstance(request.auth, ApiToken) else ""
            key = Key(cast("Any", request.user), holder, given, self._fingerprint(request))

            def work() -> Answer:
                try:
                    with transaction.atomic():  # so that an error leaves nothing behind
                        response = handler(request, *args, **kwargs)
                except Exception as error:  # noqa: BLE001  (as in any other view)
                    response = self.handle_exception(error)
                return _as_sent(response, is_secret=self.answers_secrets)

            try:
                answer, is_replayed = kept_answers.once(key, work, may_be_idle=self.uploads)
            except kept_answers.KeyInUse as error:
                refusal = self.handle_exception(error)
                refusal["Retry-After"] = "1"
                return refusal
            replayed = {REPLAYED: "true"} if is_replayed else {}
            sent = HttpResponse(answer.body, status=answer.status, headers={**answer.headers, **replayed})
            if "Content-Type" not in answer.headers:
                del sent["Content-Type"]  # Django's own: of nothing it says that it is HTML
            return sent

        return answered


def fingerprint(request: Request) -> str:
    """The SHA-256 of what a request asks. Of a form, of what is in it: the marks between its parts differ each time."""
    digest = hashlib.sha256()

    def add(*parts: str | bytes) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else part.encode()
            digest.update(b"%d:%b" % (len(data), data))

    add(request.method or "", request.get_full_path())
    if not (request.content_type or "").lower().startswith("multipart/"):
        add(request._request.body)
        return digest.hexdigest()
    data = request.data
    assert isinstance(data, QueryDict)
    for name in sorted(data):
        values: list[Any] = data.getlist(name)
        for value in values:
            add(name)
            if isinstance(value, UploadedFile):
                add(value.name or "", str(value.size), _digest(value))
            else:
                add(str(value))
    return digest.hexdigest()


def _digest(file: UploadedFile[bytes]) -> bytes:
    digest = hashlib.sha256()
    file.seek(0)
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.digest()


def _as_sent(response: HttpResponseBase, *, is_secret: bool) -> Answer:
    headers = {name: str(value) for name, value in response.items()}  # those of every answer are added later
    if isinstance(response, Response):
        body = b""
        headers.pop("Content-Type", None)  # Django's own, until it is rendered: HTML
        if response.data is not None:
            headers["Content-Type"] = ExactJSONRenderer.media_type
            body = ExactJSONRenderer().render(response.data)
    else:
        assert isinstance(response, HttpResponse)
        body = response.content
    status = response.status_code
    return Answer(
        status,
        headers,
        body,
        is_final=status < 500 and status not in _OF_THE_MOMENT,
        is_secret=is_secret and status < 300,
    )
