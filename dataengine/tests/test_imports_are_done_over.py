"""An import that made its table is done over with other options: the same file, one click, nothing half made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.utils import timezone
from guardian.shortcuts import assign_perm, remove_perm
from rest_framework.test import APIClient

from dataengine import access
from dataengine.exceptions import DataEngineError
from dataengine.models import ImportJob, Table
from dataengine.services import import_again, import_runs, trash
from dataengine.services import records as record_services
from dataengine.tests.importing import import_text, make_table, records

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "name,qty\n" + "".join(f"n{number},{number}\n" for number in range(300)) + "odd,twelve\n"


def orders(owner: User, **options: Any) -> ImportJob:
    job = import_text(owner, "orders", TEXT, create_table=True, **options)
    assert (job.state, job.rows_rejected, job.findings["types"]["qty"]) == ("completed", 1, "integer")
    return job


def done_over(owner: User, job: ImportJob, **options: Any) -> ImportJob:
    again = import_again.do_over(user=owner, job=job, options=options)
    done = import_runs.run(again.pk)
    assert done is not None
    return done


def test_a_column_is_made_text_instead(owner: User) -> None:
    first = orders(owner)
    table = Table.objects.get(name="orders")
    again = done_over(owner, first, types={"qty": "TEXT"})
    assert (again.state, again.rows_imported, again.rows_rejected) == ("completed", 301, 0), again.error
    assert records("orders", "name", "qty")[-1] == ("odd", "twelve")
    assert [column.type for column in Table.objects.get(name="orders").columns.all()] == ["text", "text"]
    assert (again.table_id, again.replaces_id) == (table.pk, first.pk)
    assert ImportJob.objects.get(pk=first.pk).source == ""
    assert default_storage.exists(again.source)


def test_it_may_be_done_over_again_and_options_add_up(owner: User) -> None:
    first = done_over(owner, orders(owner), types={"name": "VARCHAR(50)"})
    again = done_over(owner, first, types={"qty": "TEXT"})
    assert again.options["types"] == {"name": "VARCHAR(50)", "qty": "TEXT"}
    assert again.rows_rejected == 0


def test_who_may_see_the_table_still_may(owner: User, stranger: User) -> None:
    first = orders(owner)
    assign_perm("view_table", stranger, Table.objects.get(name="orders"))
    done_over(owner, first, on_bad_cell={"qty": "null"})
    assert access.get_table(stranger, "orders", "view").name == "orders"
    assert records("orders", "qty")[-1] == (None,)


def test_the_table_stays_as_it_is_where_the_new_import_fails(owner: User) -> None:
    first = orders(owner)
    before = records("orders")
    again = done_over(owner, first, on_error="abort")
    assert (again.state, again.error_code) == ("failed", "rows_rejected")
    assert records("orders") == before
    assert [column.type for column in Table.objects.get(name="orders").columns.all()] == ["text", "integer"]


def test_what_others_changed_is_not_thrown_away(owner: User) -> None:
    first = orders(owner)
    table = Table.objects.get(name="orders")
    (name, _) = table.columns.all()
    record_services.insert_record(user=owner, table=table, data={name.name: "mine"})
    with pytest.raises(DataEngineError) as caught:
        import_again.do_over(user=owner, job=first, options={"types": {"qty": "TEXT"}})
    assert (caught.value.status, caught.value.error_code) == (409, "changed_since")
    assert not import_again.can_be_done_over(owner, first)


def test_what_changes_while_it_runs_is_not_thrown_away_either(owner: User) -> None:
    first = orders(owner)
    again = import_again.do_over(user=owner, job=first, options={"types": {"qty": "TEXT"}})
    table = Table.objects.get(name="orders")
    record_services.insert_record(user=owner, table=table, data={"name": "mine"})
    done = import_runs.run(again.pk)
    assert done is not None
    assert (done.state, done.error_code) == ("failed", "changed_since")
    assert records("orders", "name")[-1] == ("mine",)


def test_a_table_that_others_refer_to_is_not_made_anew(owner: User) -> None:
    first = orders(owner)
    make_table(owner, "lines", ordered="REFERENCES orders")
    with pytest.raises(DataEngineError) as caught:
        import_again.do_over(user=owner, job=first, options={})
    assert caught.value.error_code == "referenced"
    assert not import_again.can_be_done_over(owner, first)


def test_only_what_made_its_table_and_only_by_its_owner(
    owner: User, stranger: User, client: APIClient, api: Any
) -> None:
    first = orders(owner)
    url = f"/api/imports/{first.pk}/again/"
    assert api(stranger).post(url, {"options": {}}).status_code == 404
    assign_perm("edit_table", stranger, Table.objects.get(name="orders"))
    assign_perm("view_table", stranger, Table.objects.get(name="orders"))
    assert api(stranger).post(url, {"options": {}}).status_code == 403
    assert (import_again.can_be_done_over(stranger, first), import_again.can_be_done_over(owner, first)) == (
        False,
        True,
    )
    for refused in ({"colour": "red"}, {"recipe": "mine"}, {"create_table": False}, {"dry_run": True}):
        answer = client.post(url, {"options": refused})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, list(refused))
    answer = client.post(url, {"options": {"types": {"qty": "TEXT"}}})
    assert (answer.status_code, answer.json()["state"], answer.json()["table_name"]) == (202, "queued", "orders")
    assert client.post(url, {"options": {}}).json()["error"]["code"] == "file_gone"
    make_table(owner, "other", name="TEXT")
    plain = import_text(owner, "other", "name\nx\n")
    assert plain.source == ""
    assert client.post(f"/api/imports/{plain.pk}/again/", {"options": {}}).json()["error"]["code"] == "not_repeatable"


def test_files_are_kept_for_a_day_and_large_ones_not_at_all(owner: User, settings: Any) -> None:
    first = orders(owner)
    import_runs.sweep()
    assert default_storage.exists(ImportJob.objects.get(pk=first.pk).source)
    with patch.object(timezone, "now", return_value=timezone.now() + timedelta(hours=25)):
        import_runs.sweep()
    assert not default_storage.exists(first.source)
    assert not import_again.can_be_done_over(owner, ImportJob.objects.get(pk=first.pk))
    settings.IMPORT_SOURCE_BYTES = 10
    assert import_text(owner, "large", TEXT, create_table=True).source == ""


def test_the_file_goes_with_the_table(owner: User) -> None:
    first = orders(owner)
    trash.delete_table(user=owner, table=Table.objects.get(name="orders"))
    import_runs.sweep()
    assert not default_storage.exists(first.source)


def test_after_a_failed_one_the_first_can_still_be_done_over(owner: User) -> None:
    first = orders(owner)
    assert done_over(owner, first, on_error="abort").state == "failed"
    assert import_again.can_be_done_over(owner, ImportJob.objects.get(pk=first.pk))
    again = done_over(owner, ImportJob.objects.get(pk=first.pk), types={"qty": "TEXT"})
    assert (again.state, again.rows_rejected, again.replaces_id) == ("completed", 0, first.pk)


def test_it_makes_its_table(owner: User) -> None:
    first = orders(owner)
    assert done_over(owner, first, create_table=True, recipe=None, skip_last=1).rows_read == 300
    assert len(records("orders")) == 300


def test_a_failed_one_is_tried_again_with_its_place(owner: User) -> None:
    from dataengine.services import imports

    first = orders(owner)
    failed = done_over(owner, first, on_error="abort")
    with pytest.raises(DataEngineError):
        import_again.do_over(user=owner, job=failed, options={})
    again = imports.retry(user=owner, job=failed)
    assert (again.replaces_id, again.table_id) == (first.pk, failed.table_id)


def test_no_more_is_looked_up_or_made_elsewhere_than_one_may(
    owner: User, colleague: User, api: Any, client: APIClient
) -> None:
    customers = make_table(owner, "customers", email="EMAIL UNIQUE")
    types, references = {"customer": "REFERENCES customers"}, {"customer": {"match": "email", "missing": "create"}}
    theirs = import_text(colleague, "theirs", "what,customer\na,new@x.org\n", create_table=True)
    url = f"/api/imports/{theirs.pk}/again/"

    def again(by: APIClient, url: str) -> int:
        return int(by.post(url, {"options": {"types": types, "references": references}}).status_code)

    assert again(api(colleague), url) == 400  # there is no such table
    assign_perm("view_table", colleague, customers)
    assert again(api(colleague), url) == 403
    assign_perm("edit_table", colleague, customers)
    assert again(api(colleague), url) == 202
    remove_perm("edit_table", colleague, customers)  # while it waits
    done = import_runs.run(ImportJob.objects.latest("pk").pk)
    assert done is not None
    assert (done.state, records("customers")) == ("failed", [])
    # A token for one table opens no other by this.
    mine = import_text(owner, "mine", "what,customer\na,new@x.org\n", create_table=True)
    text = client.post("/api/account/tokens/", {"name": "script", "right": "own", "tables": ["mine"]}).json()["token"]
    script = APIClient()
    script.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    assert again(script, f"/api/imports/{mine.pk}/again/") == 400
    assert again(client, f"/api/imports/{mine.pk}/again/") == 202


def test_who_has_lost_the_table_meanwhile_does_not_make_it_anew(owner: User, colleague: User) -> None:
    first = orders(owner)
    before = records("orders")
    again = import_again.do_over(user=owner, job=first, options={"types": {"qty": "TEXT"}})
    Table.objects.filter(name="orders").update(owner=colleague)
    done = import_runs.run(again.pk)
    assert done is not None
    assert (done.state, records("orders")) == ("failed", before)


def test_what_is_made_anew_does_not_refer_to_itself(owner: User, client: APIClient) -> None:
    first = orders(owner)
    answer = client.post(f"/api/imports/{first.pk}/again/", {"options": {"types": {"qty": "REFERENCES orders"}}})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["types"])
    assert done_over(owner, first, types={"qty": "TEXT"}).state == "completed"
