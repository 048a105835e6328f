"""Records grouped by the values of a column: how many there are of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.filter_docs import FILTERS
from dataengine.api.group_shapes import GroupList, GroupQuery
from dataengine.models import Column, Table
from dataengine.queries import groups, references
from dataengine.queries.filters import MATCH
from dataengine.queries.listing import select
from dataengine.records.model import record_model
from dataengine.services import automatic_indexes

_GROUP = "group"


class GroupsView(ApiView):
    """The groups of a list, at most a hundred a page, in the order of their values; those without one come last."""

    operations = {
        "get": Operation(
            "list_groups", "Count records by the values of a column", GroupList, query=GroupQuery, parameters=[FILTERS]
        )
    }

    def get(self, request: Request, **names: str) -> Response:
        table = self.table(names, "view")
        asked = checked(GroupQuery, request.query_params.dict())
        conditions = request.query_params.copy()
        conditions.pop(_GROUP)
        model = record_model(table)
        column = groups.column_named(model, asked[_GROUP])
        found, _ = automatic_indexes.grouped(select(model, conditions), column, number=asked["page"])
        labels = self._labels(column, [group.value for group in found.groups])
        represent, here = column.kind.represent, request.build_absolute_uri()
        return Response(
            {
                "table_name": table.name,
                "group": column.name,
                "page": found.number,
                "next": replace_query_param(here, "page", found.number + 1) if found.is_more else None,
                "previous": replace_query_param(here, "page", found.number - 1) if found.number > 1 else None,
                "results": [
                    {
                        "value": value if represent is None or value is None else represent(value),
                        "label": labels.get(value),
                        "count": group.count.value,
                        "count_exact": group.count.is_exact,
                        "records_url": self._records_url(table, conditions, column, value),
                    }
                    for group in found.groups
                    for value in (group.value,)
                ],
            }
        )

    def _labels(self, column: Column, values: list[Any]) -> Mapping[Any, str]:
        if column.references_id is None:
            return {}
        return references.labels_of(self.user, {column: values}).get(column.attribute, {})

    def _records_url(self, table: Table, conditions: QueryDict, column: Column, value: Any) -> str | None:
        """The list of a group's records. Where any filter is enough, a further one would not narrow the list."""
        if conditions.get(MATCH) == "any":
            return None
        query = conditions.copy()
        query.pop("page", None)
        if value is None:
            query[f"{column.name}__isnull"] = "true"
        else:
            query[f"{column.name}__exact"] = column.kind.editor_text(value)
        path = reverse("api-records", kwargs={"table_name": table.name})
        return f"{self.base_url()}{path}?{query.urlencode()}"
