"""One file of a script or a stylesheet and of all that it imports, so that a page is soon there. Pure.

The sources stay modules, which development serves as they are; bundles are made when static files are collected. Only
what our own files need is understood, and everything else refused: tools that know the whole language need Node.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from posixpath import dirname, join, normpath

# `import "./a.js";`, `import * as a from "./a.js";`, `import { b, c } from "./a.js";`
_IMPORT = re.compile(
    r"""^import\s(?:(?:\*\sas\s(?P<whole>\w+)|(?P<names>\{[^}]*\}))\sfrom\s)?"(?P<path>\.[^"]+)";\n""", re.MULTILINE
)
_EXPORT = re.compile(r"^export\s(?=(?:const|function|async\sfunction|class)\s)", re.MULTILINE)
_EXPORTED = re.compile(
    r"^export\s(?:const|function|async\sfunction|class)\s(?:\{\s*(?P<taken>[\w\s,]+)\}|(?P<name>\w+))", re.MULTILINE
)
_LEFT = re.compile(r"^(?:import|export)\b.*|^.*\bimport(?:\(|\.meta).*", re.MULTILINE)
_STYLE_IMPORT = re.compile(r"""^@import\surl\("(?P<path>[^"/]+)"\);\n""", re.MULTILINE)

_OURS = re.compile(r"scripts/[\w-]+\.js|[\w-]+\.css")

type Read = Callable[[str], str]
"""The text of a file, by its name among the static files."""


type Make = Callable[[str, Read], str]


class Unbundled(ValueError):
    """A file that says something for which there is no rule here."""


def maker_for(name: str) -> Make | None:
    """What makes a bundle of a static file; None for files that are not ours, which stay as they are."""
    if not _OURS.fullmatch(name):
        return None
    return script if name.endswith(".js") else style


def script(name: str, read: Read) -> str:
    """The module ``name`` with all modules of its folder that it imports, at any depth, in the order of their imports.

    Each becomes a function that is called once and returns what it exports. Modules from other folders, which are
    libraries, remain imports.
    """
    folder, order, libraries = dirname(name), list[str](), list[str]()
    bodies: dict[str, str] = {}

    def add(module: str, within: tuple[str, ...]) -> None:
        if module in within:
            raise Unbundled(f"{' imports '.join((*within, module))}: a circle.")
        if module in bodies:
            return
        text = read(module)
        for found in _IMPORT.finditer(text):
            other = normpath(join(folder, found["path"]))
            if dirname(other) == folder:
                add(other, (*within, module))
            elif found["whole"] or found["names"]:
                raise Unbundled(f"{module} takes names from {other}.")
            elif found["path"] not in libraries:
                libraries.append(found["path"])
        bodies[module] = _as_function(module, text, folder)
        order.append(module)

    add(name, ())
    imports = "".join(f'import "{path}";\n' for path in libraries)
    return imports + "\n".join(bodies[module] for module in order)


def style(name: str, read: Read) -> str:
    """The stylesheet ``name`` with the contents of those that it imports, in their places."""
    return _STYLE_IMPORT.sub(lambda found: style(join(dirname(name), found["path"]), read), read(name))


def _as_function(module: str, text: str, folder: str) -> str:
    taken: list[str] = []
    for found in _IMPORT.finditer(text):
        other = normpath(join(folder, found["path"]))
        if " as " in (found["names"] or ""):
            raise Unbundled(f"{module} takes names from {other} under others.")
        if what := found["whole"] or found["names"]:
            taken.append(f"const {' '.join(what.split())} = {_variable(other)};")
    exported = [
        name.strip()
        for found in _EXPORTED.finditer(text)
        for name in (found["taken"] or found["name"]).split(",")
        if name.strip()
    ]
    body = _EXPORT.sub("", _IMPORT.sub("", text))
    if left := _LEFT.search(body):
        raise Unbundled(f"{module}: {left[0].strip()}")
    lines = [
        f"const {_variable(module)} = (() => {{",
        *taken,
        body.strip(),
        f"return {{ {', '.join(exported)} }};",
        "})();",
    ]
    return "\n".join(lines) + "\n"


def _variable(module: str) -> str:
    return "$" + re.sub(r"\W", "_", module.rpartition("/")[2].removesuffix(".js"))
