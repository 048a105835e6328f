from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dataengine", "0028_recipes"),
    ]

    operations = [
        migrations.AddField(
            model_name="importjob",
            name="phase_seconds",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
    ]
