"""A script imports what it uses: no page orders scripts, and none defines names for others."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = PROJECT / "static" / "scripts"
TEMPLATES = PROJECT / "templates"
# Everything else imports the names of libraries from here.
READ_LIBRARIES = {"htmx.js", "upload.js"}


PAGES = {str(path.relative_to(TEMPLATES)): path.read_text() for path in TEMPLATES.rglob("*.html")}
# By template: the modules that it loads.
ENTRIES = {
    name: re.findall(r"<script type=\"module\" src=\"{% static 'scripts/([^']+)' %}\"></script>", text)
    for name, text in PAGES.items()
}


def imports(name: str) -> list[str]:
    """The modules that a module imports, by file name."""
    return re.findall(r'^import [^;"]*"\./([^"]+)";$', (SCRIPTS / name).read_text(), re.MULTILINE)


def test_a_template_names_one_module_at_most() -> None:
    assert ENTRIES["base.html"] == ["console.js"]
    assert {name: found for name, found in ENTRIES.items() if len(found) > 1} == {}


def test_no_template_names_a_script_of_ours_in_another_way() -> None:
    assert {name: text.count("scripts/") for name, text in PAGES.items()} == {
        name: len(found) for name, found in ENTRIES.items()
    }


def test_every_module_is_reached_from_a_page() -> None:
    wanted = [name for found in ENTRIES.values() for name in found]
    for name in wanted:
        wanted.extend(other for other in imports(name) if other not in wanted)
    assert set(wanted) == {path.name for path in SCRIPTS.glob("*.js")}


def test_no_module_leaves_a_name_in_the_global_scope() -> None:
    scope = r"\b(?:window|globalThis|self)"
    written = re.compile(rf"{scope}(?:\.\w+|\[[^\]]*\])+\s*=(?!=)|Object\.assign\({scope}\b")
    assert [path.name for path in SCRIPTS.glob("*.js") if written.search(path.read_text())] == []


def test_names_of_libraries_are_read_in_one_place() -> None:
    libraries = re.compile(r"(?:window|globalThis)\.(?:htmx|tus)\b|\} = (?:window|globalThis);")
    assert {path.name for path in SCRIPTS.glob("*.js") if libraries.search(path.read_text())} == READ_LIBRARIES


def test_no_line_is_too_long_to_read() -> None:
    for path in SCRIPTS.glob("*.js"):
        long = [line for line in path.read_text().splitlines() if len(line) > 120]
        assert long == [], path.name
