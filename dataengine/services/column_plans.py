"""Plans: what a rehearsal found, signed, so that exactly that can be done within ten minutes."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django.core import signing
from django.utils import timezone

from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.models import Column, Table
from dataengine.models.shapes import ColumnChanges, OnFailure

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LIFETIME = timedelta(minutes=10)
_SALT = "dataengine.column-plan"
_LONGEST = 2_000_000
"""Characters; a list of thousands of choices makes a long plan."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A change of one column that its user has rehearsed. ``key`` is unique: a plan is good for one time."""

    key: str
    user: int
    table: int
    column: int
    changes: dict[str, Any]
    on_failure: OnFailure
    numbers: tuple[int, int, int, int]
    """Records, converted, unchanged, failing."""
    reading: dict[str, Any] | None
    """How texts are read: ``imports.readings.Reading``."""
    basis: str
    """What the column was, as ``basis_of`` has it."""
    made: float

    @classmethod
    def of(
        cls,
        *,
        user: User,
        table: Table,
        column: Column,
        changes: ColumnChanges,
        on_failure: OnFailure,
        numbers: tuple[int, int, int, int],
        reading: dict[str, Any] | None,
    ) -> Plan:
        made = timezone.now().timestamp()
        key = secrets.token_urlsafe(12)
        basis = basis_of(column.to_spec())
        return cls(key, user.pk, table.pk, column.pk, dict(changes), on_failure, numbers, reading, basis, made)

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Plan:
        """The plan from what ``asdict`` made of it."""
        return cls(**{**said, "numbers": tuple(said["numbers"])})

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.made, timezone.get_default_timezone()) + LIFETIME

    @property
    def is_expired(self) -> bool:
        return timezone.now() > self.expires_at

    @property
    def wanted(self) -> ColumnChanges:
        return cast("ColumnChanges", self.changes)

    def signed(self) -> str:
        """The plan as a text that nobody else can make."""
        return signing.dumps(asdict(self), salt=_SALT, compress=True)


def basis_of(spec: ColumnSpec) -> str:
    """A short text that is another one for a column of another type or with other rules."""
    rules = [spec.type, spec.parameters, spec.how_unique, spec.required, spec.default, spec.constraints]
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:16]


def read_plan(text: str, *, user: User, table: Table, column: Column) -> Plan:
    """The plan that was signed. Raises InvalidInput if it is none, or one of another user or for another column."""
    try:
        said = signing.loads(text, salt=_SALT) if len(text) <= _LONGEST else None
    except (signing.BadSignature, ValueError, UnicodeError) as error:
        raise _refused("This is no plan; take it from a rehearsal as it is.") from error
    if said is None:
        raise _refused("This is no plan; take it from a rehearsal as it is.")
    plan = Plan.of_json(said)
    if plan.user != user.pk:
        raise _refused("This is a plan of another user.")
    if (plan.table, plan.column) != (table.pk, column.pk):
        raise _refused("This plan is for another column.")
    return plan


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_plan", fields={"plan": reason})
