"""URLs of the console. Those of accounts have the names that Django and django-allauth expect, so some have two."""

from allauth.account import views as allauth_views
from django.conf import settings
from django.urls import include, path

from webui.views import (
    account,
    activity,
    api_tokens,
    cells,
    changes,
    charts,
    columns,
    copies,
    design,
    exports,
    heads,
    imports,
    indexes,
    records,
    rejected,
    resumable,
    selection,
    sharing,
    tables,
    trash,
    users,
    webhooks,
)

account_urls = [
    path("login/", account.Login.as_view(), name="login"),
    path("login/", account.Login.as_view(), name="account_login"),
    path("logout/", account.Logout.as_view(), name="logout"),
    path("account/second-factor/", include("allauth.mfa.urls")),
    path("account/confirm/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("account/", account.account, name="account"),
    path("account/theme/", account.theme, name="theme"),
    path("account/sessions/end/", account.log_out_everywhere, name="log-out-everywhere"),
    path("account/sessions/<slug:pk>/end/", account.end_session, name="session-end"),
    path("account/tokens/", api_tokens.index, name="account-tokens"),
    path("account/tokens/<int:pk>/revoke/", api_tokens.revoke, name="token-revoke"),
    path("password-reset/", account.PasswordReset.as_view(), name="password_reset"),
    path("password-reset/sent/", account.PasswordResetDone.as_view(), name="password_reset_done"),
    path("password-reset/<uidb64>/<token>/", account.PasswordResetConfirm.as_view(), name="password_reset_confirm"),
    path("invitations/<uidb64>/<token>/", account.Invitation.as_view(), name="invitation"),
    path("password-reset/done/", account.PasswordResetComplete.as_view(), name="password_reset_complete"),
    path("users/", users.index, name="users"),
    path("users/new/", users.invite, name="user-new"),
    path("users/<int:pk>/", users.edit, name="user"),
    path("users/<int:pk>/active/", users.set_active, name="user-active"),
    path("users/<int:pk>/reset/", users.reset, name="user-reset"),
    path("users/<int:pk>/second-factor/", users.remove_second_factors, name="user-factors"),
]

if settings.OIDC_ISSUER:
    # Here, since it needs packages that nothing else does.
    from webui.views import single_sign_on

    account_urls += [
        path("oidc/sso/login/", single_sign_on.begin, name="single-sign-on"),
        path("oidc/sso/login/callback/", single_sign_on.finish, {"provider_id": "sso"}, name="openid_connect_callback"),
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
    path("tables/<str:name>/activity/", activity.of_table, name="activity"),
    path("activity/", activity.of_everything, name="all-activity"),
    path("tables/<str:name>/sharing/", sharing.index, name="sharing"),
    path("tables/<str:name>/sharing/found/", sharing.found, name="sharing-found"),
    path("tables/<str:name>/webhooks/", webhooks.index, name="webhooks"),
    path("tables/<str:name>/webhooks/<int:pk>/", webhooks.show, name="webhook"),
    path("tables/<str:name>/count/", records.count, name="count"),
    path("tables/<str:name>/indexes/", indexes.index, name="indexes"),
    path("tables/<str:name>/faster/", indexes.faster, name="faster"),
    path("tables/<str:name>/export/", exports.records, name="export-chosen"),
    path("tables/<str:name>/export/<str:file_format>/", exports.records, name="export"),
    path("tables/<str:name>/filter/", heads.add_filter, name="filter"),
    path("tables/<str:name>/charts/", charts.index, name="charts"),
    path("tables/<str:name>/columns/", columns.index, name="columns"),
    path("tables/<str:name>/columns/<int:pk>/", heads.head, name="head"),
    path("tables/<str:name>/lookup/", records.lookup, name="lookup"),
    path("tables/<str:name>/records/new/", records.add, name="record-add"),
    path("tables/<str:name>/records/<int:pk>/", records.edit, name="record-edit"),
    path("tables/<str:name>/records/<int:pk>/delete/", records.delete, name="record-delete"),
    path("tables/<str:name>/records/<int:pk>/history/", activity.history, name="record-history"),
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
    path("imports/<int:pk>/retry/", imports.retry, name="import-retry"),
    path("imports/<int:pk>/again/", imports.do_over, name="import-again"),
    path("imports/<int:pk>/recipe/", imports.keep_recipe, name="import-recipe"),
    path("imports/<int:pk>/undo/", imports.undo, name="import-undo"),
    path("imports/<int:pk>/rejected/fix/", rejected.fix, name="rejected-fix"),
    path("imports/<int:pk>/rejected/retry/", rejected.retry, name="rejected-retry"),
    path("imports/<int:pk>/rejected/<int:line>/", rejected.row, name="rejected-row"),
    path("imports/<int:pk>/rejected.csv", imports.rejected_csv, name="import-rejected"),
]

urlpatterns = [*account_urls, path("", include((console_urls, "console")))]
