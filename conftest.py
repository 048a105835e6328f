"""The tests' own PostgreSQL, Redis, Celery worker and ASGI server, and the cast: owner, colleague, stranger.

Servers are started here, at import: settings read the environment once, and test modules import models. One PostgreSQL
and one Redis serve the whole run; under pytest-xdist each worker has its own database in them.
"""

import gc
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from config.stack.embedded import wait_until_ready
from config.stack.processes import Program
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import PATIENCE_SECONDS, until
from harness import databases
from harness.servers import start, start_embedded, stop

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from pytest_django import DjangoDbBlocker

PROJECT_DIR = Path(__file__).resolve().parent
PASSWORD = "correct horse battery staple"
pytest_plugins = ["harness.pages"]

hypothesis_settings.register_profile(
    "tablekeep",
    # How long an example takes says more of the machine than of the code.
    deadline=None,
    # Examples share the test's tables on purpose: making them anew for each would take minutes.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    # The verdict on a commit is the same each time; at a desk, every run looks elsewhere.
    derandomize=bool(os.environ.get("CI")),
)
hypothesis_settings.load_profile("tablekeep")

UNHEARD = "unheard"
"""The queue that bells go to in a test which has no worker: one that another test started must not hear them."""

# Servers -------------------------------------------------------------------------------------------------------------


def _prepare_environment() -> None:
    # Hundreds of processes start from these sources: compiling them each time would cost more than what they do.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    xdist_worker = os.environ.get("PYTEST_XDIST_WORKER")
    if xdist_worker is None:
        start_embedded()
    else:
        number = int(xdist_worker.removeprefix("gw")) + 1
        os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rsplit("/", 1)[0] + f"/{number}"
        os.environ["DATA_DIR"] += f"-{xdist_worker}"
    for name in ("API_RATE", "UPLOAD_RATE", "ANONYMOUS_RATE"):  # tests send more than anybody may
        os.environ.setdefault(name, "0")
    # Each preview would count its file through in a process of its own; tests of that allow it.
    os.environ.setdefault("REHEARSAL_BYTES", "0")
    os.environ.setdefault("SECRET_KEY", "only for the tests, and long enough for HMAC")
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    # Playwright's synchronous API keeps an event loop in the main thread, which Django would take for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

    import django
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Static files straight from the sources; the stack's own test covers the collected ones.
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    # Two sessions of a test that wait for each other, one of them here and not in PostgreSQL, end in an error that says
    # where, not with the run. Workers have no such limits of their own.
    limits = {"lock_timeout": PATIENCE_SECONDS, "idle_in_transaction_session_timeout": 2 * PATIENCE_SECONDS}
    database = settings.DATABASES["default"]["OPTIONS"]
    database["options"] += "".join(f" -c {name}={seconds}s" for name, seconds in limits.items())
    django.setup()
    _send_bells_to(UNHEARD)


def _send_bells_to(queue: str) -> None:
    from config.celery import app

    app.conf.task_routes = {"*": {"queue": queue}}
    app.amqp.flush_routes()
    vars(app.amqp).pop("router", None)  # it keeps the routes that it was made with, so the next is made anew


_prepare_environment()
_redis = redis.Redis.from_url(os.environ["REDIS_URL"])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Keep pytest-django in the workers from loading the settings before this file has set their environment."""
    del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Groups go to one worker each, and first; any other test goes to whoever is free.

    The mark that pytest-xdist has for it does nothing with pytest 9.2, and says so nowhere (pytest-xdist issue 1386).
    """
    from harness.scheduling import Groups

    return Groups(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are processors: as many wait for a stack or a browser for much of the time."""
    return (os.cpu_count() or 1) + 2


def pytest_addoption(parser: pytest.Parser) -> None:
    """For watching a browser test while it runs."""
    group = parser.getgroup("browser")
    group.addoption("--headed", action="store_true", help="show the browser's window")
    group.addoption("--slowmo", type=float, default=0, metavar="MS", help="wait so long after each step")


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Load the test files in another order in each worker."""
    from harness.scheduling import import_test_files

    import_test_files(session)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark browser tests, and put all in their order."""
    from harness.scheduling import order

    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    order(items)


def pytest_collection_finish() -> None:
    """Tell the garbage collector that what is there by now stays: each full turn through pytest's and everybody else's
    modules takes a tenth of a second, and every import that a test runs ends with one."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)  # what a test makes is looked through less often, too


@pytest.fixture(autouse=True, scope="module")
def _what_is_there_stays() -> None:
    """The same for what the tests of another file have left in memory: models of tables, templates, caches."""
    gc.collect()  # of what has come since the last file, or garbage would stay, too
    gc.freeze()


@pytest.fixture(autouse=True)
def _nothing_of_other_tests() -> None:
    """What earlier tests left in Redis (counts of failed log-ins, bells) and in folders of files goes first."""
    _redis.delete(UNHEARD, *_redis.scan_iter("tablekeep*"))
    for name in ("uploads", "tmp"):
        folder = Path(os.environ["DATA_DIR"]) / name
        for path in folder.rglob("*") if folder.is_dir() else ():
            if path.is_file():
                path.unlink(missing_ok=True)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder of the test's own: another run of pytest would close pytest's to the user that PostgreSQL runs as."""
    with tempfile.TemporaryDirectory(prefix="tablekeep-test-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


@pytest.fixture(scope="session")
def _making_of_the_database(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[ExitStack]:
    """What ends when it has been made. Workers make theirs one after the other, since all but the first copy it."""
    from django.conf import settings

    making, options = ExitStack(), settings.DATABASES["default"]["TEST"]
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        yield making
        return
    making.enter_context(databases.made_once(options))
    yield making
    databases.forget(options)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(_making_of_the_database: ExitStack) -> None:
    """Comes before the database is made."""


@pytest.fixture(scope="session")
def django_db_setup(
    _making_of_the_database: ExitStack, django_db_setup: None, django_db_blocker: "DjangoDbBlocker"
) -> Iterator[None]:
    """The test database; at its end, sessions that requests cut short have left open are ended first."""
    from django.db import connection
    from django.test import TransactionTestCase

    from dataengine.tests.clean_slate import take_away_what_was_written

    with django_db_blocker.unblock():
        if os.environ.get("READER_URL"):
            from dataengine.postgres import reader_rights

            reader_rights.give("tablekeep_reader")
        connection.close()  # a database that somebody is connected to cannot be copied
    _making_of_the_database.close()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", lambda _test: take_away_what_was_written())
        yield

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
        )


@pytest.fixture(scope="session")
def process_environment(django_db_setup: None) -> dict[str, str]:
    """The environment for programs that work on the test database."""
    from django.db import connection

    urls = {name: os.environ[name] for name in ("DATABASE_URL", "READER_URL") if os.environ.get(name)}
    return dict(os.environ) | {
        **{name: f"{url.rsplit('/', 1)[0]}/{connection.settings_dict['NAME']}" for name, url in urls.items()},
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "TABLEKEEP_ROLE": "worker",
    }


_WORKER = f"tests-{os.getpid()}@localhost"


@pytest.fixture(scope="session")
def _celery_process(
    process_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[subprocess.Popen[bytes]]:
    from config.celery import app

    def answers() -> bool:
        return bool(app.control.ping(destination=[_WORKER], timeout=0.5))

    program = Program(
        name="celery",
        argv=(
            *(sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--loglevel=INFO", "--concurrency=2"),
            *("--without-gossip", "--without-mingle", f"--hostname={_WORKER}"),
        ),
        env=process_environment,
        folder=PROJECT_DIR,
        ready=answers,
    )
    process = start(program, tmp_path_factory.mktemp("celery") / "worker.log")
    wait_until_ready(program, process)
    yield process
    stop(program, process)


@pytest.fixture
def celery_worker(transactional_db: None, _celery_process: subprocess.Popen[bytes]) -> Iterator[int]:
    """A real Celery worker (prefork, two children) on the test database, which hears what this test rings for.

    The value is its process id. At the end of the test it is waited for: what it still does after an import's last
    word (mail, the stored file) would meet the emptying of the tables.
    """
    from config.celery import app

    assert _celery_process.poll() is None, "an earlier test killed the shared worker"
    queue = app.conf.task_default_queue
    _send_bells_to(queue)
    yield _celery_process.pid
    _send_bells_to(UNHEARD)
    app.control.purge()
    until(lambda: not _worker_is_busy())


def _worker_is_busy() -> bool:
    from config.celery import app

    inspect = app.control.inspect(destination=[_WORKER], limit=1)
    answers = [inspect.active(), inspect.reserved()]
    return any(answer is None or answer[_WORKER] for answer in answers)


@dataclass(frozen=True)
class LiveServer:
    """A running ASGI server: `url` without a slash at its end, `ws_url` the same for WebSockets."""

    url: str
    ws_url: str
    under_way: set[object]
    """Requests and sockets that it is busy with."""

    def wait_until_idle(self) -> None:
        """Wait for what clients left behind: a request that still reads would lock out who empties its tables."""
        until(lambda: not self.under_way)


@pytest.fixture(scope="session")
def _asgi_thread(django_db_setup: None) -> Iterator[LiveServer]:
    """Uvicorn in a thread: Django's own live server speaks WSGI and so no WebSockets."""
    import uvicorn

    from config.asgi import application
    from config.uvicorn import Protocol

    under_way: set[object] = set()

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        request = object()
        under_way.add(request)
        try:
            await application(scope, receive, send)
        finally:
            under_way.discard(request)

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            counted, http=Protocol, lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=1
        )
    )
    thread = Beside(target=server.run, args=([listener],))
    thread.start()
    until(lambda: server.started or not thread.is_alive())
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    yield LiveServer(url=f"http://{address}", ws_url=f"ws://{address}", under_way=under_way)
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def live_asgi(transactional_db: None, _asgi_thread: LiveServer) -> Iterator[LiveServer]:
    """The whole application over HTTP and WebSocket, on the test database."""
    yield _asgi_thread
    _asgi_thread.wait_until_idle()


# The cast ------------------------------------------------------------------------------------------------------------


def _user(name: str) -> "User":
    from django.contrib.auth.models import User

    return User.objects.create_user(username=name, email=f"{name}@example.com", password=PASSWORD)


@pytest.fixture
def owner(db: None) -> "User":
    """Who owns the tables."""
    return _user("owner")


@pytest.fixture
def colleague(db: None) -> "User":
    """Who is given rights to some of them."""
    return _user("colleague")


@pytest.fixture
def stranger(db: None) -> "User":
    """Who has no right to anything."""
    return _user("stranger")


@pytest.fixture
def password() -> str:
    """The password of each of them."""
    return PASSWORD


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which servers the tests run on, without their passwords."""

    def shown(url: str) -> str:
        return url.rsplit("@", 1)[-1]

    return [f"postgres: {shown(os.environ['DATABASE_URL'])}, redis: {shown(os.environ['REDIS_URL'])}"]
