"""``manage.py import_csv PATH --table T``: an import like that of an upload, from a terminal. PATH may be a URL.

Exit codes: 0 all rows were imported; 1 the import failed; 2 the command, the file or an option is wrong; 3 done, but
rows were rejected; 130 cancelled with Ctrl-C.
"""

from __future__ import annotations

import json
import re
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from dataengine.exceptions import Conflict, DataEngineError
from dataengine.imports.reading.kinds import FORMATS
from dataengine.jobs.progress import ImportProgress
from dataengine.models import ImportJob, Table
from dataengine.services import import_runs, imports, remote_imports

FAILED, WRONG, REJECTED, INTERRUPTED = 1, 2, 3, 130
_POLL_SECONDS = 0.2
_URL = re.compile(r"(https?|s3)://", re.IGNORECASE)
_PHASES = {
    "fetching": "Fetching",
    "reading": "Reading",
    "checking": "Checking",
    "loading": "Loading",
    "indexing": "Building indexes",
    "finishing": "Finishing",
}


class Command(BaseCommand):
    """Imports one file in this process and shows the progress."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", help=f"the file: {FORMATS}; or where it is fetched from: https://…, s3://…")
        parser.add_argument("--table", required=True, help="the table's name")
        parser.add_argument("--create-table", action="store_true", help="make the table from the file")
        parser.add_argument("--owner", help="user name; default: the table's owner, or the first administrator")
        parser.add_argument("--email", default="", help="the address to mail at the end")
        parser.add_argument("--delimiter")
        parser.add_argument("--quote", help="'' if there is none")
        parser.add_argument("--escape")
        parser.add_argument("--encoding")
        parser.add_argument("--no-header", action="store_false", dest="has_header", default=None)
        parser.add_argument(
            "--units",
            action=BooleanOptionalAction,
            dest="has_units",
            help="whether the line below the header is no row, but has units; else found",
        )
        parser.add_argument("--skip-rows", type=int, metavar="LINES", help="lines to skip before the header")
        parser.add_argument("--sheet", help="of a workbook: its name, or its number from 1")
        parser.add_argument(
            "--mapping", type=_mapped, action="append", metavar="HEADER=COLUMN", help="HEADER= ignores a column"
        )
        parser.add_argument(
            "--null-value", "--null-values", action="append", dest="null_values", help="may be repeated"
        )
        parser.add_argument("--date-format", action="append", dest="date_formats", help="for example %%d/%%m/%%Y")
        parser.add_argument("--on-conflict", choices=["reject", "skip", "update", "update_only"])
        parser.add_argument(
            "--key", action="append", help="the column that finds a row's record; repeated: several columns together"
        )
        parser.add_argument("--recipe", help="the name of a recipe of the table")
        parser.add_argument(
            "--references",
            type=_json_object,
            metavar="JSON",
            help='{"column": {"match": "other column"}}',
        )
        parser.add_argument(
            "--on-missing",
            type=_missing,
            metavar="WHAT",
            help='keep, delete, or JSON such as {"set": {"active": false}}',
        )
        parser.add_argument("--scope", type=_json_object, metavar="JSON", help='a filter: {"shop": "north"}')
        parser.add_argument("--max-delete-share", type=float, metavar="SHARE", help="of the scope, for --on-missing")
        parser.add_argument("--allow-rejected", action="store_true", help="remove records whatever rows are rejected")
        parser.add_argument("--replace", action="store_true", help="the file is the table afterwards")
        parser.add_argument("--on-error", choices=["skip_rows", "abort"])
        parser.add_argument("--types", type=_json_object, metavar="JSON", help='of a new table: {"column": "TYPE"}')
        parser.add_argument("--decimal", choices=[".", ","], help="the mark before decimals")
        parser.add_argument("--thousands", choices=[".", ",", " ", "'"], help="the mark between thousands")
        parser.add_argument("--tolerance", type=float, help="the share of cells that may not fit a column's type")
        parser.add_argument("--on-bad-cell", choices=["reject", "null", "text"])
        parser.add_argument("--unique", nargs="+", metavar="COLUMN", help="of a new table: no value of it twice")
        parser.add_argument("--skip-last", type=int, metavar="ROWS", help="at the end: totals, footnotes")
        parser.add_argument(
            "--trim", action=BooleanOptionalAction, help="whether spaces around cells never count; else in text only"
        )
        parser.add_argument(
            "--guarded", choices=["auto", "true", "false"], help="whether to take off the ' that exports write"
        )
        parser.add_argument("--allow-infinity", action="store_true", help="inf is a value of floating point")
        parser.add_argument("--dry-run", action="store_true")
        parser.add_argument(
            "--options",
            type=_json_object,
            default={},
            metavar="JSON",
            help='any of docs/importing.md, for example \'{"decimal": {"price": ","}}\'; what stands beside it wins',
        )

    def handle(self, *args: Any, **given: Any) -> None:
        console = Console(stderr=True)
        path: str = given["path"]
        options = {**given["options"], **_options(given)}
        asked = {
            "user": _owner(given["owner"], given["table"], console),
            "table_name": given["table"],
            "email": given["email"],
            "options": options,
            "send": False,
        }
        try:
            if _URL.match(path):
                job = remote_imports.start_from(url=path, **asked)
            else:
                with Path(path).open("rb") as file:
                    job = imports.start(table=None, file=file, filename=Path(path).name, **asked)
        except OSError as error:
            _leave(console, f"{path}: {error.strerror}", WRONG)
        except DataEngineError as error:
            _leave(console, error.message, WRONG)
        try:
            job = _run(job, console)
        except KeyboardInterrupt:
            _leave(console, f"Interrupted: the import is {_stopped(job).state}.", INTERRUPTED)
        if job.state != ImportJob.State.COMPLETED:
            _leave(console, f"The import {job.state}: {job.error or 'nothing was changed'}", FAILED)
        rehearsed = "Dry run, nothing was changed. " if options.get("dry_run") else ""
        unchanged = f"{job.rows_unchanged:,} unchanged, " if job.rows_unchanged else ""
        removed = f", {job.rows_removed:,} removed" if job.rows_removed else ""
        console.print(
            f"{rehearsed}{job.table_name}: {job.rows_imported:,} imported, {job.rows_updated:,} updated, {unchanged}"
            f"{job.rows_skipped:,} skipped, {job.rows_rejected:,} rejected{removed}.",
            soft_wrap=True,
        )
        for cause in job.errors[:10]:
            console.print(
                f"  {cause['column']}: {cause['code']}, {cause['count']:,} × (line {cause['example_line']:,}: "
                f"{cause['message']})",
                markup=False,
                soft_wrap=True,
            )
        if job.rows_rejected:
            sys.exit(REJECTED)


def _json_object(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except ValueError as error:
        raise ArgumentTypeError(f"not JSON: {error}") from error
    if not isinstance(options, dict):
        raise ArgumentTypeError("not a JSON object")
    return options


def _missing(text: str) -> str | dict[str, Any]:
    return _json_object(text) if text.startswith("{") else text


def _mapped(text: str) -> tuple[str, str | None]:
    header, sign, column = text.rpartition("=")
    if not sign:
        raise ArgumentTypeError(f"{text!r} is not HEADER=COLUMN")
    return header, column or None


def _run(job: ImportJob, console: Console) -> ImportJob:
    columns = (
        TextColumn("{task.description:<17}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:>12,} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("Starting", total=1.0, rows=0)

        def watch(progress: ImportProgress) -> None:
            bar.update(
                task,
                completed=progress.progress,
                rows=progress.rows_read,
                description=_PHASES.get(progress.phase, progress.phase),
            )

        done = import_runs.run(job.pk, watch=watch)
        # A failure that may be temporary is tried again after a pause, here or by a worker.
        while done is not None and done.attempt and not done.is_over:
            time.sleep(_POLL_SECONDS)
            done = import_runs.run(job.pk, watch=watch)
        assert done is not None
        if done.state == ImportJob.State.COMPLETED:
            bar.update(task, completed=1.0, description="Done")
    return done


def _stopped(job: ImportJob) -> ImportJob:
    """The job after Ctrl-C: cancelled, unless that came too late."""
    with suppress(Conflict):
        imports.cancel(user=job.user, job=job)
    job.refresh_from_db()
    if job.state == ImportJob.State.RUNNING:  # stopped between claiming and beginning
        import_runs.sweep()
        job.refresh_from_db()
    return job


def _options(given: dict[str, Any]) -> dict[str, Any]:
    names = (
        "delimiter", "quote", "escape", "encoding", "has_header", "has_units", "skip_rows", "sheet", "null_values",
        "date_formats", "on_conflict", "key", "on_missing", "scope", "max_delete_share", "on_error", "types", "decimal",
        "thousands", "tolerance", "on_bad_cell", "skip_last", "unique", "trim", "references", "recipe",
    )  # fmt: skip
    options = {name: given[name] for name in names if given[name] is not None}
    if given["mapping"]:
        options["mapping"] = dict(given["mapping"])
    if given["guarded"]:
        options["guarded"] = {"true": True, "false": False}.get(given["guarded"], "auto")
    for flag in ("create_table", "dry_run", "allow_infinity", "allow_rejected", "replace"):
        if given[flag]:
            options[flag] = True
    return options


def _owner(username: str | None, table: str, console: Console) -> Any:
    users = get_user_model()._default_manager.filter(is_active=True)
    if username is not None:
        user = users.filter(username=username).first()
    else:
        found = Table.objects.filter(name=table).select_related("owner").first()
        user = found.owner if found else users.filter(is_superuser=True).order_by("pk").first()
    if user is None:
        _leave(console, f"There is no active user {username or '(an administrator)'}.", WRONG)
    return user


def _leave(console: Console, reason: str, code: int) -> NoReturn:
    console.print(reason, style="red", markup=False, soft_wrap=True)
    sys.exit(code)
