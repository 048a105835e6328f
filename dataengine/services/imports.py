"""Starting, cancelling and retrying imports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.validators import validate_email
from django.db import Error as DatabaseError
from django.db import transaction

from dataengine import access
from dataengine.exceptions import Conflict, InvalidInput, NotFound, TooLarge
from dataengine.imports.dialects.opening import Opening, examine
from dataengine.imports.planning.corrected_files import as_before
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import Plan, plan_new, plan_onto
from dataengine.imports.planning.recipes import RECIPE_DIFFERS, FoundRecipe, difference
from dataengine.jobs import attempts
from dataengine.jobs.doorbell import RUN_IMPORT, ring
from dataengine.jobs.progress import publish
from dataengine.models import ImportJob, Recipe, Table
from dataengine.models.shapes import EndedImportDetails, Findings, ReadAgain
from dataengine.postgres import locks
from dataengine.services import import_references, recipes, same_files, storage_quota
from dataengine.services.audit import record_event
from dataengine.services.import_references import targets_of, targets_of_new
from dataengine.services.removals import EMPTY, removal_of
from dataengine.services.stored_files import give_back, is_unnamed, key_of, store
from dataengine.services.tables import check_table_name

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_RETRYABLE = (ImportJob.State.FAILED, ImportJob.State.CANCELLED)


def start(
    *,
    user: User,
    table: Table | None,
    table_name: str,
    file: BinaryIO,
    filename: str,
    email: str = "",
    options: dict[str, Any] | None = None,
    send: bool = True,
) -> ImportJob:
    """Check what can be checked at once, store the file, queue the job and ring for a worker.

    ``table`` None means the table ``table_name`` or, with the option ``create_table``, a new one with that name.
    ``send=False`` leaves the ringing to the caller, who runs the job in its own process.
    Raises NotFound, AccessDenied, Conflict, or InvalidInput with everything that is wrong with file, options or
    mapping.
    """
    wanted = wish(user, table, table_name, options)
    email = email.strip()
    if email:
        check_email(email)
    target = wanted.table
    if target is None:
        _refuse_taken(table_name)
    size = _size(file)
    given = key_of(file)
    storage_quota.check(user, size, key=given)
    name = safe_name(filename)
    with same_files.hashing(file) as hashed:
        findings, read = findings_of(user, file, name, wanted)
    sha256 = hashed.result()
    file.seek(0)
    if warnings := same_files.cautions(target, sha256):
        findings["warnings"] = [*warnings, *findings.get("warnings", [])]
    # Outside of the transaction: storing a large file remotely takes longer than a transaction may be idle.
    key = store(file, name)
    is_written = False
    try:
        with transaction.atomic():
            if target is None:
                refuse_twice(table_name)
            storage_quota.check(user, size, key=given, lock=True)
            job = ImportJob.objects.create(
                table=target,
                table_name=target.name if target else table_name,
                user=user,
                email=email,
                filename=name,
                source=key,
                sha256=sha256,
                options=read.given,
                findings=findings,
                read_again=filled_by(target, findings),
                bytes_total=size,
            )
            if send:
                transaction.on_commit(lambda: ring(RUN_IMPORT, job.pk))
            is_written = True  # only the commit is left
    except (DatabaseError, Conflict) as error:
        if not is_written or is_unnamed(error):
            give_back(key, given)
        raise
    return job


class Wish(NamedTuple):
    """What an import is to do: its table (None: a new one), its options, and the recipe that they name."""

    table: Table | None
    options: ImportOptions
    recipe: Recipe | None


def wish(user: User, table: Table | None, table_name: str, options: Mapping[str, Any] | None) -> Wish:
    """What an import is to do, if the user may. Raises NotFound, AccessDenied, Conflict or InvalidInput."""
    complete, recipe = recipes.expanded(user, table, table_name, options)
    read = ImportOptions.read(complete)
    return Wish(_target(user, table, table_name, read), read, recipe)


def safe_name(filename: str) -> str:
    """The name of a file as it is kept: without folders and what cannot be printed."""
    name = "".join(char if char.isprintable() else "_" for char in PurePath(filename.replace("\\", "/")).name)
    return name.strip()[-255:] or "file"


def pasted_file(text: str) -> SimpleUploadedFile:
    """A text that somebody pasted, as the file that it would be."""
    is_json = text.lstrip().startswith(("{", "["))
    return SimpleUploadedFile("pasted.json" if is_json else "pasted.csv", text.encode("utf-8", "replace"))


def check_email(email: str) -> None:
    try:
        validate_email(email)
    except ValidationError as error:
        reason = "This is not a valid e-mail address."
        raise InvalidInput(reason, code="invalid_email", fields={"email": reason}) from error


def _target(user: User, table: Table | None, table_name: str, options: ImportOptions) -> Table | None:
    if options.create_table:
        access.check_may_make_tables(user)
        if table is not None:
            reason = f"There is already a table “{table.name}”; choose another name."
            raise Conflict(reason, code="name_taken", fields={"table_name": reason})
        check_table_name(table_name)
        return None
    return access.get_table(user, table.name if table else table_name, "edit")


def refuse_twice(table_name: str) -> None:
    """Raise Conflict if another import makes the table, or is being queued to, at the same moment as this one.

    In the transaction that queues this one.
    """
    if not locks.takes_name(table_name):
        raise _taken(table_name)
    _refuse_taken(table_name)


def _refuse_taken(table_name: str) -> None:
    if ImportJob.objects.filter(state__in=ImportJob.ACTIVE, table__isnull=True, table_name__iexact=table_name).exists():
        raise _taken(table_name)


def _taken(table_name: str) -> Conflict:
    reason = f"Another import is already making the table “{table_name}”."
    return Conflict(reason, code="import_running", fields={"table_name": reason})


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    size = file.tell() if size is None else size  # Django's files return None
    file.seek(0)
    check_size(size)
    return int(size)


def check_size(size: int) -> None:
    """Raise TooLarge for a file with more bytes than are allowed."""
    if size > settings.MAX_UPLOAD_BYTES:
        reason = f"The file has {size:,} bytes; at most {settings.MAX_UPLOAD_BYTES:,} are allowed."
        raise TooLarge(reason, fields={"file": reason})


def findings_of(user: User, file: BinaryIO, filename: str, wanted: Wish) -> tuple[Findings, ImportOptions]:
    """What a plan from the beginning of the file finds, with the options as they are to be stored."""
    table, options, recipe = wanted
    if table is not None:
        removal_of(table, options.mode)
    try:
        opening = examine(file, filename, options.dialect)
    except InvalidInput as error:
        if options.mode.mirrors and error.error_code in EMPTY:
            return {}, options  # that is for the import to say, where whoever waits for it is told
        if "sheet" not in error.fields:
            error.fields.setdefault("file", [error.message])
        raise
    if table is None:
        plan = plan_new(opening, options)
        options = _with_references(user, targets_of_new(user, options), plan, opening, options, None)
        return plan.findings(), options
    differs: FoundRecipe | None = None
    if recipe is not None:
        options, differs = recipes.fitted(recipe, table, opening, options)
    options = as_before(table, filename, opening, options)
    columns = list(table.columns.all())
    plan = plan_onto(opening, options, [column.to_spec() for column in columns])
    options = _with_references(user, targets_of(columns), plan, opening, options, table)
    plan.recipe = differs
    if differs is None:
        plan.proposed = recipes.proposals(table, opening)
    elif said := difference(differs):
        plan.cautions.append({"code": RECIPE_DIFFERS, "message": said})
    return plan.findings(), options


def filled_by(table: Table | None, findings: Findings) -> ReadAgain:
    """Which columns the file was told to fill, whatever they are called by the time that it does."""
    keys = {column.name: column.pk for column in table.columns.all()} if table is not None else {}
    mapping = findings.get("mapping", {})
    return {"columns": {header: keys[name] for header, name in mapping.items() if name in keys}}


def _with_references(
    user: User, targets: Mapping[str, Table], plan: Plan, opening: Opening, options: ImportOptions, table: Table | None
) -> ImportOptions:
    """The options with how references are looked up, which is also put into the plan."""
    options = import_references.completed(user, targets, plan, opening, options)
    plan.references = import_references.rules(targets, options, table)
    return options


def cancel(*, user: User, job: ImportJob) -> ImportJob:
    """Cancel an import: at once if it is queued, otherwise as soon as it notices. Nothing of it stays."""
    if job.table is not None:
        access.get_table(user, job.table.name, "edit")
    elif job.user_id != user.pk:
        raise NotFound(f"There is no import {job.pk}.", code="import_not_found")
    with transaction.atomic():
        if not attempts.cancel(job):
            raise Conflict("This import has already ended.", code="import_over")
        details: EndedImportDetails = {"import": job.pk, "filename": job.filename}
        record_event(user=user, table=job.table, table_name=job.table_name, action="import.cancelled", details=details)
    transaction.on_commit(lambda: publish(job.pk))
    job.refresh_from_db()
    return job


def retry(*, user: User, job: ImportJob) -> ImportJob:
    """Queue a new job for the file of an import that failed or was cancelled; the file passes to the new job.

    A dry run that was completed is done for real. Raises NotFound, AccessDenied, or Conflict if the import did not
    fail, its file is gone, or its table's name has been taken meanwhile.
    """
    if job.table is None and job.user_id != user.pk:
        raise NotFound(f"There is no import {job.pk}.", code="import_not_found")
    if job.state not in _RETRYABLE and not job.was_rehearsed:
        reason = "Only an import that failed or was cancelled, or a dry run, can be tried again."
        raise Conflict(reason, code="not_retryable")
    if not job.url and (not job.source or not default_storage.exists(job.source)):
        raise Conflict("The file of this import has been deleted; upload it again.", code="file_gone")
    given = {name: value for name, value in job.options.items() if name != "dry_run" or not job.was_rehearsed}
    options = ImportOptions.read(given)
    if job.replaces_id is not None and job.table is not None:  # the table's name is its own
        target: Table | None = access.get_table(user, job.table.name, "own")
    else:
        target = _target(user, None if options.create_table else job.table, job.table_name, options)
    looked_up = targets_of_new(user, options) if target is None else targets_of(list(target.columns.all()))
    import_references.check_rights(user, looked_up, options)
    with transaction.atomic():
        if target is None:
            refuse_twice(job.table_name)
        return pass_on(
            job,
            taken="This import has already been tried again.",
            table=target,
            table_name=job.table_name,
            user=user,
            options=given,
            findings=job.findings,
            read_again=job.read_again,
            replaces=job.replaces,
        )


def pass_on(job: ImportJob, *, taken: str, **fields: Any) -> ImportJob:
    """Queue a new job with the file of one that is over, inside the caller's transaction.

    Whoever takes the file from the old job first has it: of two at once, the other gets a Conflict that says ``taken``.
    """
    if not ImportJob.objects.filter(pk=job.pk, source=job.source, url=job.url).update(source="", url=""):
        raise Conflict(taken, code="file_gone")
    again = ImportJob.objects.create(
        email=job.email,
        filename=job.filename,
        source=job.source,
        url=job.url,
        came_from=job.came_from,
        sha256=job.sha256,
        bytes_total=job.bytes_total,
        **fields,
    )
    transaction.on_commit(lambda: ring(RUN_IMPORT, again.pk))
    return again
