from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Concurrently: there may be very many images, and nobody who changes a record waits for the index.
    atomic = False

    dependencies = [
        ("dataengine", "0034_writers_of_spans"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="recordchange",
            index=models.Index(fields=["record_id"], name="recordchange_by_record"),
        ),
    ]
