"""Every URL of the API: resources, and the verb endpoints, which use the same view classes."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path, re_path, register_converter
from django.urls.converters import IntConverter
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine.api import serializers as shapes
from dataengine.api.base import ApiView
from dataengine.api.views_accounts import ApiTokensView, ApiTokenView, PasswordView, SessionsView, SessionView
from dataengine.api.views_activity import ActivityView, RecordHistoryView, TableActivityView
from dataengine.api.views_changes import ChangeCancelView, ChangeView, UndoOneView, UndoView
from dataengine.api.views_columns import ColumnRehearsalView, ColumnView
from dataengine.api.views_docs import DocsView, SchemaView
from dataengine.api.views_groups import GroupsView
from dataengine.api.views_import_changes import ImportChangesView, ImportRedoView, ImportUndoView, ReceiptView
from dataengine.api.views_imports import (
    AgainView,
    CancelView,
    ImportListView,
    ImportView,
    RetryView,
    TableImportsView,
)
from dataengine.api.views_links import LinksView, LinkView
from dataengine.api.views_people import SharingView
from dataengine.api.views_recipes import RecipesView, RecipeView
from dataengine.api.views_records import (
    BulkView,
    DuplicateView,
    ExportView,
    LookupView,
    RecordsView,
    RecordView,
)
from dataengine.api.views_rejected import (
    RejectedCsvView,
    RejectedFixView,
    RejectedRetryView,
    RejectedRowView,
    RejectedView,
)
from dataengine.api.views_sources import RunSourceView, SourcesView, SourceView
from dataengine.api.views_tables import (
    ColumnsView,
    DuplicateTableView,
    PayloadSchemaView,
    TableSchemaView,
    TablesView,
    TableView,
)
from dataengine.api.views_tokens import TokenRefreshView, TokenView
from dataengine.api.views_trash import TrashItemView, TrashRestoreView, TrashView
from dataengine.api.views_webhooks import DeliveriesView, DeliveryAgainView, WebhooksView, WebhookView


class RecordId(IntConverter):
    """An id that a record can have: within PostgreSQL's bigint."""

    def to_python(self, value: str) -> int:
        number = int(value)
        if number >= shapes.BIGINT:
            raise ValueError(value)
        return number


register_converter(RecordId, "record")


class UnknownView(ApiView):
    """Everything else under ``/api/``: an error in the API's shape, for everybody."""

    permission_classes = ()
    authentication_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.perform_authentication(request)  # counts it
        hint = "" if request.path.endswith("/") else " The API's addresses end in a slash."
        raise NotFound(f"There is nothing at this address.{hint}")

    def get(self, request: Request) -> Response:
        raise NotFound


def verb(name: str, view: type[ApiView], method: str) -> URLPattern:
    """One method of a view under its own name, with arguments in the body or the query."""
    methods = ["get", "head", "options"] if method == "get" else [method, "options"]
    return path(f"{name}/", view.as_view(verb=name, http_method_names=methods), name=f"api-{name}")


# A table or a column is changed by PATCH; PUT is what their verb endpoints take.
_ONE = ["get", "head", "patch", "delete", "options"]

RESOURCES = [
    path("tables/", TablesView.as_view(), name="api-tables"),
    path("tables/<str:table_name>/", TableView.as_view(http_method_names=_ONE), name="api-table"),
    path("tables/<str:table_name>/schema/", TableSchemaView.as_view(), name="api-table-schema"),
    path("tables/<str:table_name>/duplicate/", DuplicateTableView.as_view(), name="api-table-duplicate"),
    path("tables/<str:table_name>/columns/", ColumnsView.as_view(), name="api-columns"),
    path(
        "tables/<str:table_name>/columns/<str:column_name>/",
        ColumnView.as_view(http_method_names=_ONE),
        name="api-column",
    ),
    path(
        "tables/<str:table_name>/columns/<str:column_name>/rehearse/",
        ColumnRehearsalView.as_view(http_method_names=["post", "options"]),
        name="api-column-rehearse",
    ),
    path("tables/<str:table_name>/records/", RecordsView.as_view(), name="api-records"),
    path("tables/<str:table_name>/records/bulk/", BulkView.as_view(), name="api-records-bulk"),
    path("tables/<str:table_name>/records/<record:id>/", RecordView.as_view(), name="api-record"),
    path(
        "tables/<str:table_name>/records/<record:id>/duplicate/", DuplicateView.as_view(), name="api-record-duplicate"
    ),
    path("tables/<str:table_name>/undo/", UndoView.as_view(), name="api-undo"),
    path("tables/<str:table_name>/undo/<record:event>/", UndoOneView.as_view(), name="api-undo-event"),
    path("tables/<str:table_name>/groups/", GroupsView.as_view(), name="api-groups"),
    path("tables/<str:table_name>/lookup/", LookupView.as_view(), name="api-lookup"),
    path("tables/<str:table_name>/export/", ExportView.as_view(), name="api-export"),
    path(
        "tables/<str:table_name>/records/<record:id>/history/", RecordHistoryView.as_view(), name="api-record-history"
    ),
    path("tables/<str:table_name>/activity/", TableActivityView.as_view(), name="api-table-activity"),
    path("activity/", ActivityView.as_view(), name="api-activity"),
    path("tables/<str:table_name>/sharing/", SharingView.as_view(), name="api-sharing"),
    path("tables/<str:table_name>/links/", LinksView.as_view(), name="api-links"),
    path("tables/<str:table_name>/links/<record:pk>/", LinkView.as_view(), name="api-link"),
    path("tables/<str:table_name>/imports/", TableImportsView.as_view(), name="api-table-imports"),
    path("tables/<str:table_name>/recipes/", RecipesView.as_view(), name="api-recipes"),
    path("tables/<str:table_name>/recipes/<str:name>/", RecipeView.as_view(), name="api-recipe"),
    path("tables/<str:table_name>/sources/", SourcesView.as_view(), name="api-sources"),
    path("tables/<str:table_name>/sources/<record:pk>/", SourceView.as_view(), name="api-source"),
    path("tables/<str:table_name>/sources/<record:pk>/run/", RunSourceView.as_view(), name="api-source-run"),
    path("tables/<str:table_name>/webhooks/", WebhooksView.as_view(), name="api-webhooks"),
    path("tables/<str:table_name>/webhooks/<record:pk>/", WebhookView.as_view(), name="api-webhook"),
    path("tables/<str:table_name>/webhooks/<record:pk>/deliveries/", DeliveriesView.as_view(), name="api-deliveries"),
    path(
        "tables/<str:table_name>/webhooks/<record:pk>/deliveries/<record:delivery>/again/",
        DeliveryAgainView.as_view(),
        name="api-delivery-again",
    ),
    path("changes/<record:pk>/", ChangeView.as_view(), name="api-change"),
    path("changes/<record:pk>/cancel/", ChangeCancelView.as_view(), name="api-change-cancel"),
    path("trash/", TrashView.as_view(), name="api-trash"),
    path("trash/<record:pk>/", TrashItemView.as_view(), name="api-trash-item"),
    path("trash/<record:pk>/restore/", TrashRestoreView.as_view(), name="api-trash-restore"),
    path("imports/", ImportListView.as_view(), name="api-imports"),
    path("imports/<int:pk>/", ImportView.as_view(), name="api-import"),
    path("imports/<int:pk>/cancel/", CancelView.as_view(), name="api-import-cancel"),
    path("imports/<int:pk>/retry/", RetryView.as_view(), name="api-import-retry"),
    path("imports/<int:pk>/again/", AgainView.as_view(), name="api-import-again"),
    path("imports/<record:pk>/undo/", ImportUndoView.as_view(), name="api-import-undo"),
    path("imports/<record:pk>/redo/", ImportRedoView.as_view(), name="api-import-redo"),
    path("imports/<record:pk>/changes/", ImportChangesView.as_view(), name="api-import-changes"),
    path("imports/<record:pk>/receipt/", ReceiptView.as_view(), name="api-import-receipt"),
    path("imports/<int:pk>/rejected/", RejectedView.as_view(), name="api-import-rejected"),
    path("imports/<int:pk>/rejected/fix/", RejectedFixView.as_view(), name="api-import-rejected-fix"),
    path("imports/<int:pk>/rejected/retry/", RejectedRetryView.as_view(), name="api-import-rejected-retry"),
    path("imports/<int:pk>/rejected/<record:line>/", RejectedRowView.as_view(), name="api-import-rejected-row"),
    path("imports/<int:pk>/rejected.csv", RejectedCsvView.as_view(), name="api-import-rejected-csv"),
]

VERBS = [
    verb("create-table", TablesView, "post"),
    verb("list-tables", TablesView, "get"),
    verb("update-table", TableView, "put"),
    verb("delete-table", TableView, "delete"),
    verb("add-column", ColumnsView, "post"),
    verb("update-column", ColumnView, "put"),
    verb("delete-column", ColumnView, "delete"),
    verb("insert-record", RecordsView, "post"),
    verb("get-records", RecordsView, "get"),
    verb("update-record", RecordView, "put"),
    verb("delete-record", RecordView, "delete"),
    verb("upload-csv", TableImportsView, "post"),
]

urlpatterns = [
    path("token/", TokenView.as_view(), name="api-token"),
    path("token/refresh/", TokenRefreshView.as_view(), name="api-token-refresh"),
    path("account/tokens/", ApiTokensView.as_view(), name="api-account-tokens"),
    path("account/tokens/<record:pk>/", ApiTokenView.as_view(), name="api-account-token"),
    path("account/sessions/", SessionsView.as_view(), name="api-account-sessions"),
    path("account/sessions/<slug:pk>/", SessionView.as_view(), name="api-account-session"),
    path("account/password/", PasswordView.as_view(), name="api-account-password"),
    *RESOURCES,
    *VERBS,
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("schema/create-table/", PayloadSchemaView.as_view(schema=None), {"name": "create-table"}),
    path("schemas/<str:name>.json", PayloadSchemaView.as_view(), name="api-payload-schema"),
    path("docs/", DocsView.as_view(), name="api-docs"),
    re_path(r"", UnknownView.as_view(), name="api-unknown"),
]
