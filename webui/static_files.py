"""Static files by WhiteNoise: their names, and responses suitable for ASGI."""

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

# `import … from "./other.js";` and `import "./other.js";`, as written in our scripts, at the beginning of a line.
_IMPORT = r"""(?m)^(?P<matched>(?P<what>import [^;"]*)"(?P<url>\.[^"]+)";)$"""


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Names with a hash of the content, in pages and in imports between our scripts.

    Django's own switch for this (``support_js_module_import_aggregation``) also rewrites the scripts of every package
    that has some, and fails on one of django_htmx.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("scripts/*.js", ((_IMPORT, '%(what)s"%(url)s";'),)),
    )
    # A script's hash depends on the names of its imports, so each pass settles one more level of imports. Django's five
    # passes are just enough for the grid.
    max_post_process_passes = 10


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
