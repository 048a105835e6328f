"""`manage.py demo`: the flights data as a table, by the very path that an upload takes."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.demo import flights_csv
from dataengine.models import Table

_TABLE = "flights"


class Command(BaseCommand):
    """Imports the demo data once."""

    help = "Import the flights data set (336,776 rows) into the table flights, unless it is there."

    def handle(self, *args: Any, **options: Any) -> None:
        """Fetch the file and hand it to `import_csv`, which shows the progress."""
        if Table.objects.filter(name=_TABLE).exists():
            self.stdout.write(f"The table {_TABLE} is there already.")
            return
        try:
            path = flights_csv(Path(settings.DATA_DIR))
        except RuntimeError as error:
            raise CommandError(str(error)) from error
        administrators = get_user_model()._default_manager.filter(is_superuser=True).order_by("pk")
        owner = os.environ.get("ADMIN_USERNAME") or administrators.values_list("username", flat=True)[0]
        call_command("import_csv", str(path), table=_TABLE, create_table=True, owner=owner)
