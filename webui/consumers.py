"""The socket of one import: authorises, then forwards the state from database and channel layer.

The job's row is the truth. A message on the group ``import.<id>`` is either a hint (``import.changed``: read the row
again) or the newest counters (``import.progress``: the API's job shape, absolute). Messages may be lost, so the row is
also read every two seconds, and the first and the last message sent always come from it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error as DatabaseError
from django.http.request import split_domain_port, validate_host
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException
from rest_framework_simplejwt.exceptions import TokenError

from dataengine import access
from dataengine.exceptions import DataEngineError
from dataengine.http import metrics
from dataengine.http.authentication import Bearer
from dataengine.jobs.progress import ImportChanged, ImportProgressed, ProgressData
from dataengine.jobs.serializers import import_job_data
from dataengine.models import ImportJob
from webui.imports.live import live_message
from webui.sessions import user_of_session

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SHORTEST_PAUSE = 0.25  # at most four messages a second
POLL_SECONDS = 2.0
# After log-out or loss of rights the socket closes within this time and a poll, below the promised five seconds.
RECHECK_SECONDS = 2.5
DONE = 1000
NOT_ALLOWED_ANY_MORE = 4403
TRY_AGAIN = 1011  # hx-ws reconnects by itself
NO_REDIS = (OSError, RedisError)


class Nothing(AsyncWebsocketConsumer):
    """For addresses without a socket: refuses everybody at the handshake."""

    async def connect(self) -> None:
        """HTTP 403."""
        await self.close()


class ImportConsumer(AsyncWebsocketConsumer):
    """``/ws/imports/<pk>/``: HTML fragments for the console, JSON for API clients."""

    pk: int
    is_json: bool
    following: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Refuse strangers at the handshake (HTTP 403); send everybody else the whole state at once."""
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        self.pk = self.scope["url_route"]["kwargs"]["pk"]
        token = query.get("token", [""])[0]
        self.bearer = Bearer(token) if token else None
        asked = query.get("format", [""])[0]
        self.is_json = asked == "json" or (asked != "html" and token != "")
        self.base_url = _base_url(self.scope)
        self.news = asyncio.Event()
        self.progress: ProgressData | None = None
        self.shown: ProgressData | None = None
        job = await self._fetch()
        if job is None:
            await self.close()
            return
        with suppress(*NO_REDIS):  # then polling has to do
            await self.channel_layer.group_add(f"import.{self.pk}", self.channel_name)
        await self.accept()
        metrics.SOCKETS.inc()
        self.following = asyncio.create_task(self._follow(job))

    async def disconnect(self, code: int) -> None:
        """Stop following."""
        if self.following is not None:
            metrics.SOCKETS.dec()
            self.following.cancel()
        with suppress(*NO_REDIS):
            await self.channel_layer.group_discard(f"import.{self.pk}", self.channel_name)

    async def import_changed(self, message: ImportChanged) -> None:
        """Handle the hint that the row has changed."""
        self.progress = None
        self.news.set()

    async def import_progress(self, message: ImportProgressed) -> None:
        """Keep the newest counters; older ones that were not sent yet are dropped."""
        self.progress = message["progress"]
        self.news.set()

    async def _follow(self, job: ImportJob) -> None:
        """Send the changes. If the database does not answer, the client is told to reconnect."""
        try:
            await self._send_changes(job)
        except DatabaseError:
            await self.close(TRY_AGAIN)

    async def _send_changes(self, job: ImportJob) -> None:
        """Send the state at each change until the import has ended or the user may no longer see it."""
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
            if self.progress is None or must_check or self.progress["attempt"] != job.attempt:
                fetched = await self._fetch()
                if fetched is None:
                    await self.close(NOT_ALLOWED_ANY_MORE)
                    return
                job, checked = fetched, loop.time()

    def _newer_than(self, job: ImportJob) -> ProgressData | None:
        """The counters of the last message, unless those of the row are newer, or final.

        The row is written once a second, messages come four times as often: without one since, such as after a request
        to cancel, the row may be behind what was shown already.
        """
        progress, self.progress = self.progress, None
        if job.state != ImportJob.State.RUNNING:
            progress = self.shown = None
        elif progress is not None:
            self.shown = progress
        elif (shown := self.shown) is not None and shown["attempt"] == job.attempt:
            progress = shown if (shown["progress"], shown["rows_read"]) > (job.progress, job.rows_read) else None
        return progress

    @database_sync_to_async
    def _fetch(self) -> ImportJob | None:
        """The present job, or None if the user may not see it (any more)."""
        try:
            return access.get_import(self._user(), self.pk)
        except DataEngineError:
            return None

    def _user(self) -> User | AnonymousUser:
        """The user *now*: still logged in, or the token's owner if still active and with the same password."""
        if self.bearer is None:
            return user_of_session(self.scope["session"].session_key)
        try:
            return self.bearer.user()
        except (APIException, TokenError):
            return AnonymousUser()

    @database_sync_to_async
    def _render(self, job: ImportJob, progress: ProgressData | None) -> str:
        if self.is_json:
            return json.dumps(import_job_data(job, base_url=self.base_url) | (progress or {}), cls=DjangoJSONEncoder)
        return live_message(self._user() if job.is_over else AnonymousUser(), job, progress)


def _base_url(scope: Mapping[str, Any]) -> str:
    """The client's scheme and host, for absolute URLs; '' if the host is not one of ours."""
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    scheme = "https" if scope.get("scheme") in {"wss", "https"} else "http"
    return f"{scheme}://{host}" if validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS) else ""
