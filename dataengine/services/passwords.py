"""Changing one's password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from dataengine.exceptions import InvalidInput, together
from dataengine.services.audit import record_event
from dataengine.services.sessions import about

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def change_password(*, user: User, old: str, new: str) -> None:
    """Set another password, which ends all of the user's sessions and tokens (``config.accounts.EndsTheOld``).

    Raises InvalidInput naming ``old`` if it is not the present one, and ``new`` if it is too weak.
    """
    errors = []
    if not user.check_password(old):
        errors.append(InvalidInput("This is not your present password.", fields={"old": "This is not your password."}))
    try:
        validate_password(new, user)
    except ValidationError as error:
        errors.append(InvalidInput("The new password is too weak.", fields={"new": error.messages}))
    if errors:
        raise together(errors, "Some of the input is not valid.")
    set_password(user=user, new=new)


def set_password(*, user: User, new: str, by: User | None = None) -> None:
    """Set a password that has been checked. ``by`` is who does it, if that is somebody else."""
    with transaction.atomic():
        user.set_password(new)
        user.save(update_fields=["password"])
        record_event(user=by or user, action="password.changed", details=about(user, by))
