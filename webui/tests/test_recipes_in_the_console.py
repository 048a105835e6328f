"""An import's page keeps how it was done; the page before the next one goes by it and says what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from guardian.shortcuts import assign_perm

from dataengine.models import ImportJob, Recipe, Table
from dataengine.services import import_looks, import_runs
from dataengine.tests.importing import import_text, make_table, records
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/tables/orders/import/"
TEXT = "Sku;Count\na;1\nb;2\n"
GIVEN: dict[str, Any] = {"mapping": {"Sku": "sku", "Count": "qty"}, "on_conflict": "update", "key": "sku"}


@pytest.fixture
def first(owner: User, monkeypatch: pytest.MonkeyPatch) -> ImportJob:
    """A finished import into a table of orders."""
    monkeypatch.setattr(import_looks, "WAIT_SECONDS", 60.0)
    make_table(owner, "orders", sku="TEXT UNIQUE", qty="INTEGER")
    return import_text(owner, "orders", TEXT, filename="november.csv", **GIVEN)


def previewed(client: Client, text: str, **fields: str) -> str:
    """The address of the page with the preview."""
    sent = client.post(PAGE, {"do": "preview", "file": SimpleUploadedFile("x.csv", text.encode()), **fields})
    assert sent.status_code == 302
    return sent.headers["Location"]


def test_another_like_this(as_owner: Client, first: ImportJob) -> None:
    html = read(as_owner.get(f"/imports/{first.pk}/"))
    assert html.value("name") == "november"
    sent = as_owner.post(f"/imports/{first.pk}/recipe/", {"name": "monthly", "do": "another"})
    assert sent.headers["Location"] == f"{PAGE}?recipe=monthly"
    assert read(as_owner.get(sent.headers["Location"])).value("recipe") == "monthly"
    page = previewed(as_owner, "Count;Sku;Note\n5;b;x\n7;c;y\n", recipe="monthly")
    html = read(as_owner.get(page))
    assert "This differs from the recipe “monthly”. New in the file: “Note”; in another place: “Count”." in html
    assert (html.value("recipe_shown"), html.value("column-0"), html.value("column-1")) == ("monthly", "qty", "sku")
    assert [one["value"] for one in html.elements("input", name="mode") if "checked" in one.attributes] == ["update"]
    form = {"do": "start", "draft": html.value("draft"), "recipe": "monthly", "recipe_shown": "monthly"}
    columns = {"header-0": "Count", "column-0": "qty", "header-1": "Sku", "column-1": "sku", "header-2": "Note"}
    assert as_owner.post(PAGE, {**form, **columns, "mode": "update", "key": "sku"}).status_code == 302
    job = import_runs.run(ImportJob.objects.latest("pk").pk)
    assert job is not None
    assert (job.rows_updated, job.rows_imported, job.findings["recipe"]["new"]) == (1, 1, ["Note"])
    assert records("orders", "sku", "qty") == [("a", "1"), ("b", "5"), ("c", "7")]


def test_what_the_form_says_holds(as_owner: Client, first: ImportJob) -> None:
    as_owner.post(f"/imports/{first.pk}/recipe/", {"name": "monthly", "do": "keep"})
    html = read(as_owner.get(previewed(as_owner, TEXT, recipe="monthly")))
    form = {"do": "start", "draft": html.value("draft"), "recipe": "monthly", "recipe_shown": "monthly", "mode": "add"}
    columns = {"header-0": "Sku", "column-0": "sku", "header-1": "Count", "column-1": "qty"}
    as_owner.post(PAGE, {**form, **columns})
    job = ImportJob.objects.latest("pk")
    assert job.options == {"mapping": GIVEN["mapping"], "recipe": "monthly"}


def test_the_filter_of_a_recipe_is_kept_or_cleared(as_owner: Client, first: ImportJob, subtests: Any) -> None:
    """By filter: what the form shows for it; then what each choice makes of it."""
    some: dict[str, Any] = {"qty__gte": 5}
    cases: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
        (some, ":recipe", {":recipe": some, ":all": None, "sku": {"sku__isnull": True}}),
        ({"qty__isnull": True}, "qty", {"qty": {"qty__isnull": True}, ":all": None, "": {"qty__isnull": True}}),
    ]
    options = {**GIVEN, "on_missing": "delete"}
    kept = Recipe.objects.create(table=Table.objects.get(name="orders"), name="monthly", options=options)
    columns = {"header-0": "Sku", "column-0": "sku", "header-1": "Count", "column-1": "qty"}
    for scope, shown, choices in cases:
        Recipe.objects.filter(pk=kept.pk).update(options={**options, "scope": scope})
        for chosen, expected in choices.items():
            with subtests.test(f"{scope}, {chosen}"):
                html = read(as_owner.get(previewed(as_owner, TEXT, recipe="monthly")))
                assert html.value("scope_column") == shown
                form = {"draft": html.value("draft"), "recipe": "monthly", "recipe_shown": "monthly", "mode": "mirror"}
                form |= {**columns, "key": "sku", "missing": "delete", "scope_column": chosen}
                again = read(as_owner.post(PAGE, {**form, "do": "preview"}))
                assert not chosen or again.value("scope_column") == chosen
                assert as_owner.post(PAGE, {**form, "do": "start"}).status_code == 302
                assert ImportJob.objects.latest("pk").options.get("scope") == expected


def test_one_that_fits_is_offered(as_owner: Client, first: ImportJob) -> None:
    as_owner.post(f"/imports/{first.pk}/recipe/", {"name": "monthly", "do": "keep"})
    html = read(as_owner.get(previewed(as_owner, TEXT)))
    assert "The recipe “monthly” is for files with this header." in html
    assert html.value("take_recipe") == "monthly"
    sent = as_owner.post(PAGE, {"do": "start", "draft": html.value("draft"), "take_recipe": "monthly", "mode": "add"})
    html = read(as_owner.get(sent.headers["Location"]))
    assert (html.value("recipe"), html.value("column-1")) == ("monthly", "qty")
    assert ImportJob.objects.count() == 1


def test_names_are_told_apart(as_owner: Client, first: ImportJob) -> None:
    as_owner.post(f"/imports/{first.pk}/recipe/", {"name": "november", "do": "keep"})
    assert read(as_owner.get(f"/imports/{first.pk}/")).value("name") == "november 2"
    assert "owner kept the recipe “november”" in read(as_owner.get("/tables/orders/activity/"))
    sent = as_owner.post(f"/imports/{first.pk}/recipe/", {"name": "november", "do": "another"}, follow=True)
    assert "There is already a recipe “november”." in read(sent)
    assert Recipe.objects.count() == 1


def test_only_who_may_import_keeps_recipes(as_colleague: Client, colleague: User, first: ImportJob) -> None:
    assign_perm("view_table", colleague, Table.objects.get(name="orders"))
    assert not read(as_colleague.get(f"/imports/{first.pk}/")).elements("input", name="name")
    sent = as_colleague.post(f"/imports/{first.pk}/recipe/", {"name": "x", "do": "keep"})
    assert (sent.status_code, Recipe.objects.count()) == (403, 0)
