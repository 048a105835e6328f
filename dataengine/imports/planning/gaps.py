"""Columns of a workbook that are none: space beside the cells of a table, or between them."""

from __future__ import annotations

from dataclasses import replace

from dataengine.imports.reading.kinds import WORKBOOKS

from .plan import Plan


def leave_out_gaps(plan: Plan) -> None:
    """Make no columns of what has neither a name nor, in the whole sheet, a value. ``plan`` is that of a new table."""
    is_drawn = plan.dialect.drawn  # with a bar before the first cells and one behind the last
    if not (plan.source.kind in WORKBOOKS or is_drawn) or not plan.dialect.has_header:
        return
    empty = {column["column"] for column in plan.columns if not column["values"]}
    nameless = {
        f"column_{number}" for number, header in enumerate(plan.mapping.headers, 1) if header == f"column_{number}"
    }
    gaps = nameless & empty
    if not gaps or len(gaps) == len(plan.specs):
        return
    plan.specs = [spec for spec in plan.specs if spec.name not in gaps]
    plan.columns = [column for column in plan.columns if column["column"] not in gaps]
    columns = tuple(None if name in gaps else name for name in plan.mapping.columns)
    plan.mapping = replace(plan.mapping, columns=columns)
    plan.notes = [note for note in plan.notes if note.partition(": ")[0] not in gaps]
    if is_drawn:
        return
    many = f"{len(gaps)} columns" if len(gaps) > 1 else "1 column"
    plan.notes.append(f"{many} of the sheet without a name or a value left out.")
