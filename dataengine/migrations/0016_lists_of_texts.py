"""The functions that lists of texts are searched and checked by."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from dataengine.postgres.list_functions import removals, statements


def make(apps: Any, editor: Any) -> None:
    for statement in statements():
        editor.execute(statement.as_string())


def drop(apps: Any, editor: Any) -> None:
    for statement in removals():
        editor.execute(statement.as_string())


class Migration(migrations.Migration):
    dependencies = [("dataengine", "0015_successors")]

    operations = [migrations.RunPython(make, drop)]
