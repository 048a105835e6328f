from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dataengine", "0030_public_links"),
    ]

    operations = [
        migrations.AddField(
            model_name="keptanswer",
            name="rights",
            field=models.JSONField(default=list),
        ),
    ]
