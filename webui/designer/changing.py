"""Changing a column in two steps: what touches values is rehearsed and shown first, and done when somebody agrees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import Conflict, InvalidInput
from dataengine.models import ChangeJob, Column, Table
from dataengine.models.shapes import ColumnChanges, OnFailure
from dataengine.services.column_changes import Changed, change_column
from dataengine.services.column_plans import Plan, read_plan
from dataengine.services.rehearsals import MANY, Rehearsal, propose, rehearse

if TYPE_CHECKING:
    from django.contrib.auth.models import User

type Made = Changed | ChangeJob
"""A change that is made, or left to a worker."""

_NO_CHOICE = "Choose what becomes of the values that do not fit, or go back."


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that can become of values that do not fit."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a change would do, shown before it is done; ``note`` says why it is asked once more."""

    rehearsal: Rehearsal
    options: list[Option]
    note: str = ""
    chosen: str = ""

    @property
    def can_be_made(self) -> bool:
        """Whether every value fits, or something can become of those that do not."""
        return bool(self.options) or not self.rehearsal.numbers.failing

    @property
    def takes_a_worker(self) -> bool:
        """Whether there are so many values that nobody should wait for them."""
        return self.rehearsal.rewrites_table and self.rehearsal.numbers.records > MANY


@dataclass(frozen=True, slots=True)
class Wish:
    """A change of a column, as its form says it, and who wants it."""

    user: User
    table: Table
    column: Column
    changes: ColumnChanges
    new: ColumnSpec

    def question(self, note: str = "", chosen: str = "") -> Question:
        """Rehearse it."""
        rehearsal = rehearse(user=self.user, table=self.table, column=self.column, changes=self.changes)
        return Question(rehearsal, list(_options(self.new)) if rehearsal.numbers.failing else [], note, chosen)

    def check(self) -> None:
        """Raise what makes no sense, whatever the values."""
        propose(user=self.user, table=self.table, column=self.column, changes=self.changes)

    def make(self, plan: str, chosen: str) -> Made | Question:
        """Make the change if no value is at stake, or if ``plan`` was shown and what fails has an answer."""
        agreed = self._agreed(plan)
        if agreed is not None:
            return self._as_agreed(agreed, plan, chosen)
        proposal = propose(user=self.user, table=self.table, column=self.column, changes=self.changes)
        if not proposal.concerns_values:
            return self._make()
        question = self.question()
        numbers = question.rehearsal.numbers
        return question if numbers.failing or numbers.converted else self._make_or_ask(question.rehearsal.plan)

    def _agreed(self, plan: str) -> Plan | None:
        """The plan that was shown, if it is for just these changes."""
        try:
            shown = read_plan(plan, user=self.user, table=self.table, column=self.column) if plan else None
        except InvalidInput:
            return None
        return shown if shown is not None and shown.wanted == self.changes else None

    def _as_agreed(self, agreed: Plan, plan: str, chosen: str) -> Made | Question:
        failing = agreed.numbers[-1]
        if failing and chosen not in {"null", "default", "keep"}:
            return self.question(_NO_CHOICE)
        if not failing:
            return self._make_or_ask(plan)
        on_failure = cast("OnFailure", chosen)
        try:
            fresh = rehearse(
                user=self.user, table=self.table, column=self.column, changes=self.changes, on_failure=on_failure
            )
        except InvalidInput as error:
            if "on_failure" not in error.fields:
                raise
            return self.question(error.message, chosen)
        found = fresh.numbers
        if agreed.numbers != (found.records, found.converted, found.unchanged, found.failing):
            return self.question("The records have changed since. This is what it would do now.", chosen)
        return self._make_or_ask(fresh.plan, on_failure)

    def _make_or_ask(self, plan: str, on_failure: OnFailure = "stop") -> Made | Question:
        """Make it, or ask once more if somebody has changed records meanwhile."""
        try:
            return self._make(plan, on_failure)
        except Conflict as error:
            if error.error_code not in {"plan_outdated", "would_lose_data"}:
                raise
            return self.question(error.message, "" if on_failure == "stop" else on_failure)

    def _make(self, plan: str | None = None, on_failure: OnFailure = "stop") -> Made:
        return change_column(
            user=self.user,
            table=self.table,
            column=self.column,
            changes=self.changes,
            on_failure=on_failure,
            plan=plan,
        )


def _options(new: ColumnSpec) -> Iterator[Option]:
    if not new.required:
        yield Option("null", "Leave them empty")
    if new.default is not None and not new.unique:
        yield Option("default", f"Put the default in their place: {new.default}")
    if not new.required:
        yield Option("keep", f"Leave them empty, and keep them in a new text column, {new.name}_before")
    elif new.default is not None and not new.unique:
        yield Option("keep", f"Put the default in their place, and keep them in a new text column, {new.name}_before")
