"""Of a library's stylesheet a page gets what it uses, and nothing else; what is used is all there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from webui import static_files, used_styles

STATIC = Path(__file__).resolve().parents[2] / "static"


@pytest.mark.parametrize(
    ("css", "left"),
    [
        (".a{x:1}.b{x:2}", ".a{x:1}"),
        (".a,.b>p,.a .b,p.a:hover{x:1}", ".a,p.a:hover{x:1}"),
        (".a:not(.b){x:1}.b:not(.a){x:2}", ".a:not(.b){x:1}"),
        (":is(.a,.b) p,[x='.b']{x:1}", ":is(.a,.b) p,[x='.b']{x:1}"),
        (r".w\3a b{x:1}.m-1\.5{x:2}", ""),
        ("p:not([data-b]),html[data-b] .a{x:1}", "p:not([data-b]){x:1}"),
        ("body{x:1}*{x:2}", "body{x:1}*{x:2}"),
        ("@media (x:1){.b{y:1}}@media (x:1){.a{y:1}.b{y:2}}", "@media (x:1){.a{y:1}}"),
        ("@font-face{src:url('a}.b{')}@keyframes b{to{x:1}}", "@font-face{src:url('a}.b{')}@keyframes b{to{x:1}}"),
        ('@charset "UTF-8";/*! licence; {of} b */.b{x:1}.a{x:2}', '@charset "UTF-8";/*! licence; {of} b */.a{x:2}'),
        (":root{--b:1;--a:2;--c:3}.a{y:var(--c)}.b{y:var(--b)}", ":root{--a:2;--c:3}.a{y:var(--c)}"),
        # A variable that only an unread one reads is not read.
        ('.a{--b:var(--c);--c:url("data:x;y\'{");x:1}', ".a{x:1}"),
    ],
)
def test_rules(css: str, left: str) -> None:
    assert used_styles.used(css, {"a", "--a"}) == left


def test_tabler_keeps_what_is_named_and_loses_most() -> None:
    name = next(path for path in STATIC.glob("vendor/tabler-*/*.css")).relative_to(STATIC).as_posix()
    made = static_files.used_style(name, lambda path: (STATIC / path).read_text())
    whole = (STATIC / name).read_text()
    assert len(made) < len(whole) / 5
    # No rule for whatever stands beside or below something: a browser then looks at all cells for each that changes.
    assert re.findall(r"[^{},]*[+~]\*[^{},]*|[^{},]*>:(?:first|last|nth|only)-[^{},]*", made) == []
    assert "Licensed under MIT" in made
    for name in ("btn", "btn-primary", "form-control", "form-select", "form-check-input", "visually-hidden"):
        rule = re.compile(rf"\.{name}(?![\w-])[^{{}}]*{{([^}}]*)")
        bodies = rule.findall(made)
        assert bodies
        assert set(bodies) <= set(rule.findall(whole)) | {""}
        # Whatever they read without another choice has a value.
        read = set(re.findall(r"var\((--[\w-]+)\)", "".join(bodies)))
        assert [each for each in sorted(read) if f"{each}:" in whole and f"{each}:" not in made] == []
