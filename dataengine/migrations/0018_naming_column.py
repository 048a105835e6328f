import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dataengine", "0017_retype"),
    ]

    operations = [
        migrations.AddField(
            model_name="table",
            name="naming_column",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="dataengine.column",
            ),
        ),
    ]
