"""A variable that cannot be understood gives one line that names it, whatever is started."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment
from config.stack.private import PROJECT_DIR
from dataengine.tests.waiting import PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("read", "arguments", "value"),
    [
        ("number", (2,), "x"),
        ("number", (2,), "0"),
        ("number", (2,), "-1"),
        ("number", (2,), "1.5"),
        ("flag", (), "perhaps"),
        ("limit", ("30/min",), "30"),
        ("limit", ("30/min",), "0/min"),
        ("limit", ("30/min",), "5/0min"),
        ("limit", ("30/min",), "5/week"),
        ("limit", ("30/min",), "-1/min"),
        ("origins", (), "tables.example.com"),
        ("web_address", ("http://localhost",), "tables.example.com"),
        ("database", ("",), "foo"),
        ("database", ("",), "sqlite:///db"),
        ("database", ("",), "postgres://me:secret@host:port/name"),
        ("redis", ("",), "foo"),
        ("redis", ("",), "http://me:secret@host/"),
        ("redis", ("",), "redis://:secret@host:port"),
        ("email", ("",), "foo"),
        ("email", ("",), "foo://me:secret@host"),
        ("email", ("",), "smtp://me:secret@host:port"),
        ("storage", ("",), "foo"),
        ("storage", ("",), "s3:bucket"),
    ],
)
def test_invalid_values_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, read: str, arguments: tuple[Any, ...], value: str
) -> None:
    monkeypatch.setenv("THE_VARIABLE", value)

    with pytest.raises(ImproperlyConfigured, match=r"^THE_VARIABLE must ") as caught:
        getattr(environment, read)("THE_VARIABLE", *arguments)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("read", "arguments", "value", "meaning"),
    [
        ("number", (2,), " 7 ", 7),
        ("number", (2,), "", 2),
        ("flag", (), "True", True),
        ("flag", (), "off", False),
        ("flag", (), "", False),
        ("limit", ("30/min",), "", (30, 60)),
        ("limit", ("30/min",), "0", None),
        ("limit", ("30/min",), "10/15min", (10, 900)),
        ("limit", ("30/min",), "7/s", (7, 1)),
        ("limit", ("30/min",), "60/hour", (60, 3600)),
        ("texts", (), "a, b,,", ["a", "b"]),
        ("redis", ("redis://here",), "", "redis://here"),
        ("redis", ("",), "unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("origins", (), "https://*.example.com,http://host:81", ["https://*.example.com", "http://host:81"]),
    ],
)
def test_valid_values_are_accepted(
    monkeypatch: pytest.MonkeyPatch, read: str, arguments: tuple[Any, ...], value: str, meaning: object
) -> None:
    monkeypatch.setenv("THE_VARIABLE", value)

    assert getattr(environment, read)("THE_VARIABLE", *arguments) == meaning


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "check"],
        ["manage.py", "stack"],
        ["-m", "uvicorn", "config.asgi:application", "--port=0"],
        ["-m", "config.uvicorn", "--port=0"],
        ["-m", "celery", "-A", "config.celery", "worker"],
    ],
    ids=["command", "stack", "uvicorn", "web", "worker"],
)
def test_nothing_starts_and_one_line_says_why(tmp_path: Path, command: list[str]) -> None:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "SECRET_KEY": "x", "WORKER_CONCURRENCY": "0"}

    done = subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    assert done.returncode != 0
    assert done.stderr.strip() == "WORKER_CONCURRENCY must be a whole number of at least 1, not '0'"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ImproperlyConfigured, match=r"^DATA_DIR must be a folder that can be created and written: "):
        environment.folder("DATA_DIR", tmp_path / "file" / "data")
