"""The form of a column that is there: whatever it says differently is a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms

from dataengine.columns.types import BY_SQL_NAME, EXACT, IGNORE_CASE, ColumnSpec
from dataengine.exceptions import DataEngineError
from dataengine.models import Column
from dataengine.models.shapes import ColumnChanges
from webui.designer.column_forms import CASES, ColumnForm, blamed, initial_of, rule_input
from webui.errors import add_errors

_PLAINLY = ("name", "label", "description", "required", "default", "display")
_RULES = {"minimum", "maximum", "min_length", "max_length", "pattern", "json_schema"}


class ColumnChangeForm(ColumnForm):
    """Filled with a column as it is."""

    old: ColumnSpec

    @classmethod
    def of(cls, column: Column, data: Any = None) -> ColumnChangeForm:
        """The form filled with ``column``, or with what was sent."""
        ignores_case = column.unique_ignores_case if column.unique else column.kind.unique_ignores_case
        index = column.index_or_none
        initial = initial_of(column.to_spec(), indexed=index is not None and not index.automatic)
        initial |= {"case": IGNORE_CASE if ignores_case else EXACT}
        form = cls(data, initial=initial, auto_id=f"id_{column.pk}_%s")
        form.old = column.to_spec()
        cast("forms.ChoiceField", form.fields["case"]).choices = CASES
        return form

    @property
    def says_more(self) -> bool:
        """A row that was opened is open."""
        return True

    def clean(self) -> dict[str, Any]:
        """Ignore the choice of a case where the type that was chosen has none: its input cannot be seen."""
        kind = BY_SQL_NAME.get(self.cleaned_data.get("type", ""))
        if kind is not None and not kind.is_text:
            self.cleaned_data["case"] = ""
        return super().clean()

    def changes(self) -> ColumnChanges:
        """What is to change, as ``services.column_changes`` takes it."""
        old, new = self.old, self.cleaned_data["spec"]
        found = {name: getattr(new, name) for name in _PLAINLY if getattr(new, name) != getattr(old, name)}
        if (new.type, new.parameters) != (old.type, old.parameters):
            found["column_type"] = new.kind.sql_text(new.parameters)
        if (new.unique, new.unique_ignores_case) != (old.unique, old.unique_ignores_case):
            found["unique"] = new.how_unique
        # Rules that the form has no input for stay as they are unless others are changed.
        if _RULES & set(self.changed_data) and new.constraints != old.constraints:
            found["constraints"] = new.constraints
        return cast("ColumnChanges", found)

    def add_fault(self, error: DataEngineError) -> None:
        """Show an error of the services at the input that it names."""
        own = blamed(error, self._only_rule())
        new = self.cleaned_data.get("name", self.old.name)
        rule = rule_input(BY_SQL_NAME[self.cleaned_data["type"]])
        names: Mapping[str, str] = {
            "column_name": "name", "column_type": "type", "constraints": rule, self.old.name: own, new: own,
        }  # fmt: skip
        add_errors(self, error, names)

    def _only_rule(self) -> str:
        """The input of the one rule that was changed; the name's if there is no such one."""
        changed = set(self.changed_data) & {"default", "required", "unique"}
        return changed.pop() if len(changed) == 1 else "name"
