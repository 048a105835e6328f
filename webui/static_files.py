"""Static files by WhiteNoise, in the form that an ASGI server can send."""

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile


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
