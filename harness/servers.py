"""The tests' own PostgreSQL and Redis: started once for a run, stopped and removed at its end."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from config.stack.embedded import postgres_in, redis_in, wait_until_ready
from config.stack.processes import Program, kill_group, popen_options


def start(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """Start a program with its output going to ``log``."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            program.argv, stdin=subprocess.PIPE, stdout=output, stderr=output, **popen_options(program)
        )
    assert process.stdin is not None
    process.stdin.write(program.stdin)
    process.stdin.close()
    return process


def stop(program: Program, process: subprocess.Popen[bytes]) -> None:
    """Stop a program gracefully or else kill it, with what is left of its group."""
    if process.poll() is None:
        process.send_signal(program.stop_signal)
        try:
            process.wait(program.grace)
        except subprocess.TimeoutExpired:
            process.kill()
    kill_group(process.pid)
    process.wait(program.grace)


def start_embedded() -> None:
    """Put DATABASE_URL, REDIS_URL and DATA_DIR into the environment, and start the servers behind them."""
    folder = Path(tempfile.mkdtemp(prefix="tablekeep-tests-"))
    owner = os.getpid()

    @atexit.register
    def remove_folder() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    def serve(program: Program) -> None:
        process = start(program, folder / f"{program.name}.log")

        @atexit.register
        def stop_it() -> None:
            if os.getpid() == owner:
                stop(program, process)

        wait_until_ready(program, process)

    # Never use a folder or store with somebody's real files: tests empty theirs.
    os.environ["DATA_DIR"] = str(folder / "data")
    os.environ["STATIC_ROOT"] = str(folder / "static")  # all stacks of the tests show the same files
    os.environ.pop("STORAGE_URL", None)
    if not os.environ.get("DATABASE_URL"):
        postgres = postgres_in(folder, durable=False)
        postgres.initialise()
        serve(postgres.program())
        postgres.ensure_database()
        os.environ["DATABASE_URL"] = postgres.url
        os.environ["READER_URL"] = postgres.reader_url
    if not os.environ.get("REDIS_URL"):
        redis = redis_in(folder)
        serve(redis.program())
        os.environ["REDIS_URL"] = redis.url
