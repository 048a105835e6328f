"""Static files by WhiteNoise: bundles, styles that are used, hashed names, and responses suitable for ASGI."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

from webui import bundles, used_styles

# `import "../vendor/library.js";` at the beginning of a line: all that is left of the imports of our scripts.
_IMPORT = r"""(?m)^(?P<matched>import "(?P<url>\.[^"]+)";)$"""

# A stylesheet that has more than we need, and where what we need is named: in everything that makes our pages.
_LARGE = re.compile(r"vendor/tabler-[\d.]+/tabler\.min\.css")
NAMING = ("templates/**/*.html", "webui/**/*.py", "static/*.css", "static/scripts/*.js", "static/vendor/htmx-*/*.js")

# Words of our pages that are no classes there, and a selector in whose place console.css has one for what follows our
# legends. Rules for any element beside or below another make a browser look at all cells again for each that changes.
_NO_CLASSES = frozenset({"markdown", "steps", "step-item"})
_COSTLY = frozenset({"legend+*"})

type Paths = dict[str, tuple[Any, str]]
"""By name among the static files: the storage that a file comes from, and its path there."""


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Scripts and stylesheets of ours in one file with what they import, and names with a hash of the content.

    Django's own switch for imports in scripts (``support_js_module_import_aggregation``) also rewrites the scripts of
    every package that has some, and fails on one of django_htmx.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("scripts/*.js", ((_IMPORT, 'import "%(url)s";'),)),
    )

    def post_process(self, paths: Paths, dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Bundle, then do what Django and WhiteNoise do."""
        if not dry_run:
            paths = {**paths, **self._bundles(paths)}
        yield from super().post_process(paths, dry_run, **options)

    def _bundles(self, paths: Paths) -> Paths:
        """Put bundles in the places of files of ours, and of a large stylesheet the part that is used.

        The bundle of a file that imports nothing is that file alone.
        """

        def read(name: str) -> str:
            storage, path = paths[name]
            with storage.open(path) as file:
                content: bytes = file.read()
            return content.decode()

        made: Paths = {}
        for name in paths:
            make = used_style if _LARGE.fullmatch(name) else bundles.maker_for(name)
            if make is not None:
                self.delete(name)
                made[self.save(name, ContentFile(make(name, read).encode()))] = (self, name)
        return made


def used_style(name: str, read: bundles.Read) -> str:
    """The part of the stylesheet ``name`` that templates, scripts, modules and stylesheets of ours name."""
    files = (path for pattern in NAMING for path in Path(settings.BASE_DIR).glob(pattern))
    known = set[str]().union(*(used_styles.words(path.read_text()) for path in files if "tests" not in path.parts))
    return used_styles.used(read(name), known - _NO_CLASSES, _COSTLY)


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """Responds with the file's content instead of an iterator.

    Django on ASGI would gather a synchronous iterator into memory anyway, with a warning for each, and leave the file
    open.
    """

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        """The response to a GET or HEAD: the file, a range of it, or Not Modified."""
        answer = static_file.get_response(request.method, request.META)
        content = b""
        if answer.file is not None:
            with answer.file as file:
                content = file.read()
        response = HttpResponse(content, status=int(answer.status))
        del response["Content-Type"]  # set again from the headers below
        for name, value in answer.headers:
            response[name] = value
        return response
