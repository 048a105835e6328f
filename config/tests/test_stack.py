"""The embedded stack as people start it: comes up, says so, mends itself, and leaves its data and nothing else."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from django.core.management import CommandError, call_command

from config.stack.embedded import postgres_binary
from config.stack.private import PROJECT_DIR
from dataengine.tests.waiting import PATIENCE_SECONDS, until
from webui.tests.pages import read

_TRIES = 5
_READY = re.compile(r"^Tablekeep is ready at (http://127\.0\.0\.1:\d+/)$", re.MULTILINE)


class Stack:
    """A `manage.py stack` on a folder of its own, away from the project's folder and the tests' servers."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self._output = folder.parent / f"{folder.name} output"
        ours = {"DATABASE_URL", "READER_URL", "REDIS_URL", "SECRET_KEY", "DATA_DIR", "DJANGO_SETTINGS_MODULE"}
        environment = {name: value for name, value in os.environ.items() if name not in ours}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(PROJECT_DIR / "manage.py"), "stack"],
                cwd=folder.parent,
                env=environment | {"DATA_DIR": str(folder), "PORT": "0"} | variables,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def until_ready(self) -> str:
        """The address, once the stack has said that it is ready."""
        until(lambda: _READY.search(self.output) or self.process.poll() is not None)
        found = _READY.search(self.output)
        assert found, self.output
        return found[1]

    def env(self) -> dict[str, str]:
        lines = (self.folder / "stack.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def processes(self) -> dict[int, str]:
        """Every process that works in or for the folder: its id and command line."""
        found = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                about = process.environ().get("DATA_DIR"), process.cwd()
                if about[0] == str(self.folder) or about[1].startswith(str(self.folder)):
                    found[process.pid] = " ".join(process.cmdline())
        return found

    def strangers(self) -> set[int]:
        """Those of them that do not belong to this stack."""
        children = {child.pid for child in psutil.Process(self.process.pid).children(recursive=True)}
        return set(self.processes()) - children - {self.process.pid}

    def pid_of(self, *words: str) -> int:
        """The eldest of the processes whose command line holds the words."""
        children = psutil.Process(self.process.pid).children()
        return next(child.pid for child in children if all(word in " ".join(child.cmdline()) for word in words))

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tablekeep-stack-") as name:
        yield Path(name).resolve() / "a folder with spaces"


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[Stack]:
    # It listens everywhere and reaches itself at loopback, past the proxy that the rest of the world is behind.
    running = Stack(folder, HOST=str(IPv4Address(socket.INADDR_ANY)), http_proxy="http://127.0.0.1:9")
    running.until_ready()
    yield running
    running.stop()


def _get(url: str) -> tuple[int, str]:
    answer = httpx.get(url, timeout=60)
    return answer.status_code, answer.text


def _settled(address: str) -> None:
    """Wait until the stack serves again."""

    def is_ready() -> bool:
        with suppress(httpx.TransportError):
            return _get(f"{address}health/ready/")[0] == 200
        return False

    until(is_ready)


def test_serves_the_console_with_its_static_files(stack: Stack) -> None:
    address = stack.until_ready()

    status, source = _get(f"{address}login/")
    page = read(source)
    stylesheets = [href.removeprefix("/") for href in page.values("link", "href", rel="stylesheet")]

    assert status == 200
    assert stylesheets
    for path in stylesheets:
        assert _get(address + path)[0] == 200
    scripts = [src.removeprefix("/") for src in page.values("script", "src", type="module")]
    assert scripts
    for path in scripts:  # and what they import, which has names with a hash as well
        assert re.search(r"\.[0-9a-f]{12}\.js$", path)
        status, script = _get(address + path)
        assert status == 200
        imported = re.findall(r'^import .*"\./([^"]+)";$', script, re.MULTILINE)
        scripts.extend(f"{path.rpartition('/')[0]}/{name}" for name in imported)


def test_shows_the_first_administrators_password_once(stack: Stack) -> None:
    assert len(re.findall(r"user admin, password \S{16}$", stack.output, re.MULTILINE)) == 1


def test_believes_nobody_about_who_asks(stack: Stack) -> None:
    spoofed = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"}
    guess = {"username": "admin", "password": "guessed"}
    assert httpx.post(f"{stack.until_ready()}api/token/", headers=spoofed, json=guess, timeout=60).status_code == 401
    with psycopg.connect(stack.env()["DATABASE_URL"]) as connection:
        failed = "SELECT address FROM dataengine_auditevent WHERE action = 'sign_in.failed'"
        assert connection.execute(failed).fetchall() == [("127.0.0.1",)]


def test_says_where_its_servers_are(stack: Stack) -> None:
    environment = stack.env()

    assert stat.S_IMODE((stack.folder / "stack.env").stat().st_mode) == 0o600
    assert environment["REDIS_URL"].startswith("redis://:")
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM auth_user").fetchone() == (1,)


def test_a_second_one_on_the_same_folder_is_refused(stack: Stack, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROJECT_DIR / "manage.py"), "stack"],
        env=os.environ | {"DATA_DIR": str(folder), "PORT": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    assert done.returncode == 1
    assert f"already running in {folder} (process {stack.process.pid})" in done.stderr
    assert "Traceback" not in done.stderr
    assert _get(f"{stack.until_ready()}health/ready/")[0] == 200


def test_a_taken_port_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        stack = Stack(tmp_path / "data", PORT=str(taken.getsockname()[1]))

        assert stack.process.wait(PATIENCE_SECONDS) == 1

    assert "Cannot listen on" in stack.output
    assert "Traceback" not in stack.output
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize("port", ["99999", "http"])
def test_a_port_that_is_none_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PORT", port)

    with pytest.raises(CommandError, match="PORT must be a number"):
        call_command("stack")

    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize("words", [("postgres", "-D"), ("redis",), ("uvicorn",), ("celery", "worker"), ("beat",)])
def test_a_killed_program_comes_back(stack: Stack, words: tuple[str, ...]) -> None:
    address = stack.until_ready()
    before = stack.pid_of(*words)

    def has_another() -> bool:
        with suppress(StopIteration, psutil.Error):
            return stack.pid_of(*words) != before
        return False

    os.kill(before, signal.SIGKILL)
    until(has_another)

    _settled(address)
    assert stack.process.poll() is None


def test_data_outlives_a_killed_supervisor_and_nothing_else_does(stack: Stack, folder: Path) -> None:
    """The last test here: it ends the stack of the others."""
    first = stack
    first.until_ready()
    secrets = (folder / "secrets.json").read_text()
    with psycopg.connect(first.env()["DATABASE_URL"]) as connection:
        connection.execute("UPDATE auth_user SET username = 'ada'")

    first.process.kill()
    first.process.wait(PATIENCE_SECONDS)
    second = Stack(folder)  # at once, while the servers of the first are still going down
    second.until_ready()

    if sys.platform == "linux":  # elsewhere a child is not told of its parent's death
        until(lambda: not second.strangers())  # the first one's, on their way out
    with psycopg.connect(second.env()["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT username FROM auth_user").fetchall() == [("ada",)]
    assert (folder / "secrets.json").read_text() == secrets
    assert "password" not in second.output

    # As a terminal or a service manager does it: to the whole group. And once more, as make does. On a machine so busy
    # that this comes seconds after the first it means haste, which says nothing of how a stack stops that has time.
    for _ in range(_TRIES):
        os.killpg(second.process.pid, signal.SIGTERM)
        os.kill(second.process.pid, signal.SIGTERM)
        assert second.process.wait(PATIENCE_SECONDS) == 0
        if "Killing what still runs." not in second.output:
            break
        second = Stack(folder)
        second.until_ready()
    else:
        raise AssertionError(f"Two signals in a row were taken for haste {_TRIES} times.")

    assert second.processes() == {}
    assert not (folder / "stack.env").exists()
    assert second.output.endswith(f"Stopped. The data is in {folder}.\n")
    state = subprocess.run(
        [postgres_binary("pg_controldata"), folder / "postgres"],
        env={"LC_ALL": "C"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    ).stdout
    assert re.search(r"^Database cluster state: +shut down$", state, re.M)  # in order, not killed
