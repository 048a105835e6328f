"""Settings come from the environment only, and unsafe or unusable ones are refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.stack.private import PROJECT_DIR
from dataengine.tests.waiting import PATIENCE_SECONDS

_SHOW = """
import json
from config import settings
names = [name for name in dir(settings) if name.isupper()]
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""


def _run(tmp_path: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data dir"), **variables}
    return subprocess.run(
        [sys.executable, "-c", _SHOW],
        cwd=PROJECT_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def _settings(tmp_path: Path, **variables: str) -> dict[str, Any]:
    done = _run(tmp_path, {"SECRET_KEY": "a secret", **variables})
    assert done.returncode == 0, done.stderr
    settings: dict[str, Any] = json.loads(done.stdout)
    return settings


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "", "DEBUG": "0"}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "x", "DATABASE_URL": "sqlite:///db"}, "DATABASE_URL must be a PostgreSQL address"),
        ({"SECRET_KEY": "x", "STORAGE_URL": "ftp://host/"}, "STORAGE_URL must be"),
    ],
)
def test_refuses_to_start(tmp_path: Path, variables: dict[str, str], complaint: str) -> None:
    done = _run(tmp_path, variables)

    assert done.returncode != 0
    assert complaint in done.stderr


def test_debug_is_off_unless_asked_for(tmp_path: Path) -> None:
    assert _settings(tmp_path)["DEBUG"] is False
    assert _settings(tmp_path, DEBUG="1", SECRET_KEY="")["DEBUG"] is True


def test_tokens_are_signed_with_a_key_of_their_own(tmp_path: Path) -> None:
    derived = _settings(tmp_path)["JWT_SIGNING_KEY"]

    assert len(derived) == 64
    assert derived != _settings(tmp_path, SECRET_KEY="another")["JWT_SIGNING_KEY"]
    assert _settings(tmp_path, JWT_SIGNING_KEY="given")["SIMPLE_JWT"]["SIGNING_KEY"] == "given"


@pytest.mark.parametrize(("role", "limits"), [("web", (5000, 500, 30000)), ("worker", (0, 0, 0))])
def test_only_requests_have_time_limits_in_the_database(tmp_path: Path, role: str, limits: tuple[int, ...]) -> None:
    options = _settings(tmp_path, TABLEKEEP_ROLE=role)["DATABASES"]["default"]["OPTIONS"]["options"]

    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    assert options == " ".join(f"-c {name}={limit}" for name, limit in zip(names, limits, strict=True))


def test_cookies_are_for_https_only_where_there_is_https(tmp_path: Path) -> None:
    plain = _settings(tmp_path)
    https = _settings(tmp_path, CSRF_TRUSTED_ORIGINS="https://tables.example.com")

    assert not plain["SESSION_COOKIE_SECURE"]
    assert not plain["SECURE_HSTS_SECONDS"]
    assert https["SESSION_COOKIE_SECURE"]
    assert https["CSRF_COOKIE_SECURE"]
    assert https["SECURE_HSTS_SECONDS"] > 0


def test_uploads_and_mails_are_files_in_data_dir_by_default(tmp_path: Path) -> None:
    settings = _settings(tmp_path)

    assert settings["EMAIL_BACKEND"].endswith("filebased.EmailBackend")
    assert settings["EMAIL_FILE_PATH"] == str(tmp_path / "data dir" / "mail")
    assert settings["STORAGES"]["default"]["OPTIONS"]["location"] == str(tmp_path / "data dir" / "uploads")


def test_mail_by_smtp(tmp_path: Path) -> None:
    settings = _settings(tmp_path, EMAIL_URL="smtp+tls://me:p%40ss@mail.example.com:587")

    assert settings["EMAIL_BACKEND"].endswith("smtp.EmailBackend")
    assert (settings["EMAIL_HOST"], settings["EMAIL_PORT"]) == ("mail.example.com", 587)
    assert settings["EMAIL_USE_TLS"] is True
    assert settings["EMAIL_HOST_PASSWORD"] == "p@ss"


def test_uploads_in_an_s3_compatible_store(tmp_path: Path) -> None:
    url = "s3://bucket/some/prefix?endpoint_url=https://store.example.com:9000&region_name=eu"
    storage = _settings(tmp_path, STORAGE_URL=url)["STORAGES"]["default"]

    assert storage == {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": "bucket",
            "location": "some/prefix",
            "file_overwrite": False,
            "endpoint_url": "https://store.example.com:9000",
            "region_name": "eu",
        },
    }
