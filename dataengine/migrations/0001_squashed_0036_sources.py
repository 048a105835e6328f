"""All migrations up to 0036 in one: new installations make each table once, as it is by now.

Installations that are on their way through the others go on with those.
"""

import importlib

from django.conf import settings
from django.db import migrations

from dataengine.migrations import _squashed_changes, _squashed_imports, _squashed_records, _squashed_tables

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
        *_squashed_imports.OPERATIONS,
        *_squashed_tables.OPERATIONS,
        *_squashed_changes.OPERATIONS,
        *_squashed_records.OPERATIONS,
        migrations.RunSQL(_append_only.FORWARDS, _append_only.BACKWARDS),
    ]
