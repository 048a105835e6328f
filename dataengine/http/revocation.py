"""Whether somebody may still do what was allowed when it began: asked again while a download runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rest_framework.exceptions import APIException
from rest_framework_simplejwt.exceptions import TokenError

from dataengine import access
from dataengine.exceptions import DataEngineError
from dataengine.models import ImportJob, Table

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

type UserNow = Callable[[], User | AnonymousUser]
"""Who sends the request, read anew: logged out by now, disabled, their token revoked, or the same as before."""


def may_still(user_now: UserNow, seen: Table | ImportJob) -> Callable[[], bool]:
    """A function that tells whether the user may still view a table, or an import."""

    def allowed() -> bool:
        try:
            user = user_now()
            if isinstance(seen, ImportJob):
                access.get_import(user, seen.pk)
                return True
        except (APIException, TokenError, DataEngineError):
            return False
        return access.tables_for(user).filter(pk=seen.pk).exists()

    return allowed
