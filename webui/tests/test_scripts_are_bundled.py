"""A page's scripts and styles are one file each, in the order of their imports; what has no rule is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from webui import bundles
from webui.tests.test_scripts_are_modules import ENTRIES

STATIC = Path(__file__).resolve().parents[2] / "static"
PAGES = sorted({name for found in ENTRIES.values() for name in found})


def read(name: str) -> str:
    return (STATIC / name).read_text()


def bundled(name: str, **files: str) -> str:
    return bundles.script(f"s/{name}", {f"s/{key}.js": text for key, text in files.items()}.__getitem__)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_one_script_with_all_that_it_imports_once(page: str) -> None:
    made = bundles.script(f"scripts/{page}", read)
    begun = re.findall(r"^const (\$\w+) = \(\(\) => {$", made, re.MULTILINE)
    assert begun[-1] == "$" + page.removesuffix(".js")
    assert "$console" in begun
    assert len(begun) == len(set(begun))
    assert not re.search(r"""^(import .*"\./|export )""", made, re.MULTILINE)
    # Nothing is used before it is there.
    for place, name in enumerate(begun):
        body = made.split(f"const {name} = ")[1].split("\n})();")[0]
        assert set(re.findall(r"^const .* = (\$\w+);$", body, re.MULTILINE)) <= set(begun[:place])


@pytest.mark.parametrize("name", [path.name for path in STATIC.glob("*.css")])
def test_a_stylesheet_has_all_that_it_imports(name: str) -> None:
    made = bundles.style(name, read)
    assert "@import" not in made
    for imported in re.findall(r'@import url\("(.+)"\)', read(name)):
        assert read(imported) in made


def test_modules_become_functions_in_order() -> None:
    page = [
        "// What it is for.",
        'import "./first.js";',
        'import * as all from "./both.js";',
        'import "../vendor/v.js";',
    ]
    both = ["const own = 2;", "export const a = () => own;", "export async function b() {}"]
    made = bundled(
        "page.js",
        page="\n".join([*page, "all.a();", ""]),
        first='import {\n  a,\n  b,\n} from "./both.js";\na(b);\n',
        both="\n".join([*both, "export const { c, d } = globalThis;", ""]),
    )
    assert made.startswith('import "../vendor/v.js";\n')
    assert re.findall(r"^(?:const|return|async|a|all).*", made, re.MULTILINE) == [
        "const $both = (() => {",
        "const own = 2;",
        "const a = () => own;",
        "async function b() {}",
        "const { c, d } = globalThis;",
        "return { a, b, c, d };",
        "const $first = (() => {",
        "const { a, b, } = $both;",
        "a(b);",
        "return {  };",
        "const $page = (() => {",
        "const all = $both;",
        "all.a();",
        "return {  };",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "export let a = 1;\n",  # may change later
        "export default 1;\n",
        "export { a };\n",
        'export * from "./b.js";\n',
        'import a from "./b.js";\n',
        'import { a as c } from "./b.js";\n',
        'import "bare";\n',
        'const a = await import("./b.js");\n',
        "const here = import.meta.url;\n",
        'import { v } from "../vendor/v.js";\n',
        'import "./page.js";\n',
    ],
)
def test_what_has_no_rule_is_refused(text: str) -> None:
    with pytest.raises(bundles.Unbundled, match="page"):
        bundled("page.js", page=text, b="export const a = 1;\n")


def test_only_our_files_are_bundled() -> None:
    ours = ["scripts/grid.js", "records.css"]
    others = ["vendor/htmx-4.0.1/htmx.min.js", "django_htmx/x.js", "drf/scripts/a.js", "admin/css/base.css"]
    assert [name for name in ours + others if bundles.maker_for(name)] == ours
