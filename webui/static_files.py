"""Static files by WhiteNoise: their names, and the form that an ASGI server can send."""

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

# `import … from "./other.js";` and `import "./other.js";`, as our scripts write them: at the beginning of a line.
_IMPORT = r"""(?m)^(?P<matched>(?P<what>import [^;"]*)"(?P<url>\.[^"]+)";)$"""


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Names that hold a hash of the content, in the pages and in what our scripts import from each other.

    Django's own switch for this (``support_js_module_import_aggregation``) rewrites the scripts of every package that
    brings some, and fails on one of django_htmx.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("scripts/*.js", ((_IMPORT, '%(what)s"%(url)s";'),)),
    )
    # A script's hash covers the names of what it imports, so each pass settles one more level of imports. Django's five
    # are just enough for the grid.
    max_post_process_passes = 10


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """Answers with the file's content instead of a file to iterate over.

    Django on ASGI would gather a synchronous iterator into memory anyway, with a warning for each, and leave the file
    open.
    """

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        """The answer to a GET or HEAD: whole, a range of it, or Not Modified."""
        answer = static_file.get_response(request.method, request.META)
        content = b""
        if answer.file is not None:
            with answer.file as file:
                content = file.read()
        response = HttpResponse(content, status=int(answer.status))
        del response["Content-Type"]  # what there is stands in the headers below
        for name, value in answer.headers:
            response[name] = value
        return response
