"""A rejected.csv that comes back corrected is read like the file that its rows come from.

On its own it might be read differently: ``02/01/2024`` was in February because of other rows, ``NA`` was missing
because of another column, and headers that had to be mapped would have to be mapped again.
"""

from __future__ import annotations

import re

from dataengine.imports.dialects.opening import Opening
from dataengine.models import ImportJob, Table
from dataengine.models.shapes import Findings

from .mapping import ADDED_HEADERS, read_names
from .options import ImportOptions

_NAME = re.compile(r"rejected-(\d{1,18})\b")
"""The name under which the file is downloaded; browsers may add to it."""
_LOOK_BACK = 20


def as_before(table: Table, filename: str, opening: Opening, options: ImportOptions) -> ImportOptions:
    """If the file is a rejected.csv, complete the options by what the earlier import found.

    That is: the mapping, date formats by column, the null markers if they were NULL, and what references were looked
    up by.
    """
    read = read_names(opening.headers, has_header=opening.dialect.has_header)
    own = set(read.names).difference(ADDED_HEADERS)
    earlier = _earlier(table, filename, own) if read.guarded else None
    if earlier is None:
        return options
    columns = {column.name for column in table.columns.all()}
    found: Findings = earlier.findings
    return options.completed(
        {
            "mapping": {h: c for h, c in found.get("mapping", {}).items() if h in own and (c is None or c in columns)},
            "date_formats": {name: forms for name, forms in found.get("date_formats", {}).items() if name in columns},
            "null_values": found.get("null_values"),
            "references": {
                name: {"match": one["match"], "missing": one["missing"]}
                for name, one in found.get("references", {}).items()
                if name in columns
            },
        }
    )


def _earlier(table: Table, filename: str, headers: set[str]) -> ImportJob | None:
    """The import whose rejected rows these are: the one the file is named after, or the last with such headers."""
    over = ImportJob.objects.exclude(state__in=ImportJob.ACTIVE)
    jobs = over.filter(table=table, rows_rejected__gt=0).order_by("-pk")
    named = _NAME.match(filename)
    candidates = [*jobs.filter(pk=int(named[1])), *jobs[:_LOOK_BACK]] if named else jobs[:_LOOK_BACK]
    return next((job for job in candidates if headers <= set(job.findings.get("headers", []))), None)
