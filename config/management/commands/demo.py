"""`manage.py demo`: the flights data as a table, in the same way as an upload."""

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.stack.demo import flights_csv
from dataengine.models import ImportJob, Table

_TABLE = "flights"


class Command(BaseCommand):
    """Imports the demo data once."""

    help = "Import the flights data set (336,776 rows) into the table flights, unless it exists."

    def handle(self, *args: Any, **options: Any) -> None:
        """Fetch the file and hand it to `import_csv`, which shows the progress."""
        unfinished = ImportJob.objects.filter(table_name=_TABLE, state__in=ImportJob.ACTIVE)
        if unfinished.exists():
            self.stdout.write("Waiting for the worker to finish an import that was interrupted.")
            while unfinished.exists():
                time.sleep(0.5)
        if Table.objects.filter(name=_TABLE).exists():
            self.stdout.write(f"The table {_TABLE} already exists.")
            return
        try:
            path = flights_csv(Path(settings.DATA_DIR))
        except RuntimeError as error:
            raise CommandError(str(error)) from error
        call_command("import_csv", str(path), table=_TABLE, create_table=True)
