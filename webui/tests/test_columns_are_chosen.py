"""Users choose which columns they see and in which order; this is stored for each of them and changes nothing else."""

from __future__ import annotations

from urllib.parse import urlencode

from django.test import Client

from dataengine.columns.sql_types import parse_sql_type
from dataengine.models import ColumnLayout, Table, TrashItem
from dataengine.services.tables import add_column
from dataengine.services.trash import delete_column
from webui.tests.conftest import PARTIAL
from webui.tests.pages import read
from webui.tests.test_records_are_exported import content

GRID = "/tables/people/"
COLUMNS = "/tables/people/columns/"


def keys(table: Table) -> dict[str, int]:
    return dict(table.columns.values_list("name", "pk"))


def heads(client: Client, query: str = "") -> list[str]:
    return read(client.get(f"{GRID}{query}")).element("thead").words_of("th")


def choose(client: Client, order: list[int], shown: list[int], **more: str) -> str:
    response = client.post(COLUMNS, {"order": order, "shown": shown, **more})
    assert response.status_code == 302
    return str(response.headers["Location"])


def test_columns_are_hidden_and_put_in_order(as_owner: Client, people: Table) -> None:
    pk = keys(people)
    assert heads(as_owner) == ["id", "name", "email", "born", "score", "active", "notes"]
    choose(as_owner, [pk["score"], pk["notes"], pk["name"]], [pk["score"], pk["name"]])
    assert heads(as_owner) == ["id", "score", "name", "email", "born", "active"]
    html = read(as_owner.get(GRID))
    assert "1 hidden" in html
    assert "x" * 160 not in html.source
    assert list(html.records()[0].items())[1:3] == [("score", "12.50"), ("name", "Ann")]


def test_a_layout_survives_logging_out_and_is_personal(as_owner: Client, as_colleague: Client, shared: Table) -> None:
    pk = keys(shared)
    choose(as_owner, [pk["born"]], [pk["born"]])
    as_owner.logout()
    as_owner.force_login(shared.owner)
    assert heads(as_owner)[:2] == ["id", "born"]
    assert heads(as_colleague)[:2] == ["id", "name"]
    choose(as_colleague, [pk["notes"]], [])
    assert "notes" not in heads(as_colleague)
    assert "notes" in heads(as_owner)


def test_a_column_moves_by_a_place_without_a_script(as_owner: Client, people: Table) -> None:
    pk = keys(people)
    order = [pk[name] for name in ("name", "email", "born", "score", "active", "notes")]
    where = choose(as_owner, order, order, do=f"down-{pk['name']}", query="order_by=-name")
    assert where == f"{COLUMNS}?order_by=-name"
    assert heads(as_owner)[1:3] == ["email", "name"]
    page = read(as_owner.get(where))
    assert [words for words in page.words_of("label") if words in {"name", "email"}] == ["email", "name"]
    assert page.value("query") == "order_by=-name"
    assert choose(as_owner, order, order, query="order_by=-name") == f"{GRID}?order_by=-name"
    choose(as_owner, order, order, do=f"up-{pk['name']}")  # it is already the first
    assert heads(as_owner)[1] == "name"


def test_with_a_script_the_grid_comes_back_at_once(as_owner: Client, people: Table) -> None:
    pk = keys(people)
    response = as_owner.post(
        COLUMNS, {"order": list(pk.values()), "shown": [], "do": f"up-{pk['notes']}"}, headers=PARTIAL, follow=True
    )
    assert read(response).outermost["id"] == "grid"


def test_all_comes_back(as_owner: Client, people: Table) -> None:
    pk = keys(people)
    choose(as_owner, [pk["notes"]], [])
    choose(as_owner, [pk["notes"]], [], do="reset")
    assert heads(as_owner) == ["id", "name", "email", "born", "score", "active", "notes"]


def test_columns_that_come_and_go_do_no_harm(as_owner: Client, people: Table) -> None:
    pk = keys(people)
    choose(as_owner, [pk["notes"], pk["name"], 10**17, -1], [pk["name"], 10**17])
    delete_column(user=people.owner, table=people, column=people.columns.get(name="notes"))
    add_column(user=people.owner, table=people, spec=parse_sql_type("city", "TEXT"))
    assert heads(as_owner) == ["id", "name", "email", "born", "score", "active", "city"]
    [menu] = [words for words in read(as_owner.get(GRID)).words_of("summary") if words.startswith("Columns")]
    assert "hidden" not in menu


def test_a_query_too_long_for_a_redirect_is_left_out(as_owner: Client, people: Table) -> None:
    answer = as_owner.post("/tables/people/columns/", {"do": "none", "query": urlencode({"search": "x" * 20_000})})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/tables/people/")


def test_unknown_columns_are_ignored(as_owner: Client, people: Table) -> None:
    response = as_owner.post(
        COLUMNS, {"order": ["x", "9" * 400, "1'"], "shown": ["²"], "do": "up-x", "query": "a=%ff&b"}
    )
    assert response.status_code == 302
    assert len(heads(as_owner)) == 7
    assert ColumnLayout.objects.get().order == []


def test_what_is_hidden_is_still_filtered_sorted_and_exported(as_owner: Client, people: Table) -> None:
    pk = keys(people)
    choose(as_owner, [pk["score"], pk["name"]], [pk["name"]])
    html = read(as_owner.get(f"{GRID}?score__gte=7&order_by=score&search=bob"))
    assert "score is at least 7" in html
    assert len(html.records()) == 1
    exported = content(as_owner.get(f"{GRID}export/csv/"))
    assert exported.splitlines()[0] == b"id,name,email,born,score,active,notes"


def test_strangers_choose_nothing(as_stranger: Client, people: Table) -> None:
    assert as_stranger.post(COLUMNS, {}).status_code == 404
    assert as_stranger.get(COLUMNS).status_code == 404
    assert not ColumnLayout.objects.exists()


def test_a_table_is_deleted_with_its_layouts(as_owner: Client, people: Table) -> None:
    choose(as_owner, [], [])
    assert as_owner.post("/tables/people/delete/").status_code == 302
    assert as_owner.post(f"/trash/{TrashItem.objects.get().pk}/purge/").status_code == 302
    assert not ColumnLayout.objects.exists()


def test_widths_are_kept_with_the_order_and_forgotten_with_it(as_owner: Client, people: Table) -> None:
    pk = keys(people)

    def widths() -> dict[str, str]:
        heads = read(as_owner.get(GRID)).elements("th")
        return {
            head.attributes["data-column"].removeprefix("c"): head.attributes["data-width"]
            for head in heads
            if "data-width" in head.attributes
        }

    def widen(column: int | str, width: str) -> None:
        assert as_owner.post(COLUMNS, {"do": f"width-{column}", "width": width}).status_code == 204

    widen(pk["name"], "300")
    widen(pk["notes"], "7")  # so narrow a column could not be seen
    assert widths() == {str(pk["name"]): "300", str(pk["notes"]): "48"}
    widen(pk["notes"], "")
    choose(as_owner, [pk["score"], pk["name"]], [pk["score"], pk["name"]])
    assert widths() == {str(pk["name"]): "300"}
    for column, width in ((pk["name"] + 999, "200"), ("x", "200"), (pk["name"], "wide")):
        widen(column, width)
    assert widths() == {}
    widen(pk["name"], "300")
    as_owner.post(COLUMNS, {"do": "reset"})
    assert widths() == {}


def test_all_are_shown_or_hidden_at_once(as_owner: Client, people: Table) -> None:
    keys = list(people.columns.values_list("pk", flat=True))
    for doing, hidden in (("none", 6), ("all", 0)):
        answer = as_owner.post(COLUMNS, {"do": doing, "order": keys, "shown": keys[:2], "charts": "on"})
        assert answer.status_code == 302
        assert len(ColumnLayout.objects.get().hidden) == hidden
    page = read(as_owner.get(COLUMNS))
    assert {"Show all", "Hide all", "As designed"} <= set(page.words_of("button"))


def test_one_column_is_moved_among_those_that_are_shown(as_owner: Client, people: Table) -> None:
    name, email, born, *_ = people.columns.values_list("pk", flat=True)
    as_owner.post(COLUMNS, {"do": f"hide-{email}", "query": "search=a"})
    answer = as_owner.post(COLUMNS, {"do": f"right-{name}", "query": "search=a"})
    assert answer.headers["Location"] == "/tables/people/?search=a"
    layout = ColumnLayout.objects.get()
    assert layout.hidden == [email]
    assert layout.order[:3] == [email, born, name]
    for nonsense in (f"left-{born}", f"right-{email}", "hide-x", "left-999999"):
        as_owner.post(COLUMNS, {"do": nonsense})
        assert ColumnLayout.objects.get().order == layout.order
