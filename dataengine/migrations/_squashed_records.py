"""What is kept of records, answers and rejected rows; then indexes and constraints.

In the order in which ``0001_squashed_0036_sources`` makes them.
"""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

OPERATIONS = [
    migrations.CreateModel(
        name="ImportedSpan",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("first_id", models.BigIntegerField()),
            ("last_id", models.BigIntegerField()),
            ("first_line", models.BigIntegerField()),
            ("steps", models.BinaryField(null=True)),
            ("file", models.BigIntegerField(null=True)),
            ("writer", models.BigIntegerField(null=True)),
            ("savepoints", models.BigIntegerField(null=True)),
            (
                "job",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="spans", to="dataengine.importjob"
                ),
            ),
        ],
        options={
            "ordering": ["job_id", "first_id"],
            "default_permissions": (),
            "indexes": [models.Index(fields=["job", "first_id"], name="importedspan_by_id")],
        },
    ),
    migrations.CreateModel(
        name="KeptAnswer",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("holder", models.CharField(blank=True, max_length=30)),
            ("key", models.CharField(max_length=255)),
            ("fingerprint", models.CharField(max_length=64)),
            ("status", models.PositiveSmallIntegerField()),
            ("headers", models.JSONField()),
            ("body", models.BinaryField(null=True)),
            ("rights", models.JSONField(default=list)),
            ("created_at", models.DateTimeField(db_index=True)),
            (
                "user",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                ),
            ),
        ],
        options={
            "default_permissions": (),
            "constraints": [models.UniqueConstraint(fields=("user", "holder", "key"), name="keptanswer_once")],
        },
    ),
    migrations.CreateModel(
        name="RecordChange",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("record_id", models.BigIntegerField()),
            ("before", models.JSONField(null=True)),
            ("after", models.JSONField(null=True)),
            ("line", models.BigIntegerField(null=True)),
            (
                "event",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="changes",
                    to="dataengine.auditevent",
                ),
            ),
        ],
        options={
            "ordering": ["event_id", "record_id"],
            "default_permissions": (),
            "indexes": [models.Index(fields=["record_id"], name="recordchange_by_record")],
            "constraints": [models.UniqueConstraint(fields=("event", "record_id"), name="recordchange_once")],
        },
    ),
    migrations.CreateModel(
        name="RejectedRow",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("line", models.BigIntegerField()),
            ("raw", models.TextField()),
            ("errors", models.JSONField()),
            ("cells", models.JSONField(null=True)),
            ("damage", models.CharField(blank=True, db_default="", max_length=30)),
            ("version", models.PositiveIntegerField(db_default=0)),
            (
                "job",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="rejected_rows",
                    to="dataengine.importjob",
                ),
            ),
        ],
        options={
            "ordering": ["job_id", "line"],
            "default_permissions": (),
            "indexes": [models.Index(fields=["job", "line"], name="rejectedrow_by_line")],
        },
    ),
    migrations.AddConstraint(
        model_name="table",
        constraint=models.UniqueConstraint(
            condition=models.Q(("trashed_at", None)), fields=("name",), name="table_name"
        ),
    ),
    migrations.AddConstraint(
        model_name="table",
        constraint=models.UniqueConstraint(
            django.db.models.functions.text.Lower("name"),
            condition=models.Q(("trashed_at", None)),
            name="table_name_whatever_case",
        ),
    ),
    migrations.AddConstraint(
        model_name="recipe",
        constraint=models.UniqueConstraint(fields=("table", "name"), name="recipe_name"),
    ),
    migrations.AddIndex(
        model_name="index",
        index=models.Index(fields=["state", "heartbeat_at"], name="index_sweep"),
    ),
    migrations.AddConstraint(
        model_name="index",
        constraint=models.UniqueConstraint(
            condition=models.Q(("column", None)), fields=("table",), name="one_search_index"
        ),
    ),
    migrations.AddIndex(
        model_name="importjob",
        index=models.Index(fields=["state", "heartbeat_at"], name="importjob_sweep"),
    ),
    migrations.AddIndex(
        model_name="importjob",
        index=models.Index(fields=["table", "-id"], name="importjob_by_table"),
    ),
    migrations.AddIndex(
        model_name="download",
        index=models.Index(fields=["state", "heartbeat_at"], name="download_sweep"),
    ),
    migrations.AddConstraint(
        model_name="declinedindex",
        constraint=models.UniqueConstraint(
            condition=models.Q(("column", None)), fields=("table",), name="one_declined_search"
        ),
    ),
    migrations.AddConstraint(
        model_name="columnlayout",
        constraint=models.UniqueConstraint(fields=("user", "table"), name="one_layout_a_user"),
    ),
    migrations.AddConstraint(
        model_name="column",
        constraint=models.UniqueConstraint(
            models.F("table"),
            django.db.models.functions.text.Lower("name"),
            condition=models.Q(("trashed_at", None)),
            name="column_name_whatever_case",
        ),
    ),
    migrations.AddIndex(
        model_name="changejob",
        index=models.Index(fields=["state", "heartbeat_at"], name="changejob_sweep"),
    ),
    migrations.AddIndex(
        model_name="auditevent",
        index=models.Index(fields=["table", "-id"], name="auditevent_by_table"),
    ),
    migrations.AddIndex(
        model_name="delivery",
        index=models.Index(fields=["state", "heartbeat_at"], name="delivery_sweep"),
    ),
]
