"""``manage.py import_csv``: the same as an upload, reported by exit codes and on standard error."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from config.stack.private import PROJECT_DIR
from dataengine.models import ImportJob
from dataengine.postgres import locks
from dataengine.services import import_runs
from dataengine.tests.importing import make_table, records
from dataengine.tests.waiting import PATIENCE_SECONDS, kept_from_writing, until

pytestmark = pytest.mark.django_db(transaction=True)


def run(path: Path, *arguments: str) -> int:
    """The exit code."""
    try:
        call_command("import_csv", str(path), *arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.parametrize(
    ("text", "arguments", "code", "said"),
    [
        ("name,n\na,1\n", [], 0, "1 imported, 0 updated, 0 skipped, 0 rejected"),
        ("name,n\na,1\nb,x\n", [], 3, "n: invalid_type, 1 × (line 3:"),
        ("name,n\na,1\nb,x\n", ["--on-error", "abort"], 1, "Nothing was imported"),
        ("name,n\n", [], 2, "no rows"),
        ("name,n\na,1\n", ["--options", '{"x": 1}'], 2, "There is no such option"),
        ("name,n\na,1\n", ["--dry-run"], 0, "Dry run, nothing was changed. T: 1 imported"),
        ("name,n\na,1\n", ["--delimiter", ";;"], 2, "exactly one character"),
        ("name,n\na,1\n", ["--owner", "nobody"], 2, "no active user"),
    ],
)
def test_exit_codes(
    owner: User,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    make_table(owner, "T", name="TEXT", n="INTEGER")
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert run(path, "--table", "T", *arguments) == code
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("owner")
def test_files_and_tables_that_are_not_there(tmp_path: Path) -> None:
    assert run(tmp_path / "nothing.csv", "--table", "T") == 2
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert run(tmp_path / "a.csv", "--table", "Nothing", "--owner", "owner") == 2
    for wrong in ("[1]", "5", "{"):
        with pytest.raises(CommandError):
            run(tmp_path / "a.csv", "--table", "T", "--options", wrong)


def test_every_option_has_its_argument(owner: User, tmp_path: Path) -> None:
    make_table(owner, "T", name="TEXT UNIQUE", n="INTEGER", day="DATE")
    path = tmp_path / "a.csv"
    path.write_bytes("junk\n'é;x';?;01.02.24;z\n'b;''y';5;03.02.24;z\n".encode("cp1252"))
    common = [
        "--table",
        "T",
        "--delimiter",
        ";",
        "--quote",
        "'",
        "--encoding",
        "cp1252",
        "--no-header",
        "--skip-rows",
        "1",
    ]
    common += ["--null-value", "?", "--date-format", "%d.%m.%y", "--mapping", "column_4="]
    assert run(path, *common, "--dry-run") == 0
    assert records("T") == []
    assert run(path, *common) == 0
    assert run(path, *common, "--on-conflict", "update", "--key", "name") == 0
    assert records("T", "name", "n", "day") == [("é;x", None, "2024-02-01"), ("b;'y", "5", "2024-02-03")]


def test_a_statement_that_is_broken_off_hides_no_ctrl_c() -> None:
    def broken_off() -> None:
        with locks.held_by_job(1, None):
            connection.connection.pgconn.send_query(b"SELECT pg_sleep(600)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    until(lambda: not locks.job_is_held(1))


def test_ctrl_c_cancels_for_good(
    owner: User, tmp_path: Path, process_environment: dict[str, str], second_connection: Callable[[], Any]
) -> None:
    make_table(owner, "T", name="TEXT", n="INTEGER")
    path = tmp_path / "a.csv"
    path.write_text("name,n\nbad,x\n" + "".join(f"a row to load,{number}\n" for number in range(400_000)))
    command = [sys.executable, "manage.py", "import_csv", str(path), "--table", "T"]
    with (
        kept_from_writing(second_connection(), "T"),  # whenever the signal comes, it is before the end
        subprocess.Popen(
            command,
            cwd=PROJECT_DIR,
            env=process_environment,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process,
    ):
        until(lambda: ImportJob.objects.filter(state="running").exists() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)

    assert (process.returncode, said.splitlines()[-1]) == (130, "Interrupted: the import is cancelled."), said
    assert import_runs.sweep() == []
    job = ImportJob.objects.get()
    assert (job.state, job.rows_rejected, job.errors) == ("cancelled", 0, [])
    assert records("T") == []
