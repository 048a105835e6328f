"""Sessions, sources, tables, recipes, public links, indexes.

In the order in which ``0001_squashed_0036_sources`` makes them.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dataengine.origin

OPERATIONS = [
    migrations.CreateModel(
        name="Session",
        fields=[
            (
                "session_key",
                models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
            ),
            ("session_data", models.TextField(verbose_name="session data")),
            ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
            ("device", models.CharField(blank=True, max_length=300)),
            ("address", models.CharField(blank=True, max_length=45)),
            ("last_seen_at", models.DateTimeField()),
            (
                "user",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="sessions",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="Source",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("url", models.CharField(max_length=2000)),
            ("options", models.JSONField(blank=True, default=dict)),
            ("cron", models.CharField(max_length=100)),
            ("time_zone", models.CharField(default="UTC", max_length=60)),
            ("next_run_at", models.DateTimeField(blank=True, db_index=True, null=True)),
            (
                "paused",
                models.CharField(
                    blank=True,
                    choices=[
                        ("", "Not"),
                        ("by_user", "By User"),
                        ("drift", "Drift"),
                        ("failures", "Failures"),
                        ("no_right", "No Right"),
                        ("trashed", "Trashed"),
                    ],
                    default="",
                    max_length=10,
                ),
            ),
            ("paused_reason", models.TextField(blank=True)),
            ("is_told", models.BooleanField(default=True)),
            ("etag", models.CharField(blank=True, max_length=500)),
            ("last_modified", models.CharField(blank=True, max_length=100)),
            ("sha256", models.CharField(blank=True, max_length=64)),
            ("headers", models.JSONField(blank=True, default=list)),
            ("other_headers", models.JSONField(blank=True, default=list)),
            ("last_run_at", models.DateTimeField(blank=True, null=True)),
            (
                "last_result",
                models.CharField(
                    blank=True,
                    choices=[
                        ("", "Not run yet"),
                        ("imported", "Imported"),
                        ("unchanged", "Unchanged"),
                        ("failed", "Failed"),
                        ("drifted", "The header has changed"),
                        ("cancelled", "Cancelled"),
                    ],
                    default="",
                    max_length=10,
                ),
            ),
            ("last_message", models.TextField(blank=True)),
            ("failures", models.PositiveSmallIntegerField(default=0)),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            (
                "download",
                models.OneToOneField(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="dataengine.download",
                ),
            ),
            (
                "importing",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="dataengine.importjob",
                ),
            ),
            (
                "last_import",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="dataengine.importjob",
                ),
            ),
            (
                "user",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                ),
            ),
        ],
        options={
            "ordering": ["id"],
            "default_permissions": (),
        },
    ),
    migrations.AddField(
        model_name="download",
        name="source",
        field=models.ForeignKey(
            null=True, on_delete=django.db.models.deletion.CASCADE, related_name="downloads", to="dataengine.source"
        ),
    ),
    migrations.CreateModel(
        name="Table",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=63)),
            ("label", models.CharField(blank=True, max_length=200)),
            ("description", models.TextField(blank=True, max_length=2000)),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            ("updated_at", models.DateTimeField(auto_now=True)),
            ("trashed_at", models.DateTimeField(blank=True, null=True)),
            (
                "naming_column",
                models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to="dataengine.column",
                ),
            ),
            (
                "owner",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="owned_tables",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "ordering": ["name"],
            "permissions": [
                ("view_table", "Can see the table and its records"),
                ("edit_table", "Can change records and import"),
                ("design_table", "Can change the columns"),
                ("own_table", "Can delete and share the table"),
            ],
            "default_permissions": (),
        },
    ),
    migrations.AddField(
        model_name="source",
        name="table",
        field=models.ForeignKey(
            on_delete=django.db.models.deletion.CASCADE, related_name="sources", to="dataengine.table"
        ),
    ),
    migrations.CreateModel(
        name="Recipe",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=100)),
            ("options", models.JSONField(default=dict)),
            ("headers", models.JSONField(default=list)),
            ("types", models.JSONField(default=dict)),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            ("updated_at", models.DateTimeField(auto_now=True)),
            (
                "user",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            (
                "table",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="recipes", to="dataengine.table"
                ),
            ),
        ],
        options={
            "ordering": ["name"],
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="PublicLink",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=100)),
            ("digest", models.CharField(max_length=64, unique=True)),
            ("query", models.TextField(blank=True)),
            ("columns", models.JSONField(default=list)),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            ("expires_at", models.DateTimeField()),
            (
                "user",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                ),
            ),
            (
                "table",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="public_links", to="dataengine.table"
                ),
            ),
        ],
        options={
            "ordering": ["-id"],
            "default_permissions": (),
        },
    ),
    migrations.CreateModel(
        name="Index",
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
                "method",
                models.CharField(
                    choices=[("btree", "Btree"), ("trigram", "Trigram"), ("words", "Words")],
                    default="btree",
                    max_length=10,
                ),
            ),
            ("covers", models.JSONField(blank=True, default=list)),
            ("progress", models.FloatField(default=0)),
            ("automatic", models.BooleanField(default=False)),
            (
                "purpose",
                models.CharField(
                    blank=True,
                    choices=[("sort", "Sort"), ("filter", "Filter"), ("search", "Search")],
                    max_length=10,
                ),
            ),
            ("records_read", models.BigIntegerField(default=0)),
            ("used_at", models.DateTimeField(blank=True, null=True)),
            (
                "column",
                models.OneToOneField(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="index",
                    to="dataengine.column",
                ),
            ),
            (
                "table",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="indexes", to="dataengine.table"
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
        model_name="importjob",
        name="table",
        field=models.ForeignKey(
            blank=True,
            null=True,
            on_delete=django.db.models.deletion.SET_NULL,
            related_name="imports",
            to="dataengine.table",
        ),
    ),
    migrations.AddField(
        model_name="download",
        name="target",
        field=models.ForeignKey(
            null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="dataengine.table"
        ),
    ),
]
