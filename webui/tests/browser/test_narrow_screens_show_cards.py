from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from dataengine.models import Table


def test_every_record_is_a_card_with_the_names_of_its_columns(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/tables/people/")
    grid = page.get_by_role("grid", name="people")
    cards = grid.locator("tbody tr")
    expect(cards).to_have_count(3)
    boxes = [card.bounding_box() for card in cards.all()]
    assert all(box and box["width"] > 300 and box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    said = "(cell) => getComputedStyle(cell, '::before').content"
    names = [cell.evaluate(said) for cell in cards.first.locator("td").all()]
    assert names == ['"id"', '"name"', '"email"', '"born"', '"score"', '"active"', '"notes"']
    cells = [cell.bounding_box() for cell in cards.first.locator("td").all()]
    tops = [box["y"] for box in cells if box]
    assert tops == sorted(set(tops))  # one below the other
    expect(page.locator(".charts")).to_be_hidden()
    # Each editor, with the buttons in it, lies beside the name of its column.
    for place, cell in enumerate(cards.nth(1).locator("td").all()[1:]):
        cell.dblclick()
        editor = cell.locator(".cell-editor").bounding_box()
        card = boxes[1]
        assert editor
        assert card
        assert card["x"] + 120 < editor["x"] < editor["x"] + editor["width"] <= card["x"] + card["width"], place
        page.keyboard.press("Escape")


def test_cards_are_sorted_filtered_and_opened(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/tables/people/")
    grid = page.get_by_role("grid", name="people")
    grid.get_by_role("link", name="name", exact=True).click()
    expect(grid.locator("th[aria-sort=ascending]")).to_have_text("name")
    grid.get_by_role("link", name="name", exact=True).click()
    expect(grid.locator("th[aria-sort=descending]")).to_have_text("name")
    expect(grid.locator("tbody tr").first).to_contain_text("Cleo")
    page.locator("#columns-menu summary").click()
    page.get_by_role("checkbox", name="notes").uncheck()
    expect(grid.locator("tbody tr").first.locator("td")).to_have_count(6)
    page.keyboard.press("Escape")
    grid.get_by_role("link", name="Record 3").click()
    expect(page).to_have_url(re.compile(r"/records/3/$"))


def test_the_heads_stay_when_records_scroll(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.set_viewport_size({"width": 700, "height": 420})
    page.goto("/tables/people/")
    expect(page.locator(".charts a").first).to_be_visible()
    box = page.locator(".grid-scroll")
    box.evaluate("(box) => box.scrollTo(200, 40)")
    assert box.evaluate("(box) => box.scrollTop") > 0
    top = box.evaluate("(box) => box.getBoundingClientRect().top + box.clientTop")
    head = page.locator("th.cell-id").bounding_box()
    assert head is not None
    assert abs(head["y"] - top) < 1.5
    assert abs(head["x"]) < 1.5
