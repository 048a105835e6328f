"""Log lines say which request they come from, as JSON if asked, and no password, token or key."""

from __future__ import annotations

import http.client
import io
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from rest_framework_simplejwt.tokens import RefreshToken

from config import logs
from config.tests.serving import web_process
from dataengine.origin import Origin, acting

if TYPE_CHECKING:
    from django.contrib.auth.models import User

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoxfQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"Bearer {JWT}", "Bearer"),
        (f"?token={JWT}&format=json", "format=json"),
        ("tk_AbCdEf0123456789_-x failed", "failed"),
        ("connection to postgres://tablekeep:AbCdEf0123456789_-x@db:5432/t failed", "@db:5432/t failed"),
        ("{'username': 'ada', 'password': 'AbCdEf0123456789_-x'}", "'username': 'ada'"),
        ('{"secret": "AbCdEf0123456789_-x", "a": 1}', '"a": 1'),
        ("SECRET_KEY=AbCdEf0123456789_-x", "SECRET_KEY"),
        ("Not Found: /account/reset/AbCdEf0123456789_-xyzxyzxyz/", "Not Found: /account/reset/"),
    ],
)
def test_secrets_are_blanked(text: str, kept: str) -> None:
    said = logs.without_secrets(text)
    assert kept in said
    assert "AbCdEf0123456789_-x" not in said
    assert JWT not in said


@pytest.mark.parametrize(
    "text", ["The token is wrong.", "a password that was changed", "Not Found: /tables/customers/", "a/b: 7 of 9"]
)
def test_other_words_stay(text: str) -> None:
    assert logs.without_secrets(text) == text


def lines_of(log_format: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the format makes of the records that were logged."""
    formatter = logs.json_formatter() if log_format == "json" else logs.PlainFormatter()
    with acting(Origin(request_id="r-1", job="import job 7")):
        return [formatter.format(record) for record in caplog.records]


def test_an_error_is_one_json_object(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("password=hunter2-and-more")
    except ValueError:
        logging.getLogger("dataengine.some").exception("It failed for %s", "Ada")
    (line,) = lines_of("json", caplog)
    said = json.loads(line)
    assert (said["event"], said["level"], said["logger"]) == ("It failed for Ada", "error", "dataengine.some")
    assert (said["request_id"], said["job"]) == ("r-1", "import job 7")
    assert "ValueError" in said["exception"]
    assert "hunter2" not in line
    plain = lines_of("plain", caplog)[0]
    assert "ERROR dataengine.some [r-1, import job 7]: It failed for Ada" in plain
    assert "hunter2" not in plain


def test_what_a_client_did_wrong_is_one_warning(client: Client) -> None:
    written = io.StringIO()
    (handler,) = (h for h in logging.getLogger().handlers if isinstance(h.formatter, logs.PlainFormatter))
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(written)
    try:
        assert client.get("/login/", headers={"Host": "evil.example"}).status_code == 400
    finally:
        handler.setStream(before)
    (line,) = written.getvalue().splitlines()
    assert " WARNING django.security.DisallowedHost " in line
    assert "Invalid HTTP_HOST header: 'evil.example'" in line


@pytest.mark.django_db(transaction=True)
def test_of_a_running_web_process(
    owner: User, password: str, process_environment: dict[str, str], tmp_path: Path
) -> None:
    token = str(RefreshToken.for_user(owner).access_token)
    given: list[str] = []

    def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        content = None if body is None else json.dumps(body)
        client.request(method, path, content, {"Content-Type": "application/json", **headers})
        answer = client.getresponse()
        answer.read()
        given.append(answer.headers["X-Request-ID"])
        client.close()

    environment = process_environment | {"LOG_FORMAT": "json", "DEBUG": "1", "METRICS_TOKEN": "metrics-secret-7"}
    with web_process(environment, tmp_path) as port:
        ask(port, "POST", "/api/token/", {"username": "owner", "password": password})
        ask(port, "POST", "/api/token/", {"username": "owner", "password": "not-the-password-7"})
        ask(port, "GET", "/api/tables/", Authorization=f"Bearer {token}")
        ask(port, "GET", f"/api/tables/?token={token}")
        ask(port, "GET", "/metrics", Authorization="Bearer metrics-secret-7")
        ask(port, "GET", "/nowhere/AbCdEf0123456789AbCdEf0123456789/")
    log = (tmp_path / "web.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    by_request = {line["request_id"]: line for line in lines if line["logger"] == "config.requests"}
    assert set(given) <= set(by_request)
    assert by_request[given[0]]["route"] == "api-token"
    assert by_request[given[2]]["status"] == 200
    secrets = [token, password, "not-the-password-7", "metrics-secret-7", environment["SECRET_KEY"]]
    for secret in [*secrets, "AbCdEf0123456789"]:
        assert secret not in log
