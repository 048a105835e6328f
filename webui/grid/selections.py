"""Records chosen in the grid for a common action: by their checkboxes, or all that its filters select."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import QueryDict

from dataengine.models import Column, Table
from dataengine.queries import listing, references
from dataengine.queries.counts import Count
from dataengine.records.model import record_model
from dataengine.services import bulk_records, changes
from dataengine.services.audit import Trail
from dataengine.services.changes import Outcome
from webui.forms import Styled
from webui.grid import filters
from webui.grid.record_forms import cell_value

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class ChosenRecords:
    """Records of ``table``: those with ``ids``, or (None) all that the grid's ``query`` selects."""

    table: Table
    ids: list[str] | None
    query: QueryDict

    @property
    def conditions(self) -> dict[str, Any]:
        return filters.selecting(self.query)

    @property
    def is_whole_table(self) -> bool:
        """Whether actions have to be confirmed with the table's name."""
        return self.ids is None and not self.conditions

    def count(self) -> Count:
        """How many there are, exactly if possible. Raises InvalidInput for filters that make no sense."""
        if self.ids is not None:
            return Count(len(self.ids), is_exact=True)
        selected = listing.select(record_model(self.table), filters.of_list(self.query))
        try:
            return selected.count(exact=True)
        except listing.TooSlow:
            return selected.count()

    def delete(self, user: User, *, whole_table: str | None) -> Outcome:
        """Delete them as one change."""
        if self.ids is None:
            return changes.delete_matching(
                user=user, table=self.table, conditions=self.conditions, whole_table=whole_table
            )
        trail: Trail = []
        bulk_records.delete_many(user=user, table=self.table, ids=self.ids, trail=trail)
        return trail[-1]

    def set(self, user: User, data: dict[str, Any], *, whole_table: str | None) -> Outcome:
        """Set columns in all of them as one change."""
        if self.ids is None:
            return changes.update_matching(
                user=user, table=self.table, conditions=self.conditions, data=data, whole_table=whole_table
            )
        trail: Trail = []
        records = [{"id": pk, "data": data} for pk in self.ids]
        bulk_records.update_many(user=user, table=self.table, records=records, trail=trail)
        return trail[-1]


class SetForm(Styled, forms.Form):
    """Sets one column of the chosen records to a value."""

    column = forms.ChoiceField(label="Set")
    value = forms.CharField(label="To", required=False, strip=False)
    null = forms.BooleanField(label="Make it null", required=False)

    def __init__(self, columns: list[Column], data: Any = None) -> None:
        super().__init__(data, auto_id="set_%s")
        self.columns = {column.attribute: column for column in columns}
        column_field = self.fields["column"]
        assert isinstance(column_field, forms.ChoiceField)  # declared above
        column_field.choices = [(column.attribute, column.title) for column in columns]
        self.fields["value"].widget.attrs["autocomplete"] = "off"

    def service_data(self, user: User) -> dict[str, Any]:
        """``{column name: value}`` for the record services. Raises InvalidInput."""
        column = self.columns[self.cleaned_data["column"]]
        referred = references.readable(user, [column]).get(column.attribute)
        is_null = self.cleaned_data["null"]
        value = cell_value(column, self.cleaned_data["value"], is_null=is_null, referred=referred)
        return {column.name: value}
