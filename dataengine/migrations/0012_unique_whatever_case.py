from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dataengine", "0011_text_functions")]

    operations = [
        migrations.AddField(model_name="column", name="unique_ignores_case", field=models.BooleanField(default=False)),
    ]
