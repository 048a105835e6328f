"""The functions that texts are sorted and searched by, in a schema of their own; the indexes of texts are built anew."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import Q

from dataengine.postgres.text_functions import removal, statements

_TEXTS = ("text", "varchar", "email", "url", "choice")


def make(apps: Any, editor: Any) -> None:
    for statement in statements():
        editor.execute(statement.as_string())


def drop(apps: Any, editor: Any) -> None:
    """With the functions go the indexes that hold what they return."""
    editor.execute(removal().as_string())


def build_again(apps: Any, editor: Any) -> None:
    """Until a worker has built them, lists do without. The sweeper rings for them."""
    apps.get_model("dataengine", "Index").objects.filter(
        Q(column__isnull=True) | Q(column__type__in=_TEXTS)
    ).update(
        state="queued", attempt=0, try_again_at=None, progress=0, covers=[], error_code="", error="",
        started_at=None, finished_at=None,
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("dataengine", "0011_trash")]

    operations = [
        migrations.RunPython(make, drop),
        migrations.RunPython(build_again, build_again),
    ]
