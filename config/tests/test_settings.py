"""Settings come from the environment only, and unsafe or unusable ones are refused."""

import os
import re
import runpy
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.stack.private import PROJECT_DIR


def _run(tmp_path: Path, variables: dict[str, str]) -> dict[str, Any]:
    """The settings made anew, beside those of the tests: only their file reads the environment as it is loaded."""
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data dir"), **variables}
    with patch.dict(os.environ, environment, clear=True):
        return runpy.run_path(str(PROJECT_DIR / "config" / "settings.py"))


def _settings(tmp_path: Path, **variables: str) -> dict[str, Any]:
    return _run(tmp_path, {"SECRET_KEY": "a secret", **variables})


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
    with pytest.raises(ImproperlyConfigured, match=complaint):
        _run(tmp_path, variables)


def test_debug_is_off_unless_asked_for(tmp_path: Path) -> None:
    assert _settings(tmp_path)["DEBUG"] is False
    assert _settings(tmp_path, DEBUG="1", SECRET_KEY="")["DEBUG"] is True


def test_tokens_are_signed_with_a_key_of_their_own(tmp_path: Path) -> None:
    derived = _settings(tmp_path)["JWT_SIGNING_KEY"]

    assert len(derived) == 64
    assert derived != _settings(tmp_path, SECRET_KEY="another")["JWT_SIGNING_KEY"]
    assert _settings(tmp_path, JWT_SIGNING_KEY="given")["SIMPLE_JWT"]["SIGNING_KEY"] == "given"


def test_the_compose_file_hands_every_setting_on(tmp_path: Path) -> None:
    table = re.findall(r"^\| (`[A-Z_`, ]+`) \|", (PROJECT_DIR / "README.md").read_text(), re.MULTILINE)
    documented = {name for names in table for name in re.findall("[A-Z_]+", names)}
    compose = (PROJECT_DIR / "docker" / "compose.yml").read_text()
    fixed_in_the_image = {"DATA_DIR", "DEBUG", "HOST", "STATIC_ROOT"}
    assert documented - set(re.findall(r"\b([A-Z_]+)(?=:)", compose)) == fixed_in_the_image
    # What is not set for the compose file is empty for us, which has to mean the same as unset.
    empty = dict.fromkeys(set(re.findall(r"\$\{([A-Z_]+):-\}", compose)) - {"SECRET_KEY"}, "")
    unset = _settings(tmp_path)
    others = {name: value for name, value in _settings(tmp_path, **empty).items() if name.isupper()}
    assert [name for name, value in others.items() if value != unset[name]] == []


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
