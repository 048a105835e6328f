"""What a source's address has to offer: nothing new, another header, or a file to import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.core.files.storage import default_storage
from django.db import transaction

from dataengine.exceptions import DataEngineError, Unavailable
from dataengine.imports.planning.recipes import FoundRecipe, compared, difference
from dataengine.jobs.doorbell import RUN_IMPORT, ring
from dataengine.models import Download, ImportJob, Source
from dataengine.services import fetching, same_files, storage_quota
from dataengine.services.imports import filled_by, findings_of, wish
from dataengine.services.stored_files import is_unnamed

if TYPE_CHECKING:
    from dataengine.services.download_watch import DownloadWatch


DRIFTED = "source_drifted"


class Drifted(DataEngineError):
    """The file's header is another one than before."""

    code = DRIFTED


def bring(job: Download, source: Source, watch: DownloadWatch, *, is_last: bool) -> None:
    """Fetch the file of a source and queue its import, in the transaction that completes the download.

    Raises what ``fetching.fetched`` and ``imports.start`` raise, and Drifted.
    """
    known = fetching.Known(source.etag, source.last_modified)
    try:
        with fetching.fetched(
            source.url, watch.progress, user_id=source.user_id, known=known, is_last=is_last
        ) as found:
            sha256 = same_files.sha256_of(found.file)
            seen = {"etag": found.known.etag, "last_modified": found.known.last_modified}
            if sha256 == source.sha256:
                with transaction.atomic():
                    Source.objects.filter(pk=source.pk).update(**seen)
                    watch.complete(bytes_read=found.size, bytes_total=found.size, key="", url="")
                return
            wanted = wish(source.user, source.table, source.table.name, source.options)
            storage_quota.check(source.user, found.size)
            findings, options = findings_of(source.user, found.file, found.filename, wanted)
            headers = findings.get("headers", [])
            _check_headers(source, headers, cast("FoundRecipe | None", findings.get("recipe")))
            key = found.keep()
            try:
                with transaction.atomic():
                    made = ImportJob.objects.create(
                        table=source.table,
                        table_name=source.table.name,
                        user=source.user,
                        email=source.user.email,
                        filename=found.filename,
                        source=key,
                        came_from=job.came_from,
                        sha256=sha256,
                        options=options.given,
                        findings=findings,
                        read_again=filled_by(source.table, findings),
                        bytes_total=found.size,
                    )
                    fields: dict[str, Any] = {**seen, "sha256": sha256, "headers": headers, "importing": made}
                    # Of another address than it has by now, nothing is imported.
                    if not Source.objects.filter(pk=source.pk, url=source.url).update(**fields):
                        raise Unavailable("The source was changed meanwhile.")
                    watch.complete(bytes_read=found.size, bytes_total=found.size, filename=found.filename, url="")
                    transaction.on_commit(lambda: ring(RUN_IMPORT, made.pk))
            except BaseException as error:
                if is_unnamed(error):
                    default_storage.delete(key)
                raise
    except fetching.Unchanged:
        watch.complete(url="")


def _check_headers(source: Source, headers: list[str], recipe: FoundRecipe | None) -> None:
    if source.headers:
        recipe = compared("", (source.headers, {}), (headers, {}), [])
    if recipe is None or not (recipe["new"] or recipe["missing"] or recipe["moved"]):
        return
    Source.objects.filter(pk=source.pk).update(other_headers=headers)
    said = difference({**recipe, "gone": [], "changed": []}).partition("”. ")[2]
    raise Drifted(f"The header of the file is another one than before. {said}")
