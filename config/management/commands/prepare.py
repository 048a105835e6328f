"""`manage.py prepare`: everything between an empty database and the first log-in. Safe to repeat."""

import os
import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

from config.databases import reader_settings
from dataengine.postgres import reader_rights
from dataengine.postgres.usage import is_mighty
from webui import collected


class Command(BaseCommand):
    """Migrates, collects static files, and creates the first administrator."""

    help = "Migrate, and create the first administrator from ADMIN_USERNAME, ADMIN_PASSWORD and ADMIN_EMAIL."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One switch: images already contain their static files."""
        parser.add_argument("--static", action="store_true", help="also collect static files into STATIC_ROOT")

    def handle(self, *args: Any, static: bool, **options: Any) -> None:
        """Standard output only gets what the user must read; the rest goes to standard error."""
        call_command("migrate", interactive=False, verbosity=0, stdout=self.stderr)
        if is_mighty():
            self.stderr.write(
                "The database role can do more to its server than is needed: use one that owns the database and is no "
                "superuser (docs/production.md)."
            )
        self._let_read()
        if static:
            collected.collect()
        self._create_first_administrator()

    def _let_read(self) -> None:
        """Give the reader its rights."""
        role = reader_settings().get("USER")
        if not role:
            self.stderr.write(
                "READER_URL is not set, so lists are read by the role that can read accounts, too (docs/production.md)."
            )
        elif not reader_rights.exists(role):
            self.stderr.write(
                f"READER_URL names the role “{role}”, which there is not: it is not used (docs/production.md)."
            )
        else:
            reader_rights.give(role)

    def _create_first_administrator(self) -> None:
        users = get_user_model()._default_manager
        if users.filter(is_superuser=True).exists():
            return
        name = os.environ.get("ADMIN_USERNAME") or "admin"
        given = os.environ.get("ADMIN_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        users.create_superuser(username=name, email=os.environ.get("ADMIN_EMAIL", ""), password=password)
        self.stdout.write(
            f"Created the administrator: user {name}, password {'from ADMIN_PASSWORD' if given else password}"
        )
        if not given:
            self.stdout.write("This password is shown only once.")
