"""A request with an Idempotency-Key is done once, whoever is killed meanwhile, and answered the same again."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from guardian.shortcuts import remove_perm
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from dataengine.api.views_records import RecordsView
from dataengine.models import ImportJob, KeptAnswer, Table
from dataengine.services import kept_answers, tokens
from dataengine.tests.importing import import_text, make_table, records
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import PATIENCE_SECONDS, is_waited_for, until

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db

RECORDS = "/api/tables/t/records/"


def logged_in(user: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {RefreshToken.for_user(user).access_token}")
    return client


@pytest.fixture
def client(owner: User) -> APIClient:
    make_table(owner, "t", name="TEXT")
    return logged_in(owner)


def send(client: APIClient, key: str, body: Any, path: str = RECORDS, method: str = "post") -> Any:
    return getattr(client, method)(path, body, headers={"Idempotency-Key": key})


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def names() -> list[str]:
    return [name for (name,) in records("t", "name")]


def test_the_same_again_has_the_same_answer(client: APIClient) -> None:
    first, second = (send(client, "k", {"name": "Ada"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    for header in ("Content-Type", "Location", "X-Undo"):
        assert first[header] == second[header]
    assert first["X-Request-ID"] != second["X-Request-ID"]
    assert names() == ["Ada"]


def test_every_unsafe_method(client: APIClient) -> None:
    path = client.post(RECORDS, {"name": "Ada"}).json()["id"]
    one = f"{RECORDS}{path}/"
    for method, status in (("put", 200), ("patch", 200), ("delete", 204)):
        body = None if method == "delete" else {"name": method}
        first, second = (send(client, method, body, one, method) for _ in range(2))
        assert (first.status_code, second.status_code) == (status, status)
        assert (first.content, second.get("Idempotent-Replayed")) == (second.content, "true")
        assert {answer.get("Content-Type") for answer in (first, second)} == {
            "application/json" if first.content else None
        }
    assert names() == []
    assert "Idempotent-Replayed" not in client.get(RECORDS, headers={"Idempotency-Key": "put"})


def test_a_key_is_for_one_request(client: APIClient, owner: User, stranger: User) -> None:
    assert send(client, "k", {"name": "Ada"}).status_code == 201
    for answer in (
        send(client, "k", {"name": "Bob"}),
        send(client, "k", {"name": "Ada"}, f"{RECORDS}bulk/"),
        send(client, "k", {"table_name": "t", "data": {"name": "Ada"}}, "/api/insert-record/"),
        send(client, "k", {"name": "Ada"}, f"{RECORDS}1/", "put"),
    ):
        assert code(answer) == (409, "key_reused")
        assert "Idempotency-Key" in answer.json()["error"]["fields"]
    assert send(client, "other", {"name": "Ada"}).status_code == 201
    assert send(logged_in(stranger), "k", {"name": "Ada"}).status_code == 404
    _, text = tokens.create_token(user=owner, name="mine", right="own", tables=None, expires_at=None)
    with_token = APIClient()
    with_token.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    answer = send(with_token, "k", {"name": "Ada"})
    assert (answer.status_code, answer.get("Idempotent-Replayed")) == (201, None)
    assert names() == ["Ada"] * 3


def test_an_error_is_an_answer_but_not_one_of_the_moment(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (send(client, "k", {"nam": "Ada"}) for _ in range(2))
    assert first.status_code == second.status_code == 400
    assert (first.content, second.get("Idempotent-Replayed")) == (second.content, "true")
    assert send(client, "m", None, "/api/tables/", "delete").status_code == 405
    client.raise_request_exception = False
    with monkeypatch.context() as patched:
        patched.setattr(RecordsView, "post", _broken(RecordsView.post))
        assert send(client, "n", {"name": "Ada"}).status_code == 500
    answer = send(client, "n", {"name": "Ada"})
    assert (answer.status_code, answer.get("Idempotent-Replayed")) == (201, None)
    assert names() == ["Ada"]


def _broken(real: Callable[..., Any]) -> Callable[..., Any]:
    def post(*args: Any, **kwargs: Any) -> Any:
        assert real(*args, **kwargs).status_code == 201
        raise RuntimeError("broken, after all was done")

    return post


@pytest.mark.parametrize("key", ["", "  ", "a" * 256, "\xe9", "a\tb"])
def test_what_is_no_key(client: APIClient, key: str) -> None:
    answer = send(client, key, {"name": "Ada"})
    assert code(answer) == (400, "invalid_key")
    assert list(answer.json()["error"]["fields"]) == ["Idempotency-Key"]
    assert names() == []


def test_keys_may_look_as_they_like(client: APIClient) -> None:
    for key in ("a" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "{}'; --", "0"):
        assert [send(client, key, {"name": key}).status_code for _ in range(2)] == [201, 201]
    assert len(names()) == 4


@pytest.mark.parametrize("path", ["/api/upload-csv/", "/api/tables/t/imports/"])
def test_uploads(client: APIClient, path: str) -> None:
    def upload(text: bytes, name: str = "a.csv", **more: str) -> Any:
        file = io.BytesIO(text)
        file.name = name
        given = {"table_name": "t", "file": file, **more}
        return client.post(path, given, format="multipart", headers={"Idempotency-Key": "k"})

    first, second = upload(b"name\nAda\n"), upload(b"name\nAda\n")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert (second["Idempotent-Replayed"], second["Location"]) == ("true", first["Location"])
    for other in (upload(b"name\nBob\n"), upload(b"name\nAda\n", "b.csv"), upload(b"name\nAda\n", options="{}")):
        assert code(other) == (409, "key_reused")
    assert ImportJob.objects.count() == 1


def test_forms_are_compared_by_what_is_in_them(client: APIClient) -> None:
    answers = []
    for mark in ("one", "two"):
        head = 'Content-Disposition: form-data; name="file"; filename="a.csv"'
        body = f"--{mark}\r\n{head}\r\n\r\nname\nAda\n\r\n--{mark}--\r\n"
        answers.append(
            client.generic(
                "POST", "/api/tables/t/imports/", body, f"multipart/form-data; boundary={mark}",
                headers={"Idempotency-Key": "k"},
            )
        )  # fmt: skip
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[1]["Idempotent-Replayed"] == "true"


def test_after_a_day_a_key_is_new(client: APIClient) -> None:
    send(client, "k", {"name": "Ada"})
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=23, minutes=59))
    assert kept_answers.sweep() == 0
    assert send(client, "k", {"name": "Ada"})["Idempotent-Replayed"] == "true"
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=24, minutes=1))
    assert send(client, "k", {"name": "Bob"}).status_code == 201
    assert send(client, "k", {"name": "Bob"})["Idempotent-Replayed"] == "true"
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=24, minutes=1))
    assert kept_answers.sweep() == 1
    assert names() == ["Ada", "Bob"]


def test_secrets_are_not_kept(client: APIClient) -> None:
    body = {"name": "script", "right": "view"}
    first = send(client, "k", body, "/api/account/tokens/")
    assert first.status_code == 201
    assert code(send(client, "k", body, "/api/account/tokens/")) == (409, "answer_not_kept")
    assert KeptAnswer.objects.get().body is None
    assert client.get("/api/account/tokens/").json()["count"] == 1


def test_nothing_is_kept_of_a_change_of_the_password(client: APIClient, owner: User, password: str) -> None:
    body = {"old": password, "new": "tidal-lantern-71"}
    first = send(client, "k", body, "/api/account/password/")
    assert first.status_code == 200
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {first.json()['access']}")
    assert code(send(client, "k", body, "/api/account/password/")) == (409, "answer_not_kept")
    assert code(send(client, "k", {**body, "new": "x"}, "/api/account/password/")) == (409, "key_reused")
    kept = KeptAnswer.objects.get()
    assert kept.body is None
    # Nor anything against which guesses could be tried by who has only the database.
    with override_settings(SECRET_KEY="another"):
        assert code(send(client, "k", body, "/api/account/password/")) == (409, "key_reused")


@pytest.mark.django_db(transaction=True)
def test_who_has_lost_the_right_is_not_shown_the_answer_again(
    client: APIClient, owner: User, colleague: User, share: Any
) -> None:
    table = Table.objects.get(name="t")
    share(table, colleague, "edit")
    theirs = logged_in(colleague)
    job = import_text(owner, "t", "name\nBob\n")
    asked: list[tuple[str, Any]] = [(RECORDS, {"name": "Ada"}), (f"/api/imports/{job.pk}/undo/", {})]
    firsts = [send(theirs, path, body, path) for path, body in asked]
    assert [answer.status_code for answer in firsts] == [201, 202]
    remove_perm("edit_table", colleague, table)
    share(table, colleague, "view")
    for path, body in asked:
        assert code(send(theirs, path, body, path)) == (403, "permission_denied")
    share(table, colleague, "edit")
    for first, (path, body) in zip(firsts, asked, strict=True):
        again = send(theirs, path, body, path)
        assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")
    assert names() == ["Bob", "Ada"]


def test_what_went_to_the_trash_is_not_shown_again(client: APIClient, colleague: User, share: Any) -> None:
    share(Table.objects.get(name="t"), colleague, "edit")
    theirs = logged_in(colleague)
    assert send(theirs, "k", {"name": "Ada"}).status_code == 201
    assert client.delete("/api/tables/t/").status_code == 204
    assert code(send(theirs, "k", {"name": "Ada"})) == (403, "permission_denied")


def test_who_gives_the_right_away_is_answered_again(client: APIClient, stranger: User) -> None:
    gone = "/api/tables/t/", None, "delete"
    given = "/api/tables/t/sharing/", {"owner": stranger.username, "grants": []}, "put"
    for (path, body, method), who in ((given, client), (gone, logged_in(stranger))):
        first, second = (send(who, method, body, path, method) for _ in range(2))
        assert first.status_code in {200, 204}
        assert (first.content, second.get("Idempotent-Replayed")) == (second.content, "true")


@pytest.mark.django_db(transaction=True)
def test_who_comes_meanwhile_is_told_to_wait_and_a_kill_leaves_the_key_free(
    client: APIClient, owner: User, second_connection: Callable[[], Any]
) -> None:
    other = second_connection()
    other.execute("BEGIN")
    other.execute("LOCK TABLE userdata.t")
    answers: list[Any] = []

    def insert() -> None:
        answers.append(send(client, "k", {"name": "Ada"}))
        connection.close()

    stuck = Beside(target=insert)
    stuck.start()
    until(lambda: is_waited_for(other))
    meanwhile = send(logged_in(owner), "k", {"name": "Ada"})
    assert code(meanwhile) == (409, "key_in_use")
    assert int(meanwhile["Retry-After"]) > 0
    second_connection().execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    stuck.join()
    assert answers[0].status_code == 503
    other.execute("ROLLBACK")
    again = send(client, "k", {"name": "Ada"})
    assert (again.status_code, again.get("Idempotent-Replayed")) == (201, None)
    assert names() == ["Ada"]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_done(client: APIClient, owner: User) -> None:
    together = threading.Barrier(8, timeout=PATIENCE_SECONDS)
    answers: list[Any] = []

    def insert() -> None:
        mine = logged_in(owner)
        together.wait()
        answers.append(send(mine, "k", {"name": "Ada"}))
        connection.close()

    threads = [Beside(target=insert) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names() == ["Ada"]
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[201]
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
