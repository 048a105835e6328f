"""Columns in tables, changes of many records, the trash, webhooks.

In the order in which ``0001_squashed_0036_sources`` makes them.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dataengine.origin

OPERATIONS = [
    migrations.CreateModel(
        name="DeclinedIndex",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("declined_at", models.DateTimeField(auto_now=True)),
            (
                "column",
                models.OneToOneField(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="dataengine.column",
                ),
            ),
            (
                "table",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="declined_indexes",
                    to="dataengine.table",
                ),
            ),
        ],
        options={
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="ColumnLayout",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("order", models.JSONField(blank=True, default=list)),
            ("hidden", models.JSONField(blank=True, default=list)),
            ("charts", models.BooleanField(default=True)),
            ("widths", models.JSONField(blank=True, default=dict)),
            (
                "user",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                ),
            ),
            (
                "table",
                models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="dataengine.table"),
            ),
        ],
        options={
            "default_permissions": (),
        },
    ),
    migrations.AddField(
        model_name="column",
        name="references",
        field=models.ForeignKey(
            blank=True,
            null=True,
            on_delete=django.db.models.deletion.PROTECT,
            related_name="referring_columns",
            to="dataengine.table",
        ),
    ),
    migrations.AddField(
        model_name="column",
        name="table",
        field=models.ForeignKey(
            on_delete=django.db.models.deletion.CASCADE, related_name="columns", to="dataengine.table"
        ),
    ),
    migrations.CreateModel(
        name="ChangeJob",
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
            (
                "action",
                models.CharField(
                    choices=[
                        ("update", "Update"),
                        ("delete", "Delete"),
                        ("undo", "Undo"),
                        ("copy", "Copy"),
                        ("retype", "Retype"),
                        ("retry", "Retry"),
                    ],
                    max_length=10,
                ),
            ),
            ("parameters", models.JSONField(default=dict)),
            ("count", models.BigIntegerField(default=0)),
            ("count_exact", models.BooleanField(default=False)),
            ("phase", models.CharField(blank=True, max_length=20)),
            ("progress", models.FloatField(blank=True, null=True)),
            ("told", models.BooleanField(default=False)),
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
                "user",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                ),
            ),
            (
                "table",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="change_jobs", to="dataengine.table"
                ),
            ),
        ],
        options={
            "ordering": ["id"],
            "abstract": False,
            "default_permissions": (),
        },
    ),
    migrations.AddField(
        model_name="auditevent",
        name="table",
        field=models.ForeignKey(
            db_constraint=False,
            null=True,
            on_delete=django.db.models.deletion.DO_NOTHING,
            related_name="audit_events",
            to="dataengine.table",
        ),
    ),
    migrations.CreateModel(
        name="TableUse",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("noted_at", models.DateTimeField()),
            ("written", models.BigIntegerField()),
            ("scanned", models.BigIntegerField()),
            ("written_before", models.BigIntegerField()),
            ("scanned_before", models.BigIntegerField()),
            (
                "table",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.CASCADE, related_name="use", to="dataengine.table"
                ),
            ),
        ],
        options={
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="TrashItem",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=63)),
            ("records", models.BigIntegerField(default=0)),
            ("indexed", models.JSONField(blank=True, default=list)),
            ("deleted_at", models.DateTimeField(auto_now_add=True)),
            (
                "column",
                models.OneToOneField(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="trash_item",
                    to="dataengine.column",
                ),
            ),
            (
                "deleted_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            (
                "successor",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="predecessors",
                    to="dataengine.column",
                ),
            ),
            (
                "table",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="trash_items", to="dataengine.table"
                ),
            ),
        ],
        options={
            "ordering": ["-id"],
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="Webhook",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("url", models.CharField(max_length=2000)),
            ("events", models.JSONField(default=list)),
            ("secret", models.CharField(max_length=100)),
            ("is_active", models.BooleanField(default=True)),
            (
                "stopped",
                models.CharField(
                    blank=True,
                    choices=[("", "—"), ("gone", "Its address is gone"), ("right", "Its maker lost the right")],
                    default="",
                    max_length=10,
                ),
            ),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            (
                "table",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="webhooks", to="dataengine.table"
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
            "ordering": ["id"],
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="Delivery",
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
            (
                "event_type",
                models.CharField(
                    choices=[("import.completed", "An import is done"), ("import.failed", "An import failed")],
                    max_length=30,
                ),
            ),
            ("message_id", models.CharField(max_length=60)),
            ("payload", models.JSONField()),
            ("tries", models.JSONField(default=list)),
            (
                "import_job",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="deliveries",
                    to="dataengine.importjob",
                ),
            ),
            (
                "webhook",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="dataengine.webhook"
                ),
            ),
        ],
        options={
            "verbose_name": "delivery",
            "ordering": ["-id"],
            "abstract": False,
            "default_permissions": (),
        },
    ),
]
