from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dataengine", "0031_kept_answers_take_rights"),
    ]

    operations = [
        migrations.AddField(
            model_name="webhook",
            name="stopped",
            field=models.CharField(
                blank=True,
                choices=[("", "—"), ("gone", "Its address is gone"), ("right", "Its maker lost the right")],
                default="",
                max_length=10,
            ),
        ),
    ]
