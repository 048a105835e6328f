"""All migrations up to 0036 in one: new installations make each table once, as it is by now.

Installations that are on their way through the others go on with those.
"""

import importlib

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import dataengine.origin

_texts = importlib.import_module("dataengine.migrations.0011_text_functions")
_lists = importlib.import_module("dataengine.migrations.0016_lists_of_texts")
_append_only = importlib.import_module("dataengine.migrations.0027_append_only")


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("dataengine", "0001_initial"),
        ("dataengine", "0002_indexes"),
        ("dataengine", "0003_record_changes"),
        ("dataengine", "0004_column_layouts"),
        ("dataengine", "0005_import_progress"),
        ("dataengine", "0006_change_jobs"),
        ("dataengine", "0007_column_widths"),
        ("dataengine", "0008_record_changes_without_a_check"),
        ("dataengine", "0009_jobs_share_their_fields"),
        ("dataengine", "0010_descriptions_and_copies"),
        ("dataengine", "0011_text_functions"),
        ("dataengine", "0011_trash"),
        ("dataengine", "0012_unique_whatever_case"),
        ("dataengine", "0013_automatic_indexes"),
        ("dataengine", "0014_imports_done_over_and_displays"),
        ("dataengine", "0015_successors"),
        ("dataengine", "0016_lists_of_texts"),
        ("dataengine", "0017_retype"),
        ("dataengine", "0018_naming_column"),
        ("dataengine", "0019_origins"),
        ("dataengine", "0020_accounts"),
        ("dataengine", "0021_imports_are_change_sets"),
        ("dataengine", "0022_import_modes"),
        ("dataengine", "0023_sessions"),
        ("dataengine", "0024_webhooks"),
        ("dataengine", "0025_rejected_rows_are_mended"),
        ("dataengine", "0026_kept_answers"),
        ("dataengine", "0027_append_only"),
        ("dataengine", "0028_recipes"),
        ("dataengine", "0029_phase_seconds"),
        ("dataengine", "0030_public_links"),
        ("dataengine", "0031_kept_answers_take_rights"),
        ("dataengine", "0032_stopped_webhooks"),
        ("dataengine", "0033_files_from_addresses"),
        ("dataengine", "0034_writers_of_spans"),
        ("dataengine", "0035_histories_are_looked_up"),
        ("dataengine", "0036_sources"),
    ]

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # User tables live apart from ours: unqualified, a table named auth_user would resolve to Django's.
        migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS userdata", migrations.RunSQL.noop),
        migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS userdata_trash", migrations.RunSQL.noop),
        migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS userdata_changes", migrations.RunSQL.noop),
        migrations.RunPython(_texts.make, _texts.drop),
        migrations.RunPython(_lists.make, _lists.drop),
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
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="dataengine.table"
                    ),
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
        migrations.RunSQL(_append_only.FORWARDS, _append_only.BACKWARDS),
    ]
