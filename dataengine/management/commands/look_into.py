"""``manage.py look_into``: what an import would make of a file, asked on standard input and answered, as JSON.

It is what web processes ask (``services/import_looks.py``), for they do not load what converts.
"""

from __future__ import annotations

import json
import sys
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand

from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.imports.looking import Look, look
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.references import ByValue
from dataengine.jobs.memory import keep_arrow_flat


class Command(BaseCommand):
    """Answers one question. It asks the database only which records references mean."""

    help = __doc__ or ""
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        keep_arrow_flat()
        json.dump(answer(json.load(sys.stdin)), sys.stdout)


def answer(asked: dict[str, Any]) -> Look:
    """What was found, or the ``problem``."""
    columns = None if asked["columns"] is None else [ColumnSpec(**column) for column in asked["columns"]]
    try:
        options = ImportOptions.read(asked["options"])
        with _opened(asked) as file:
            return look(file, asked["filename"], options, columns, _references(asked))
    except InvalidInput as error:
        return {"problem": error.message}
    except FileNotFoundError:  # its import has taken it meanwhile
        return {}


def _references(asked: dict[str, Any]) -> dict[str, ByValue]:
    return {
        name: ByValue(**{**rule, "match": ColumnSpec(**rule["match"]), "hindrance": tuple(rule["hindrance"])})
        for name, rule in asked.get("references", {}).items()
    }


def _opened(asked: dict[str, Any]) -> BinaryIO:
    if asked.get("text") is not None:
        return BytesIO(asked["text"].encode())
    return cast(
        "BinaryIO", Path(asked["path"]).open("rb") if asked["path"] else default_storage.open(asked["key"], "rb")
    )
