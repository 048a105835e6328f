"""A header that no column has is said to be like one, where that is clear; nothing goes there by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dataengine.models import Column, ImportJob
from dataengine.tests.importing import make_table
from webui.imports import drafts
from webui.imports.suggestions import suggestions
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@pytest.mark.parametrize(
    ("headers", "columns", "expected"),
    [
        (["E-Mail Adress"], ["name", "email_address"], {0: "email_address"}),
        (["Phone"], ["phone_number", "city"], {0: "phone_number"}),
        (["Phone"], ["phone_work", "phone_home"], {}),
        (["qty", "Qty."], ["quantity", "qtys"], {}),
        (["zip"], ["name"], {}),
        (["!"], ["name"], {}),
    ],
)
def test_only_what_is_clear(headers: list[str], columns: list[str], expected: dict[int, str]) -> None:
    table = [Column(pk=number, name=name) for number, name in enumerate(columns)]
    found = suggestions(headers, [""] * len(headers), table)
    assert {number: column.name for number, column in found.items()} == expected


@pytest.mark.django_db(transaction=True)
def test_it_is_taken_by_its_button(as_owner: Client, owner: User) -> None:
    make_table(owner, "people", name="TEXT", email_address="TEXT")
    draft = drafts.store(owner, SimpleUploadedFile("a.csv", b"name,E-Mail Adress\nAnn,a@x.org\n")).token
    path = "/tables/people/import/"
    page = read(as_owner.get(path, {"draft": draft}))
    assert "selected" not in page.element("select", name="column-1").element("option", value="email_address").attributes
    slots = [one.words for one in page.elements("li") if "data-slot" in one.attributes]
    assert slots == ["name from name", "email_address from nothing", "Left out E-Mail Adress"]
    button = page.element("button", name="suggest")
    form = {"header-0": "name", "column-0": "name", "header-1": "E-Mail Adress", "column-1": ""}
    taken = read(as_owner.post(path, {**form, "draft": draft, "suggest": button["value"]}))
    assert taken.value("column-1") == "email_address"
    assert not taken.elements("button", name="suggest")
    assert not ImportJob.objects.exists()
