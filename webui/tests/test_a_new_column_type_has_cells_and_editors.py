"""A new column type, which is one class, in the console: designer, grid, editor, form, conditions, charts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import Table
from dataengine.services.records import get_record, insert_record
from dataengine.tests.address_type import registered
from webui.tests.conftest import PARTIAL, make_table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@pytest.fixture
def hosts(owner: User) -> Iterator[Table]:
    with registered():
        table = make_table(owner, "hosts", {"host": "TEXT", "ip": "INET"})
        insert_record(user=owner, table=table, data={"host": "a", "ip": "10.0.0.1"})
        yield table


@pytest.mark.usefixtures("hosts")
def test_the_designer_offers_it_and_makes_it(as_owner: Client) -> None:
    assert read(as_owner.get("/tables/new/")).words_of("option", value="INET") == ["IP address · INET"]
    row = {"columns-0-name": "ip", "columns-0-type": "INET", "columns-0-details": "", "columns-0-default": "::1"}
    answer = as_owner.post("/tables/new/", {"table_name": "made", "rows": "1", "do": "create", **row})
    assert answer.status_code == 302
    [column] = Table.objects.get(name="made").columns.all()
    assert (column.type, column.default) == ("address", "::1")


@pytest.mark.usefixtures("hosts")
def test_the_grid_shows_it_with_an_editor(as_owner: Client) -> None:
    page = read(as_owner.get("/tables/hosts/"))
    assert (page.cell(1, "ip")["class"], page.cell(1, "ip").words) == ("cell-figures", "10.0.0.1")
    assert page.elements("input", placeholder="192.0.2.1")
    assert read(as_owner.get("/tables/hosts/?order_by=-ip&ip__lt=10.0.0.2")).records()[0]["ip"] == "10.0.0.1"


def test_a_cell_is_saved_or_says_what_is_wrong(as_owner: Client, hosts: Table) -> None:
    where = f"/tables/hosts/records/1/{hosts.columns.get(name='ip').attribute}/"
    assert as_owner.get(where).json()["text"] == "10.0.0.1"
    answer = as_owner.post(where, {"value": " 10.0.0.2"}, headers=PARTIAL)
    assert read(answer).cell(1, "ip").words == "10.0.0.2"
    answer = as_owner.post(where, {"value": "10.0.0.256"}, headers=PARTIAL)
    assert (answer.status_code, answer.content.decode()) == (422, "Enter an IPv4 or IPv6 address.")
    assert as_owner.post(where, {"null": "1"}, headers=PARTIAL).status_code == 200
    assert get_record(hosts, 1).values()["ip"] is None


def test_the_form_begins_with_it_and_keeps_it(as_owner: Client, hosts: Table) -> None:
    name = hosts.columns.get(name="ip").attribute
    page = read(as_owner.get("/tables/hosts/records/1/"))
    assert page.value(name) == "10.0.0.1"
    assert page.element("input", name=name)["placeholder"] == "192.0.2.1"
    answer = as_owner.post("/tables/hosts/records/1/", {name: "nowhere"})
    assert "Enter an IPv4 or IPv6 address." in read(answer)
    as_owner.post("/tables/hosts/records/1/", {name: "::1"})
    assert get_record(hosts, 1).values()["ip"] == "::1"


@pytest.mark.usefixtures("hosts")
def test_conditions_and_charts_know_it(as_owner: Client) -> None:
    assert "comes before" in read(as_owner.get("/tables/hosts/?ip__lt=::1"))
    drawn = read(as_owner.get("/tables/hosts/charts/"))
    assert drawn.elements("div", aria_label="Chart of ip")
    assert "1 value" in drawn
