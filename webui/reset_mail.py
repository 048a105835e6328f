"""Mails with a link: by which a password is set, a new one or the first, or by which an address is verified.

A worker looks for the account: the page answers as fast without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from dataengine import access
from dataengine.jobs.doorbell import send as send_task
from webui.account_forms import PasswordResetForm

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TASK = "webui.tasks.send_reset_mail"
INVITE = "webui.tasks.send_invitation"
VERIFY = "webui.tasks.send_address_link"
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


def ask_to_invite(user: User, by: User, base_url: str) -> bool:
    """Have a worker send an invitation. False if that cannot be asked right now."""
    return send_task(INVITE, user.pk, by.get_username(), base_url, expires=_EXPIRES_SECONDS)


def invite(pk: int, by: str, base_url: str) -> None:
    """Send a user the link for the first password, or for another one that an administrator has asked for."""
    user = get_user_model().objects.filter(pk=pk, is_active=True).exclude(email="").first()
    if user is None:
        return
    key = urlsafe_base64_encode(force_bytes(user.pk))
    path = resolve_url("invitation", uidb64=key, token=default_token_generator.make_token(user))
    context = {
        "user": user,
        "by": by,
        "link": f"{base_url.rstrip('/')}{path}",
        "is_new": not user.has_usable_password(),
        "tables": list(access.tables_for(user).order_by("name")[:20]),
    }
    subject = "You are invited to Tablekeep" if context["is_new"] else "A new password for Tablekeep"
    send_mail(subject, render_to_string("users/invitation_mail.txt", context), None, [user.email])


def ask_to_verify(user: User, link: str) -> bool:
    """Have a worker send the link that verifies the user's address. False if that cannot be asked right now."""
    return send_task(VERIFY, user.pk, link, expires=_EXPIRES_SECONDS)


def verify(pk: int, link: str) -> None:
    """Send it."""
    user = get_user_model().objects.filter(pk=pk, is_active=True).exclude(email="").first()
    if user is not None:
        text = render_to_string("account/address_mail.txt", {"user": user, "link": link})
        send_mail("Confirm your e-mail address for Tablekeep", text, None, [user.email])
