"""URLs of the console. Those of accounts have the names that Django's own views and settings expect."""

from django.urls import include, path

from webui.views import (
    account,
    cells,
    changes,
    charts,
    columns,
    copies,
    design,
    exports,
    imports,
    indexes,
    records,
    resumable,
    selection,
    sharing,
    tables,
    trash,
)

account_urls = [
    path("login/", account.Login.as_view(), name="login"),
    path("logout/", account.Logout.as_view(), name="logout"),
    path("account/", account.account, name="account"),
    path("account/theme/", account.theme, name="theme"),
    path("password-reset/", account.PasswordReset.as_view(), name="password_reset"),
    path("password-reset/sent/", account.PasswordResetDone.as_view(), name="password_reset_done"),
    path("password-reset/<uidb64>/<token>/", account.PasswordResetConfirm.as_view(), name="password_reset_confirm"),
    path("password-reset/done/", account.PasswordResetComplete.as_view(), name="password_reset_complete"),
]

console_urls = [
    path("", tables.index, name="tables"),
    # "new" is not the name of a table here, so these come before the URLs of tables.
    path("tables/new/", design.new, name="table-new"),
    path("tables/new/import/", imports.new_table, name="table-from-file"),
    path("tables/<str:name>/", records.index, name="records"),
    path("tables/<str:name>/design/", design.design, name="design"),
    path("tables/<str:name>/design/<int:pk>/", design.column, name="column"),
    path("tables/<str:name>/duplicate/", copies.duplicate, name="table-duplicate"),
    path("tables/<str:name>/definition/", copies.definition, name="definition"),
    path("tables/<str:name>/delete/", tables.delete, name="table-delete"),
    path("tables/<str:name>/import/", imports.into_table, name="table-import"),
    path("tables/<str:name>/sharing/", sharing.index, name="sharing"),
    path("tables/<str:name>/sharing/found/", sharing.found, name="sharing-found"),
    path("tables/<str:name>/count/", records.count, name="count"),
    path("tables/<str:name>/indexes/", indexes.index, name="indexes"),
    path("tables/<str:name>/faster/", indexes.faster, name="faster"),
    path("tables/<str:name>/export/<str:file_format>/", exports.records, name="export"),
    path("tables/<str:name>/filter/", records.add_filter, name="filter"),
    path("tables/<str:name>/charts/", charts.index, name="charts"),
    path("tables/<str:name>/columns/", columns.index, name="columns"),
    path("tables/<str:name>/lookup/", records.lookup, name="lookup"),
    path("tables/<str:name>/records/new/", records.add, name="record-add"),
    path("tables/<str:name>/records/<int:pk>/", records.edit, name="record-edit"),
    path("tables/<str:name>/records/<int:pk>/delete/", records.delete, name="record-delete"),
    path("tables/<str:name>/records/<int:pk>/<slug:attribute>/", cells.cell, name="cell"),
    path("tables/<str:name>/selected/", selection.act, name="selected"),
    path("tables/<str:name>/paste/", cells.paste, name="paste"),
    path("tables/<str:name>/changes/", changes.index, name="changes"),
    path("tables/<str:name>/changes/<int:pk>/cancel/", changes.cancel, name="change-cancel"),
    path("tables/<str:name>/undo/<int:event>/", changes.undo, name="undo"),
    path("trash/", trash.index, name="trash"),
    path("trash/<int:pk>/restore/", trash.restore, name="trash-restore"),
    path("trash/<int:pk>/purge/", trash.purge, name="trash-purge"),
    path("uploads/", resumable.create, name="uploads"),
    path("uploads/<str:token>/", resumable.upload, name="upload"),
    path("imports/", imports.history, name="imports"),
    path("imports/<int:pk>/", imports.show, name="import"),
    path("imports/<int:pk>/cancel/", imports.cancel, name="import-cancel"),
    path("imports/<int:pk>/again/", imports.do_over, name="import-again"),
    path("imports/<int:pk>/rejected.csv", imports.rejected_csv, name="import-rejected"),
]

urlpatterns = [*account_urls, path("", include((console_urls, "console")))]
