"""Accounts, tokens, the audit trail, files that are fetched, imports.

In the order in which ``0001_squashed_0036_sources`` makes them.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dataengine.origin

OPERATIONS = [
    migrations.CreateModel(
        name="Account",
        fields=[
            (
                "user",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.CASCADE,
                    primary_key=True,
                    serialize=False,
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("token_generation", models.PositiveIntegerField(default=0)),
        ],
        options={
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="Column",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=63)),
            ("label", models.CharField(blank=True, max_length=200)),
            ("description", models.TextField(blank=True, max_length=2000)),
            ("type", models.CharField(max_length=30)),
            ("parameters", models.JSONField(blank=True, default=dict)),
            ("unique", models.BooleanField(default=False)),
            ("unique_ignores_case", models.BooleanField(default=False)),
            ("required", models.BooleanField(default=False)),
            ("default", models.TextField(blank=True, null=True)),
            ("constraints", models.JSONField(blank=True, default=dict)),
            ("display", models.JSONField(blank=True, default=dict)),
            ("position", models.PositiveIntegerField(default=0)),
            ("trashed_at", models.DateTimeField(blank=True, null=True)),
        ],
        options={
            "ordering": ["table_id", "position", "id"],
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="ApiToken",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=100)),
            ("digest", models.CharField(max_length=64, unique=True)),
            ("hint", models.CharField(max_length=8)),
            (
                "right",
                models.CharField(
                    choices=[
                        ("view", "See records"),
                        ("edit", "Change records and import"),
                        ("design", "Change columns"),
                        ("own", "Make, share and delete tables"),
                    ],
                    max_length=6,
                ),
            ),
            (
                "tables",
                django.contrib.postgres.fields.ArrayField(
                    base_field=models.BigIntegerField(), blank=True, null=True, size=None
                ),
            ),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            ("expires_at", models.DateTimeField(blank=True, null=True)),
            ("last_used_at", models.DateTimeField(blank=True, null=True)),
            (
                "user",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="api_tokens",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "ordering": ["-created_at", "-pk"],
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="AuditEvent",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("table_name", models.CharField(blank=True, max_length=63)),
            ("user_name", models.CharField(blank=True, default="", max_length=150)),
            ("via", models.CharField(blank=True, default="", max_length=20)),
            ("via_name", models.CharField(blank=True, default="", max_length=100)),
            ("address", models.CharField(blank=True, default="", max_length=45)),
            ("request_id", models.CharField(blank=True, default="", max_length=64)),
            ("action", models.CharField(max_length=40)),
            ("details", models.JSONField(blank=True, default=dict)),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            (
                "undoes",
                models.OneToOneField(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="undone_by",
                    to="dataengine.auditevent",
                ),
            ),
            (
                "user",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "ordering": ["-id"],
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="Download",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "state",
                models.CharField(
                    choices=[
                        ("queued", "Queued"),
                        ("running", "Running"),
                        ("completed", "Completed"),
                        ("failed", "Failed"),
                        ("cancelled", "Cancelled"),
                        ("undone", "Undone"),
                    ],
                    default="queued",
                    max_length=10,
                ),
            ),
            ("attempt", models.PositiveSmallIntegerField(default=0)),
            ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
            ("cancel_requested", models.BooleanField(default=False)),
            ("try_again_at", models.DateTimeField(blank=True, null=True)),
            ("error_code", models.CharField(blank=True, max_length=60)),
            ("error", models.TextField(blank=True)),
            ("origin", models.JSONField(blank=True, default=dataengine.origin.current_as_json, editable=False)),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            ("started_at", models.DateTimeField(blank=True, null=True)),
            ("finished_at", models.DateTimeField(blank=True, null=True)),
            ("url", models.CharField(blank=True, max_length=2000)),
            ("came_from", models.CharField(max_length=2000)),
            ("filename", models.CharField(blank=True, max_length=255)),
            ("key", models.CharField(blank=True, max_length=500)),
            ("bytes_total", models.BigIntegerField(default=0)),
            ("bytes_read", models.BigIntegerField(default=0)),
            (
                "user",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                ),
            ),
        ],
        options={
            "ordering": ["-id"],
            "abstract": False,
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="ImportJob",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "state",
                models.CharField(
                    choices=[
                        ("queued", "Queued"),
                        ("running", "Running"),
                        ("completed", "Completed"),
                        ("failed", "Failed"),
                        ("cancelled", "Cancelled"),
                        ("undone", "Undone"),
                    ],
                    default="queued",
                    max_length=10,
                ),
            ),
            ("attempt", models.PositiveSmallIntegerField(default=0)),
            ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
            ("cancel_requested", models.BooleanField(default=False)),
            ("try_again_at", models.DateTimeField(blank=True, null=True)),
            ("error_code", models.CharField(blank=True, max_length=60)),
            ("error", models.TextField(blank=True)),
            ("origin", models.JSONField(blank=True, default=dataengine.origin.current_as_json, editable=False)),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            ("started_at", models.DateTimeField(blank=True, null=True)),
            ("finished_at", models.DateTimeField(blank=True, null=True)),
            ("table_name", models.CharField(max_length=63)),
            ("email", models.EmailField(blank=True, max_length=254)),
            ("filename", models.CharField(max_length=255)),
            ("source", models.CharField(max_length=500)),
            ("url", models.CharField(blank=True, default="", editable=False, max_length=2000)),
            ("came_from", models.CharField(blank=True, default="", max_length=2000)),
            ("sha256", models.CharField(blank=True, max_length=64)),
            ("options", models.JSONField(blank=True, default=dict)),
            ("findings", models.JSONField(blank=True, default=dict)),
            ("read_again", models.JSONField(blank=True, default=dict)),
            (
                "phase",
                models.CharField(
                    blank=True,
                    choices=[
                        ("", "None"),
                        ("fetching", "Fetching"),
                        ("reading", "Reading"),
                        ("checking", "Checking"),
                        ("loading", "Loading"),
                        ("indexing", "Indexing"),
                        ("finishing", "Finishing"),
                    ],
                    default="",
                    max_length=10,
                ),
            ),
            ("progress", models.FloatField(default=0)),
            ("bytes_total", models.BigIntegerField(default=0)),
            ("bytes_read", models.BigIntegerField(default=0)),
            ("rows_read", models.BigIntegerField(default=0)),
            ("rows_imported", models.BigIntegerField(default=0)),
            ("rows_updated", models.BigIntegerField(default=0)),
            ("rows_unchanged", models.BigIntegerField(default=0)),
            ("rows_skipped", models.BigIntegerField(default=0)),
            ("rows_rejected", models.BigIntegerField(default=0)),
            ("rows_removed", models.BigIntegerField(default=0)),
            ("rows_retried", models.BigIntegerField(default=0)),
            ("rows_per_second", models.FloatField(blank=True, null=True)),
            ("eta_seconds", models.FloatField(blank=True, null=True)),
            ("phase_seconds", models.JSONField(blank=True, default=dict, editable=False)),
            ("errors", models.JSONField(blank=True, default=list)),
            ("mailed_at", models.DateTimeField(blank=True, null=True)),
            ("announced_at", models.DateTimeField(blank=True, null=True)),
            (
                "event",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="dataengine.auditevent",
                ),
            ),
            (
                "replaces",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="done_over_by",
                    to="dataengine.importjob",
                ),
            ),
            (
                "undo_event",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="dataengine.auditevent",
                ),
            ),
            (
                "user",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="imports", to=settings.AUTH_USER_MODEL
                ),
            ),
        ],
        options={
            "ordering": ["-id"],
            "abstract": False,
            "default_permissions": (),
        },
    ),
]
