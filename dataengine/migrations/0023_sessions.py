import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone


def take_over(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Users who are logged in stay so: the sessions of Django's own table come here."""
    former, session = apps.get_model("sessions", "Session"), apps.get_model("dataengine", "Session")
    users = set(apps.get_model("auth", "User").objects.values_list("pk", flat=True))
    now = timezone.now()
    for old in former.objects.filter(expire_date__gt=now).iterator(1000):
        user = SessionStore().decode(old.session_data).get(SESSION_KEY)
        if user is not None and user.isdigit() and int(user) in users:
            session.objects.create(
                session_key=old.session_key, session_data=old.session_data, expire_date=old.expire_date,
                user_id=int(user), last_seen_at=now,
            )  # fmt: skip
    former.objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("dataengine", "0022_import_modes"),
        ("sessions", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
        migrations.RunPython(take_over, migrations.RunPython.noop),
    ]
