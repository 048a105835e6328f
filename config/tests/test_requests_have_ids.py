"""Every answer names its request, and so does every log line of what the request caused, in the worker too."""

from __future__ import annotations

import http.client
import io
import logging
import re
import socket
from http.client import HTTPResponse
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from config.logs import PlainFormatter
from dataengine import origin
from dataengine.models import ImportJob
from dataengine.origin import Origin
from dataengine.tests.importing import make_table, queue_import
from dataengine.tests.waiting import until

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from conftest import LiveServer


def answer_to(server: LiveServer, path: str, **headers: str) -> HTTPResponse:
    address = urlsplit(server.url)
    client = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    client.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = client.getresponse()
    answer.read()
    client.close()
    return answer


@pytest.mark.django_db(transaction=True)
def test_every_answer_has_one(live_asgi: LiveServer, owner: User) -> None:
    make_table(owner, "t", name="TEXT")
    token = {"Authorization": f"Bearer {RefreshToken.for_user(owner).access_token}"}
    paths = {
        "/health/live/": 200, "/login/": 200, "/": 302, "/nowhere/": 404, "/api/nowhere/": 404, "/api/tables/": 401,
        "/api/tables/t/export/": 200, "/static/console.css": 200,
    }  # fmt: skip
    given = set()
    for path, status in paths.items():
        answer = answer_to(live_asgi, path, **(token if "export" in path else {}))
        assert answer.status == status, path
        given.add(answer.headers["X-Request-ID"])
    assert len(given) == len(paths)
    assert all(re.fullmatch("[0-9a-f]{32}", found) for found in given)


def test_what_is_no_request_has_one_too(live_asgi: LiveServer) -> None:
    address = urlsplit(live_asgi.url)
    for target in (b"/api/tables/", b"/"):
        with socket.create_connection((address.hostname, address.port), timeout=60) as client:
            client.sendall(b"GET " + target + b" HTTP/one\r\n\r\n")
            answer = HTTPResponse(client)
            answer.begin()
        assert answer.status == 400
        assert answer.headers["X-Request-ID"]


def test_the_clients_own_is_taken_if_it_can_stand_in_a_log(live_asgi: LiveServer) -> None:
    for sane in ("f3b1", "Root=1-67891233-abcdef012345678912345678", "a" * 64):
        assert answer_to(live_asgi, "/health/live/", X_Request_ID=sane).headers["X-Request-ID"] == sane
    for other in ("", "two words", "a" * 65, "\xe9", "x\tERROR y", "{}"):
        found = answer_to(live_asgi, "/health/live/", X_Request_ID=other).headers["X-Request-ID"]
        assert found != other
        assert len(found) == 32


def test_requests_do_not_take_over_anothers(client: Client) -> None:
    before = origin.current()
    first, second = client.get("/health/live/"), client.get("/health/live/")
    assert first["X-Request-ID"] != second["X-Request-ID"]
    assert origin.current() == before


@pytest.mark.django_db(transaction=True)
def test_the_lines_of_a_job_name_the_request_even_if_its_bell_was_lost(owner: User) -> None:
    from dataengine.services import import_runs

    make_table(owner, "t", name="TEXT")
    with origin.acting(Origin(request_id="r-1", via="jwt", address="192.0.2.7")):
        job = queue_import(owner, "t", "name\nAda\n")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter())
    logger = logging.getLogger("dataengine")
    logger.addHandler(handler)
    try:
        import_runs.run(job.pk)
    finally:
        logger.removeHandler(handler)
    lines = stream.getvalue().splitlines()
    said = f"dataengine.jobs.runner [r-1, import job {job.pk}]: Attempt 1"
    assert [line.partition(" INFO ")[2] for line in lines] == [f"{said} begins", f"{said} is over: completed"]
    done = ImportJob.objects.get()
    assert {"reading", "finishing"} <= set(done.phase_seconds), "for metrics"
    assert done.origin == {"request_id": "r-1", "via": "jwt", "address": "192.0.2.7"}


@pytest.mark.django_db(transaction=True)
def test_the_worker_names_the_request(
    owner: User, celery_worker: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    make_table(owner, "t", name="TEXT")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {RefreshToken.for_user(owner).access_token}")
    file = io.BytesIO(b"name\nAda\n")
    file.name = "a.csv"
    answer = client.post(
        "/api/tables/t/imports/", {"file": file}, format="multipart", headers={"X-Request-ID": "from-the-client"}
    )
    assert answer["X-Request-ID"] == "from-the-client"
    until(lambda: ImportJob.objects.get().is_over)
    log = tmp_path_factory.getbasetemp() / "celery0" / "worker.log"
    said = f"[from-the-client, import job {answer.json()['id']}]"
    until(lambda: f"{said}: Attempt 1 is over: completed" in log.read_text())
    assert f"{said}: Attempt 1 begins" in log.read_text()
