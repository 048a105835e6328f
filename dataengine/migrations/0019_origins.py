from django.db import migrations, models

import dataengine.origin


class Migration(migrations.Migration):
    dependencies = [
        ("dataengine", "0018_naming_column"),
    ]

    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="address",
            field=models.CharField(blank=True, default="", max_length=45),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="request_id",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="user_name",
            field=models.CharField(blank=True, default="", max_length=150),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="via",
            field=models.CharField(blank=True, default="", max_length=20),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="via_name",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
        migrations.AddField(
            model_name="changejob",
            name="origin",
            field=models.JSONField(blank=True, default=dataengine.origin.current_as_json, editable=False),
        ),
        migrations.AddField(
            model_name="importjob",
            name="origin",
            field=models.JSONField(blank=True, default=dataengine.origin.current_as_json, editable=False),
        ),
        migrations.AddField(
            model_name="index",
            name="origin",
            field=models.JSONField(blank=True, default=dataengine.origin.current_as_json, editable=False),
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="table_name",
            field=models.CharField(blank=True, max_length=63),
        ),
    ]
