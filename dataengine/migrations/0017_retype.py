from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dataengine", "0016_lists_of_texts"),
    ]

    operations = [
        migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS userdata_changes", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="changejob",
            name="phase",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name="changejob",
            name="progress",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="changejob",
            name="action",
            field=models.CharField(
                choices=[
                    ("update", "Update"),
                    ("delete", "Delete"),
                    ("undo", "Undo"),
                    ("copy", "Copy"),
                    ("retype", "Retype"),
                ],
                max_length=10,
            ),
        ),
    ]
