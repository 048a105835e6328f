"""What strangers try from outside: forged tokens, forms of other sites, spoofed headers, planted sessions."""

from __future__ import annotations

import io
import os
import re
import secrets
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from config.application import is_ours
from dataengine.models import ImportJob
from dataengine.postgres import usage
from dataengine.tests.importing import make_table
from dataengine.tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db


def asked_with(token: str) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    status: int = client.get("/api/tables/").status_code
    return status


def test_forged_tokens(owner: User, stranger: User) -> None:
    real = RefreshToken.for_user(owner)
    meant = {"aud": "tablekeep", "iss": "tablekeep"}
    payload: dict[str, Any] = {**real.access_token.payload, **meant}
    key: Any = settings.SIMPLE_JWT["SIGNING_KEY"]
    assert asked_with(jwt.encode(payload, key, "HS256")) == 200
    head, body, _ = str(real.access_token).split(".")
    past = int((timezone.now() - timedelta(hours=1)).timestamp())
    forged = {
        "unsigned": jwt.encode(payload, "", "none"),
        "signature cut off": f"{head}.{body}.",
        "signature of another": f"{head}.{body}.{str(RefreshToken.for_user(stranger).access_token).split('.')[2]}",
        "another key": jwt.encode(payload, "x" * 64, "HS256"),
        "the key of sessions": jwt.encode(payload, settings.SECRET_KEY, "HS256"),
        "another algorithm": jwt.encode(payload, key * 2, "HS512"),
        "a refresh token": str(real),
        "for others": jwt.encode({**payload, "aud": "wiki"}, key, "HS256"),
        "for nobody": jwt.encode({k: v for k, v in payload.items() if k != "aud"}, key, "HS256"),
        "of others": jwt.encode({**payload, "iss": "wiki"}, key, "HS256"),
        "with another's key in it": jwt.encode(payload, "x" * 64, "HS256", {"jwk": {"kty": "oct", "k": "eA"}}),
        "expired": jwt.encode({**payload, "exp": past}, key, "HS256"),
        "without an end": jwt.encode({k: v for k, v in payload.items() if k != "exp"}, key, "HS256"),
        "somebody else's": jwt.encode({**payload, "user_id": str(stranger.pk)}, key, "HS256"),
        "nobody's": jwt.encode({**payload, "user_id": "0"}, key, "HS256"),
        "no token": "null",
    }
    assert {name: status for name, token in forged.items() if (status := asked_with(token)) != 401} == {}


def addresses(patterns: Iterable[Any], prefix: str = "/") -> Iterator[str]:
    """An address of each route, with something in the place of its parameters."""
    for pattern in patterns:
        part = str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, prefix + part)
        elif isinstance(pattern, URLPattern) and "(" not in part and "^" not in part:
            pieces = (prefix + part).replace(">", "<").split("<")
            names = ["1" if "int" in piece or "record" in piece else "t" for piece in pieces[1::2]]
            yield "".join(a + b for a, b in zip(pieces[::2], [*names, ""], strict=True))


def test_forms_of_other_sites(owner: User) -> None:
    make_table(owner, "t", name="TEXT")
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    ours = [
        path for path in addresses(get_resolver().url_patterns) if not path.startswith(("/api", "/health", "/metr"))
    ]
    assert len(ours) > 60
    accepted = {
        path: status
        for path in ours
        for headers in ({}, {"Origin": "https://evil.example"})
        if (status := client.post(path, {"name": "x"}, headers=headers).status_code) not in (403, 404, 405)
    }
    assert accepted == {}


def test_sockets_for_other_sites(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["tables.example.com", "127.0.0.1"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://proxied.example.com", "https://*.example.net"]
    ours = {
        "http://tables.example.com": "tables.example.com", "https://Tables.example.com:8443": "tables.example.com:8443",
        "http://127.0.0.1:8000": "127.0.0.1:8000", "https://proxied.example.com": "127.0.0.1:8000",
        "https://a.example.net": "127.0.0.1:8000",
    }  # fmt: skip
    assert [origin for origin, host in ours.items() if not is_ours(origin, host)] == []
    others = {
        "http://127.0.0.1:3000": "127.0.0.1:8000", "http://localhost:8000": "127.0.0.1:8000", "null": "127.0.0.1:8000",
        "https://evil.example": "127.0.0.1:8000", "http://evil.example": "evil.example", "http://[": "127.0.0.1:8000",
        "http://proxied.example.com": "127.0.0.1:8000", "https://evilexample.net": "127.0.0.1:8000", "null ": "",
    }  # fmt: skip
    assert [origin for origin, host in others.items() if is_ours(origin, host)] == []
    settings.ALLOWED_HOSTS = ["*"]
    assert not is_ours("https://evil.example", "127.0.0.1:8000")


def test_the_api_takes_no_cookies(owner: User) -> None:
    client = Client()
    client.force_login(owner)
    assert client.get("/api/tables/").status_code == 401
    assert client.post("/api/create-table/", {"table_name": "x", "fields": {}}).status_code == 401


def test_spoofed_headers(owner: User) -> None:
    make_table(owner, "t", name="TEXT")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {RefreshToken.for_user(owner).access_token}")
    spoofed = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Original-URL": "/api/trash/"}
    made = client.post("/api/tables/t/records/", {"name": "Ada"}, headers=spoofed)
    assert made["Location"] == "http://testserver/api/tables/t/records/1/"
    assert client.get("/api/tables/", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/login/", headers={"Host": "evil.example"}).status_code == 400
    for method in ("GET", "DELETE"):
        over = client.post("/api/tables/t/records/1/", {}, headers={"X-HTTP-Method-Override": method})
        assert over.status_code == 405


PASSED_ON = (
    "/login/", "/logout/", "/admin/", "/admin/login/", "/account/confirm/", "/tables/t/undo/1/",
    "/account/sessions/end/", "/public/x/", "/account/second-factor/",
)  # fmt: skip
"""Pages that may send somebody on."""


def test_nobody_is_sent_to_other_sites(owner: User, password: str) -> None:
    make_table(owner, "t", name="TEXT")
    inside, outside = Client(), Client()
    inside.force_login(owner)
    login = {"username": "owner", "password": password}
    for target in (
        "https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example/", "\\/evil.example",
        "https:evil.example", "https:///evil.example", "\t//evil.example", "javascript:alert(1)", "/%0d%0aX: y",
    ):  # fmt: skip
        spoofed = {"Referer": target, "HX-Current-URL": target}
        answers = [
            Client().post(f"/login/?{urlencode({'next': target})}", login),
            Client().post("/login/", {**login, "next": target}),
            *(
                client.generic(method, f"{path}?{urlencode({'next': target})}", headers=spoofed | more)
                for client in (inside, outside)
                for path in PASSED_ON
                for method, more in (("GET", {}), ("POST", {}), ("POST", {"HX-Request": "true"}))
            ),
            *(
                client.post("/account/theme/", {"theme": "dark", "next": target}, headers=spoofed)
                for client in (inside, outside)
            ),
        ]  # fmt: skip
        inside.force_login(owner)
        for answer in answers:
            for name in ("Location", "HX-Redirect"):
                to = answer.headers.get(name, "/")
                assert re.fullmatch(r"/(?![/\\])[^\x00-\x20]*", to), (target, to)


def test_names_of_files_lead_nowhere(owner: User) -> None:
    make_table(owner, "t", name="TEXT")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {RefreshToken.for_user(owner).access_token}")
    folder = Path(default_storage.path("")).resolve()
    for name in (
        "../../../../tmp/evil.csv", "..\\..\\evil.csv", "/etc/cron.d/evil.csv", "....//evil.csv", "%2e%2e%2fevil.csv",
        "evil.csv\\r\\nSet-Cookie: a=b.csv", "evil\tx.csv", "\u202evsc.exe.csv", "C:\\evil.csv", "con.csv",
    ):  # fmt: skip
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, "name\nAnn\n")
        for called, content in ((name, b"name\nAnn\n"), ("packed.zip", packed.getvalue())):
            # By hand, since clients clean names.
            head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{called}"\r\n\r\n'
            body = head.encode() + content + b"\r\n--x--\r\n"
            answer = client.post("/api/tables/t/imports/", body, content_type="multipart/form-data; boundary=x")
            assert answer.status_code == 202, (called, answer.content)
            job = ImportJob.objects.get(pk=answer.json()["id"])
            assert Path(default_storage.path(job.source)).resolve().is_relative_to(folder)
            assert not re.search(r"[/\\\x00-\x1f]", job.filename), job.filename
            asked = client.get(f"/api/imports/{job.pk}/rejected.csv")
            assert re.fullmatch(r"attachment; filename[^\r\n]*", asked["Content-Disposition"])
            job.delete()


def test_a_planted_session(owner: User, password: str) -> None:
    client = Client()
    planted = Client()
    planted.get("/login/")
    session = planted.session
    session["x"] = 1
    session.save()
    client.cookies["sessionid"] = session.session_key or ""
    client.post("/login/", {"username": "owner", "password": password})
    assert client.get("/").status_code == 200
    assert client.cookies["sessionid"].value != session.session_key
    planted.cookies["sessionid"] = session.session_key or ""
    assert planted.get("/").status_code == 302


def test_shared_caches_keep_nothing(owner: User) -> None:
    make_table(owner, "t", name="TEXT")
    browser, client = Client(), APIClient()
    browser.force_login(owner)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {RefreshToken.for_user(owner).access_token}")
    for answer in (
        browser.get("/"), browser.get("/tables/t/"), browser.get("/login/"), client.get("/api/tables/"),
        client.get("/api/tables/t/export/"), client.get("/api/nowhere/"),
    ):  # fmt: skip
        assert {"private", "no-store"} & set(answer["Cache-Control"].split(", "))


def test_the_role_can_do_nothing_to_the_server() -> None:
    assert not usage.is_mighty()
    for statement in (
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "COPY (SELECT 1) TO '/tmp/tablekeep'",
        "CREATE TEMP TABLE x (y text); COPY x FROM '/etc/passwd'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
        "CREATE ROLE other",
        "CREATE EXTENSION file_fdw",
        "CREATE LANGUAGE plpython3u",
    ):
        refused = pytest.raises(
            DatabaseError, match=r"permission denied|must be superuser|not available|could not open"
        )
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_deployment_check_is_clean(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=Path(__file__).resolve().parents[2],
        env={
            **{name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"},
            "SECRET_KEY": secrets.token_urlsafe(60),
            "CSRF_TRUSTED_ORIGINS": "https://tables.example.com",
            "ALLOWED_HOSTS": "tables.example.com",
            "DATA_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
