"""The users of an installation, as its administrators manage them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from dataengine import access
from dataengine.exceptions import AccessDenied, Conflict, InvalidInput, NotFound, together
from dataengine.models.shapes import AccountDetails
from dataengine.services import lost_rights, sessions, sharing
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def is_administrator(user: User) -> bool:
    """Whether ``user`` manages the others. Tables are no part of that: nobody sees those without a right."""
    return user.is_active and user.is_superuser


def users_for(by: User, search: str = "") -> QuerySet[User]:
    """All users, or those with ``search`` in name or e-mail address. Raises AccessDenied."""
    if not is_administrator(by):
        raise AccessDenied("Only administrators manage users.")
    found = get_user_model().objects.order_by("username").prefetch_related("groups")
    text = search.replace("\0", "")
    return found.filter(Q(username__icontains=text) | Q(email__icontains=text)) if text else found


def get_user(by: User, pk: int) -> User:
    """One of them. Raises NotFound."""
    found = users_for(by).filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no user {pk}.", code="user_not_found")
    return found


def invite(
    *,
    by: User,
    username: str,
    email: str,
    groups: Iterable[str] = (),
    right: access.Right = "view",
    tables: Iterable[str] = (),
    is_admin: bool = False,
) -> User:
    """Make a user who has no password yet, with a right on tables of which ``by`` may give it.

    Raises AccessDenied, and InvalidInput that names ``username``, ``email`` or ``tables``. The mail with the link, by
    which the user sets a password, is the caller's to send.
    """
    users_for(by)
    model = get_user_model()
    made = model(username=model.normalize_username(username.strip()), is_staff=is_admin, is_superuser=is_admin)
    made.set_unusable_password()
    errors = [*_faults_of_name(made), *_faults_of_email(made, email)]
    given = {table.name: table for table in access.tables_for(by, "own").filter(name__in=list(tables))}
    if missing := sorted(set(tables) - set(given)):
        reason = f"You cannot share the table “{missing[0]}”."
        errors.append(InvalidInput(reason, fields={"tables": reason}))
    if errors:
        raise together(errors, "Some of the input is not valid.")
    try:
        with transaction.atomic():
            made.save()
            _set_groups(made, groups)
            for table in given.values():
                sharing.give(user=by, table=table, kind="user", name=made.get_username(), right=right)
            details: AccountDetails = {"username": made.get_username()}
            if given:
                details |= {"right": right, "tables": sorted(given)}
            record_event(user=by, action="user.created", details=details)
    except IntegrityError as error:  # somebody was faster
        raise Conflict("This name is taken.", code="name_taken", fields={"username": "This name is taken."}) from error
    return made


def change(*, by: User, user: User, email: str, groups: Iterable[str], is_admin: bool) -> None:
    """Set these. Raises AccessDenied, InvalidInput naming ``email``, or Conflict for one's own rights."""
    users_for(by)
    if user == by and not is_admin:
        raise Conflict("Another administrator has to take that from you.", fields={"is_admin": "This is you."})
    if faults := _faults_of_email(user, email):
        raise faults[0]
    with transaction.atomic():
        _still_administers(by)
        user.is_staff = user.is_superuser = is_admin
        user.save(update_fields=["email", "is_staff", "is_superuser"])
        _set_groups(user, groups)
        record_event(user=by, action="user.changed", details={"username": user.get_username()})
        lost_rights.end_of(user, by=by)


def set_active(*, by: User, user: User, is_active: bool) -> None:
    """Shut a user out, whose sessions and tokens end, or let the user in again. Nobody does it to themselves."""
    users_for(by)
    if user == by:
        raise Conflict("Another administrator has to do that to you.")
    with transaction.atomic():
        _still_administers(by)
        user.is_active = is_active
        user.save(update_fields=["is_active"])
        if not is_active:
            sessions.log_out_everywhere(user=user, by=by)
        action = "user.activated" if is_active else "user.deactivated"
        record_event(user=by, action=action, details={"username": user.get_username()})


def _still_administers(by: User) -> None:
    """Lock the administrators, so that of two who shut each other out one is left. Raises AccessDenied to the other."""
    locked = get_user_model().objects.select_for_update(no_key=True).filter(is_superuser=True).order_by("pk")
    if not any(one.is_active for one in locked if one.pk == by.pk):
        raise AccessDenied("Only administrators manage users.")


def remove_second_factors(*, by: User, user: User) -> None:
    """Let a user in by the password alone who has lost the rest."""
    users_for(by)
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        record_event(user=by, action="second_factor.removed", details={"username": user.get_username()})


def note_reset(*, by: User, user: User) -> None:
    """Write down that an administrator has had the link for a new password sent."""
    users_for(by)
    record_event(user=by, action="password.reset_sent", details={"username": user.get_username()})


def has_second_factor(user: User) -> bool:
    """Whether there is one to remove."""
    return bool(Authenticator.objects.filter(user=user).exists())


def _faults_of_name(user: User) -> list[InvalidInput]:
    try:
        user.clean_fields(exclude=["password", "email"])
    except ValidationError as error:
        reasons = error.message_dict.get("username", error.messages)
        return [InvalidInput("The user name is invalid.", fields={"username": reasons})]
    if get_user_model().objects.filter(username__iexact=user.username).exists():
        return [InvalidInput("This name is taken.", fields={"username": "This name is taken."})]
    return []


def _faults_of_email(user: User, email: str) -> list[InvalidInput]:
    """Also sets it."""
    user.email = get_user_model().objects.normalize_email(email.strip())
    try:
        validate_email(user.email)
    except ValidationError:
        reason = "This is not a valid e-mail address."
        return [InvalidInput(reason, fields={"email": reason})]
    if get_user_model().objects.filter(email__iexact=user.email).exclude(pk=user.pk).exists():
        reason = "Another user has this address."
        return [InvalidInput(reason, fields={"email": reason})]
    return []


def _set_groups(user: User, names: Iterable[str]) -> None:
    user.groups.set([Group.objects.get_or_create(name=name)[0] for name in names])
