"""The mail with the link for a new password. A worker looks for the account: the page answers as fast without one."""

from __future__ import annotations

from urllib.parse import urlsplit

from dataengine.jobs.doorbell import send as send_task
from webui.account_forms import PasswordResetForm

TASK = "webui.tasks.send_reset_mail"
_EXPIRES_SECONDS = 3600.0


def ask_for(email: str, base_url: str) -> bool:
    """Have a worker send it. False if that cannot be asked right now."""
    return send_task(TASK, email, base_url, expires=_EXPIRES_SECONDS)


def send(email: str, base_url: str) -> None:
    """Send it to every account with that address that has a password; ``base_url`` is the console's."""
    place = urlsplit(base_url)
    form = PasswordResetForm({"email": email})
    if form.is_valid():
        form.save(
            domain_override=place.netloc,
            use_https=place.scheme == "https",
            subject_template_name="account/reset_subject.txt",
            email_template_name="account/reset_mail.txt",
            extra_email_context={"site_name": "Tablekeep"},
        )
