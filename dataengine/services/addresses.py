"""Whether e-mail addresses of accounts are their users': who follows a link that was sent there has verified it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account import app_settings
from allauth.account.models import EmailAddress
from django.db import transaction

from dataengine.models.shapes import AccountDetails
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def must_verify(user: User) -> bool:
    """Whether the installation lets ``user`` in only once the address is verified. Who has none is let in."""
    if app_settings.EMAIL_VERIFICATION != "mandatory" or not user.email:
        return False
    return not EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists()


def note_verified(user: User) -> None:
    """Write down that ``user`` has followed a link that was sent to the present address."""
    if not user.email:
        return
    with transaction.atomic():
        forget_others(user)
        address = EmailAddress.objects.filter(user=user).first() or EmailAddress(user=user, email=user.email.lower())
        if address.verified or not address.can_set_verified():  # another account may have verified the same one
            return
        address.primary = address.verified = True
        address.save()
        details: AccountDetails = {"username": user.get_username()}
        record_event(user=user, action="user.address_verified", details=details)


def forget_others(user: User) -> None:
    """Forget what is known of addresses that the account does not have any more, whoever changed it and how."""
    EmailAddress.objects.filter(user=user).exclude(email__iexact=user.email).delete()
