"""Tests read from pages what a browser shows and would send."""

from __future__ import annotations

import pytest

from webui.tests.pages import read

PAGE = """
<form action="/x/"><label for="a">Name</label> <input id="a" name="a" value="1 &lt; 2"><br>
  <textarea name="b">
 two
lines</textarea>
  <select name="c"><option value="x">X<option value="y" selected>The <b>Y</b></select>
</form>
<table><tr id="r7"><td>7</td><td data-label="n" class="cell-number">1</td></tr></table><p>one</p><p>two</p>
"""


def test_words_are_those_that_are_seen() -> None:
    page = read(PAGE)
    assert page.words == "Name two lines X The Y 7 1 one two"
    assert "The Y" in page
    assert "1 <" not in page  # a field's value is not text of the page
    assert page.words_of("p") == ["one", "two"]
    assert page.words_of("option", selected="") == ["The Y"]


def test_fields_hold_what_a_browser_would_send() -> None:
    form = read(PAGE).element("form", action="/x/")
    assert [form.value(name) for name in "abc"] == ["1 < 2", " two\nlines", "y"]


def test_elements_know_what_is_in_them() -> None:
    page = read(PAGE)
    assert page.outermost.tag == "form"
    assert page.records() == [{"": "7", "n": "1"}]
    assert (page.cell(7, "n")["class"], page.values("label", "for")) == ("cell-number", ["a"])
    assert not page.element("form").elements("td")
    with pytest.raises(AssertionError, match="2 elements p"):
        page.element("p")


def test_elements_of_two_pages_are_the_same_if_all_in_them_is() -> None:
    row = "<tr id=a><td>1</td></tr>"
    one = read(f"<p>before</p>{row}").element("tr")
    assert one == read(row).element("tr")
    for other in ("<tr id=a><td>2</td></tr>", "<tr id=b><td>1</td></tr>", "<tr id=a><th>1</th></tr>"):
        assert one != read(other).element("tr")
