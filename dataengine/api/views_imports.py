"""Imports: uploading a file, watching the job, reading the rejected rows."""

from __future__ import annotations

from typing import Any

from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from dataengine import access
from dataengine.api import serializers as shapes
from dataengine.api import serializers_imports as import_shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.api.parsers import ExactJSONParser
from dataengine.exceptions import InvalidInput
from dataengine.jobs.serializers import ImportJobSerializer, import_job_data
from dataengine.models import ImportJob
from dataengine.services import import_again, remote_imports
from dataengine.services import imports as services


class ImportListView(ApiView):
    """The imports that the user may see."""

    operations = {"get": Operation("list_imports", "List imports", shapes.ImportList, query=import_shapes.ImportsQuery)}

    def get(self, request: Request, **names: str) -> Response:
        asked = checked(import_shapes.ImportsQuery, request.query_params.dict())
        jobs = access.imports_for(self.user)
        if state := asked.pop("state"):
            jobs = jobs.filter(state=state)
        if names:
            jobs = jobs.filter(table=self.table(names, "view"))
        return listing(request, jobs, self.shown, **asked)

    def shown(self, jobs: list[ImportJob]) -> list[dict[str, Any]]:
        return [import_job_data(job, base_url=self.base_url()) for job in jobs]


class TableImportsView(ImportListView):
    """The imports into a table."""

    parser_classes = (MultiPartParser, FormParser, ExactJSONParser)
    uploads = True
    operations = {
        "get": Operation(
            "list_table_imports", "List a table's imports", shapes.ImportList, query=import_shapes.ImportsQuery
        ),
        "post": Operation(
            "start_import", "Upload a file, or say where it is, and import it", ImportJobSerializer, 202,
            body=import_shapes.StartImport, verb=import_shapes.UploadCsv,
        ),
    }  # fmt: skip

    def post(self, request: Request, **names: str) -> Response:
        asked = self.arguments(import_shapes.UploadCsv if self.verb else import_shapes.StartImport)
        if len(request.FILES.getlist("file")) > 1:
            raise InvalidInput("Send one file at a time.", fields={"file": "Send one file; start an import for each."})
        given = {
            "user": self.user,
            "table_name": names.get("table_name") or asked["table_name"],
            "email": asked.get("email", self.user.email),
            "options": asked.get("options", {}),
        }
        if "url" in asked:
            job = remote_imports.start_from(url=asked["url"], **given)
        else:
            job = services.start(table=None, file=asked["file"], filename=asked["file"].name, **given)
        data = import_job_data(job, base_url=self.base_url())
        return Response(data, status=202, headers={"Location": data["url"]})


class ImportView(ApiView):
    """One import."""

    operations = {"get": Operation("get_import", "Show an import", ImportJobSerializer)}

    def get(self, request: Request, pk: int) -> Response:
        return Response(import_job_data(access.get_import(self.user, pk), base_url=self.base_url()))


class CancelView(ApiView):
    """Cancels an import; none of its rows stay."""

    operations = {"post": Operation("cancel_import", "Cancel an import", ImportJobSerializer)}

    def post(self, request: Request, pk: int) -> Response:
        job = access.get_import(self.user, pk, "edit")
        services.cancel(user=self.user, job=job)
        job.refresh_from_db()
        return Response(import_job_data(job, base_url=self.base_url()))


class RetryView(ApiView):
    """Repeats an import that failed or was cancelled, or does a dry run for real, as a new job with the same file."""

    operations = {"post": Operation("retry_import", "Try an import again", ImportJobSerializer, 202)}

    def post(self, request: Request, pk: int) -> Response:
        job = services.retry(user=self.user, job=access.get_import(self.user, pk, "edit"))
        data = import_job_data(job, base_url=self.base_url())
        return Response(data, status=202, headers={"Location": data["url"]})


class AgainView(ApiView):
    """Does an import over that made its table: the same file, other options, in the place of the first."""

    operations = {
        "post": Operation(
            "do_import_over", "Do an import over", ImportJobSerializer, 202, body=import_shapes.ImportAgain
        )
    }

    def post(self, request: Request, pk: int) -> Response:
        asked = self.arguments(import_shapes.ImportAgain)
        job = import_again.do_over(user=self.user, job=access.get_import(self.user, pk), options=asked["options"])
        data = import_job_data(job, base_url=self.base_url())
        return Response(data, status=202, headers={"Location": data["url"]})
