"""What people paste into a terminal or a program to use the API for one table. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

PLACEHOLDER = "tk_…"
"""Where a token belongs that nobody knows any more."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to paste."""

    key: str
    title: str
    about: str
    text: str


def snippets(base_url: str, table: str, token: str = PLACEHOLDER) -> list[Snippet]:
    """Reading the records of ``table``, by curl and by Python with nothing installed. No name can end a quotation."""
    records = f"{base_url}/api/tables/{quote(table, safe='')}/records/"
    curl = f"TOKEN='{token}'\ncurl --fail -H \"Authorization: Bearer $TOKEN\" '{records}?limit=10'\n"
    return [
        Snippet("curl", "curl", "the first ten records", curl),
        Snippet("python", "Python", "every record, page by page", _PYTHON.format(token=token, records=records)),
    ]


_PYTHON = """\
import json
from urllib.request import Request, urlopen

TOKEN = "{token}"
url = "{records}?limit=1000"
while url:
    request = Request(url, headers={{"Authorization": "Bearer " + TOKEN}})
    with urlopen(request) as answer:
        page = json.load(answer)
    for record in page["results"]:
        print(record)
    url = page["next"]
"""
