"""The socket of one import: authorises, then forwards what the database and the channel layer say. Nothing else.

The job's row is the truth. A message on the group ``import.<id>`` is either a hint (``import.changed``: read the row
again) or the newest counters (``import.progress``: the API's job shape, absolute). Messages may be lost, so the row is
also read every two seconds, and the first and the last thing sent always come from it.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from dataengine import access
from dataengine.exceptions import DataEngineError
from dataengine.models import ImportJob
from dataengine.progress import job_shape
from webui.live import live_message

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SHORTEST_PAUSE = 0.25  # at most four messages a second
POLL_SECONDS = 2.0
# Somebody who logged out or was shut out loses the socket within this; well below the minute that is promised.
RECHECK_SECONDS = 20.0
DONE = 1000
NOT_ALLOWED_ANY_MORE = 4403


class ImportConsumer(AsyncWebsocketConsumer):
    """``/ws/imports/<pk>/``: HTML fragments for the console, JSON for API clients."""

    pk: int
    is_json: bool
    following: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Refuse strangers at the handshake (HTTP 403); send everybody else the whole state at once."""
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        self.pk = self.scope["url_route"]["kwargs"]["pk"]
        self.token = query.get("token", [""])[0]
        self.is_json = query.get("format", ["json" if self.token else "html"])[0] == "json"
        self.news = asyncio.Event()
        self.progress: dict[str, Any] | None = None
        job = await self._fetch()
        if job is None:
            await self.close()
            return
        with suppress(OSError):  # without Redis the polls alone have to do
            await self.channel_layer.group_add(f"import.{self.pk}", self.channel_name)
        await self.accept()
        self.following = asyncio.create_task(self._follow(job))

    async def disconnect(self, code: int) -> None:
        """Stop following."""
        if self.following is not None:
            self.following.cancel()
        with suppress(OSError):
            await self.channel_layer.group_discard(f"import.{self.pk}", self.channel_name)

    async def import_changed(self, message: dict[str, Any]) -> None:
        """A hint: the row has changed."""
        self.progress = None
        self.news.set()

    async def import_progress(self, message: dict[str, Any]) -> None:
        """The newest counters; older ones that were not sent yet are of no interest any more."""
        self.progress = message["progress"]
        self.news.set()

    async def _follow(self, job: ImportJob) -> None:
        """Send the state at each change until the import is over or the user may not see it any more."""
        loop = asyncio.get_running_loop()
        sent, checked = "", loop.time()
        while True:
            text = await self._render(job, self._newer_than(job))
            if text != sent:
                await self.send(text_data=text)
                sent = text
            if job.is_over:
                await self.close(DONE)
                return
            await asyncio.sleep(SHORTEST_PAUSE)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), POLL_SECONDS - SHORTEST_PAUSE)
            self.news.clear()
            must_check = loop.time() - checked > RECHECK_SECONDS
            if self.progress is None or must_check:
                fetched = await self._fetch()
                if fetched is None:
                    await self.close(NOT_ALLOWED_ANY_MORE)
                    return
                job, checked = fetched, loop.time()

    def _newer_than(self, job: ImportJob) -> dict[str, Any] | None:
        """The counters of the last message, unless the row has been read since or is final."""
        progress, self.progress = self.progress, None
        return None if job.is_over else progress

    @database_sync_to_async
    def _fetch(self) -> ImportJob | None:
        """The job as it is now, or None for whoever may not see it (any more)."""
        user = _user_of_token(self.token) if self.token else _user_of_session(self.scope["session"].session_key)
        try:
            return access.get_import(user, self.pk)
        except DataEngineError:
            return None

    @database_sync_to_async
    def _render(self, job: ImportJob, progress: dict[str, Any] | None) -> str:
        if self.is_json:
            return json.dumps(job_shape(job) | (progress or {}), cls=DjangoJSONEncoder)
        return live_message(job, progress)


def _user_of_session(key: str | None) -> User | AnonymousUser:
    """Who is logged in by that session *now*: the session is read anew, and its password hash checked."""
    if not key:
        return AnonymousUser()
    request = HttpRequest()
    request.session = SessionStore(key)
    return get_user(request)  # type: ignore[return-value]  # auth.User is the user model


def _user_of_token(token: str) -> User | AnonymousUser:
    """Who the access token belongs to, if they are still active and their password is still the same."""
    try:
        validated = AccessToken(token)  # type: ignore[arg-type]  # takes the encoded text
        return JWTAuthentication().get_user(validated)  # type: ignore[return-value]
    except (APIException, TokenError):
        return AnonymousUser()
