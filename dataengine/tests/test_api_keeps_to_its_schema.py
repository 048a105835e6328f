"""Every operation, given input that its schema allows and input that it does not, answers as /api/schema/ says.

Errors have the one shape that all of them have, whatever status they come with.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from hypothesis import Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, BaseSchema, Case, GenerationMode
from schemathesis.core.result import Ok

from conftest import PASSWORD, LiveServer
from dataengine.http.authentication import refresh_token_for
from dataengine.models import ChangeJob, Table
from dataengine.services import trash
from dataengine.services.audit import Trail
from dataengine.services.records import insert_record, update_record
from dataengine.services.sessions import Client
from dataengine.tests.importing import import_text, make_table
from dataengine.tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from django.contrib.auth.models import User

type Operation = APIOperation[Any, Any, Any, Any]
type Asked = Case[Any]

pytestmark = pytest.mark.django_db(transaction=True)

SEED = 20_261_126
EXAMPLES = 1
"""How many random cases per operation fit its schema, and how many do not, besides those at the limits of values."""
AT_LIMITS = 6
"""How many cases at the limits of values, spread evenly over all that there are: a column's body alone has 300."""
PARTS = 4
"""So that the thousands of requests are shared among several workers."""
CHECKS = {
    "not_a_server_error": True,
    "status_code_conformance": True,
    "content_type_conformance": True,
    "response_headers_conformance": True,
    "response_schema_conformance": True,
    "unsupported_method": True,
    # Which input is accepted depends on more than the schema, and has its own tests.
    "positive_data_acceptance": False,
    "negative_data_rejection": False,
    "missing_required_header": False,
    "use_after_free": False,
    "ensure_resource_availability": False,
    "ignored_auth": False,
    "object_level_authorization": False,
    "allow_header_conformance": False,
}

TABLE = {"table_name": "fresh", "fields": {"name": "TEXT NOT NULL", "keeper": "REFERENCES people"}}
COLUMN = {"column_name": "born", "column_type": "DATE DEFAULT '2000-01-01'"}
FILE = {"file": ("a.csv", b"name,n\nCleo,3\n")}
ACCEPTED: dict[str, dict[str, Any]] = {
    "create_table": {"json": TABLE},
    "verb_create_table": {"json": TABLE},
    "add_column": {"json": COLUMN},
    "verb_add_column": {"json": {"table_name": "people", **COLUMN}},
    "insert_record": {"json": {"name": "Cleo"}},
    "insert_records": {"json": {"records": [{"name": "Cleo"}, {"n": 3}]}},
    "update_records": {"json": {"filter": {"n__gte": 0}, "data": {"n": 5}}},
    "delete_records": {"json": {"filter": {"n__gte": 0}}},
    "start_import": {"files": FILE},
    "verb_upload_csv": {"files": FILE, "data": {"table_name": "people"}},
    "token": {"json": {"username": "owner", "password": PASSWORD}},
}
"""By operation: a request that is accepted, which random ones hardly ever are."""


@pytest.fixture
def schema(live_asgi: LiveServer) -> BaseSchema:
    checks = {name: {"enabled": enabled} for name, enabled in CHECKS.items()}
    # Two methods represent all that an address does not support.
    phases = {"coverage": {"unexpected-methods": ["patch", "trace"]}}
    config = schemathesis.Config.from_dict({"seed": SEED, "checks": checks, "phases": phases})
    found: BaseSchema = schemathesis.openapi.from_url(f"{live_asgi.url}/api/schema/", config=config)
    return found


def make_world(owner: User, path: str) -> dict[str, Any]:
    """Make a new table, record and job. Returns the parameters with which operations find them."""
    ChangeJob.objects.all().delete()  # a table that is being changed could not be deleted
    for table in Table.objects.order_by("-pk"):
        trash.delete_table(user=owner, table=table)
    people = make_table(owner, "people", name="TEXT", n="INTEGER")
    record = insert_record(user=owner, table=people, data={"name": "Ann"})
    trail: Trail = []
    update_record(user=owner, table=people, pk=record.pk, data={"n": 1}, trail=trail)
    key = record.pk
    match path.split("/")[2]:
        case "imports":
            key = import_text(owner, "people", "name,n\nBob,x\n").pk
        case "changes":
            key = ChangeJob.objects.create(table=people, user=owner, action="delete", count=1).pk
    return {"table_name": "people", "column_name": "name", "id": key, "event": trail[-1].pk}


def name_of(operation: Operation) -> str:
    return str(operation.definition.raw["operationId"])


def aim(case: Asked, known: dict[str, Any]) -> None:
    """Make a case ask for things that exist."""
    for values in (case.path_parameters, case.query, case.body):
        if isinstance(values, dict):
            values.update({name: known[name] for name in known if name in values})


def each_case(schema: BaseSchema, operation: Operation, check: Callable[[Asked], None]) -> None:
    """Call ``check`` with all cases of an operation, the same in every run."""
    generation = schema.config.generation_for(operation=operation)
    modes = list(GenerationMode)
    at_limits = list(schema.iter_coverage_cases(operation, generation_modes=modes, generation_config=generation))
    for case in at_limits[:: -(-len(at_limits) // AT_LIMITS) or 1]:
        check(case)
    few = settings(max_examples=EXAMPLES, derandomize=False, database=None, phases=[Phase.generate])
    for mode in modes:
        with suppress(Unsatisfiable):  # operations without input cannot get invalid input
            seed(SEED)(few(given(case=operation.as_strategy(generation_mode=mode))(check)))()


@pytest.mark.parametrize("part", range(PARTS))
def test_every_operation(schema: BaseSchema, owner: User, subtests: pytest.Subtests, part: int) -> None:
    session = requests.Session()

    def ask(case: Asked, **sent: Any) -> int:
        answer = case.call(session=session, timeout=PATIENCE_SECONDS, **sent)
        case.validate_response(answer)
        if answer.status_code >= 400:
            assert_is_an_error(answer.json())
        return answer.status_code

    def ask_everything(operation: Operation) -> None:
        known = make_world(owner, operation.path)
        # A new token for each: some operations end all that there are.
        session.headers["Authorization"] = f"Bearer {refresh_token_for(owner, Client()).access_token}"
        if name_of(operation) in ACCEPTED:
            keys = {parameter.name: known[parameter.name] for parameter in operation.path_parameters}
            assert ask(operation.Case(path_parameters=keys), **ACCEPTED[name_of(operation)]) < 300
        numbers = count()

        def check(case: Asked) -> None:
            if next(numbers) % 2:
                aim(case, known)
            case.headers.pop("Idempotency-Key", None)  # or many would be answered as the first
            ask(case)

        each_case(schema, operation, check)
        assert next(numbers) > 2

    found = [operation.ok() for operation in schema.get_all_operations() if isinstance(operation, Ok)]
    assert set(ACCEPTED) < {name_of(operation) for operation in found}
    for operation in found[part::PARTS]:
        with subtests.test(operation.label):
            ask_everything(operation)


def assert_is_an_error(body: Any) -> None:
    assert list(body) == ["error"]
    error = body["error"]
    assert {"code", "message", "fields"} <= set(error)
    assert error["code"]
    assert error["message"]
    assert all(reasons and all(map(str.strip, reasons)) for reasons in error["fields"].values())
