"""API tokens let their user in for what they were made for, and for nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from dataengine.models import ApiToken, ImportJob
from dataengine.services import tables
from dataengine.tests.conftest import MakeTable

TOKENS = "/api/account/tokens/"
LATER = "2999-01-01T00:00:00Z"


def made(client: APIClient, **given: Any) -> Any:
    answer = client.post(TOKENS, {"name": "script", **given})
    assert answer.status_code == 201, answer.content
    return answer.json()


def bearer(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def names(client: APIClient) -> list[str]:
    return [table["table_name"] for table in client.get("/api/tables/").json()["results"]]


def test_a_token_is_shown_once_and_kept_as_a_digest(client: APIClient) -> None:
    token = made(client, right="edit", expires_at=LATER)
    text = token.pop("token")
    assert text.startswith("tk_")
    assert len(text) >= 40
    assert token | {"id": 0, "created_at": ""} == {
        "id": 0, "name": "script", "right": "edit", "tables": None, "hint": text[-4:], "created_at": "",
        "expires_at": LATER, "last_used_at": None,
    }  # fmt: skip
    assert client.get(TOKENS).json()["results"] == [token]
    kept = ApiToken.objects.get()
    assert kept.digest == hashlib.sha256(text.encode()).hexdigest()
    assert text not in json.dumps({key: str(value) for key, value in vars(kept).items()})


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"right": "root"}, "right"),
        ({"right": None}, "right"),
        ({"tables": "people"}, "tables"),
        ({"tables": []}, "tables"),
        ({"tables": ["nothing"]}, "tables"),
        ({"tables": ["of_others"]}, "tables"),
        ({"tables": ["a\0b"]}, "tables"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"user": 1}, "user"),
    ],
)
def test_what_is_wrong_is_named(client: APIClient, stranger: User, given: dict[str, Any], field: str) -> None:
    tables.create_table(user=stranger, name="of_others", columns=[])
    answer = client.post(TOKENS, {"name": "script", **given})
    assert answer.status_code == 400, answer.content
    assert [name.split(".")[0] for name in answer.json()["error"]["fields"]] == [field]
    assert not ApiToken.objects.exists()


def test_a_token_has_no_more_than_its_right(client: APIClient, make_table: MakeTable) -> None:
    make_table("people", name="TEXT")
    one = "/api/tables/people/records/1/"
    client.post("/api/tables/people/records/", {"name": "Ann"})
    statuses = {}
    for right in ("view", "edit", "design", "own"):
        script = bearer(made(client, right=right)["token"])
        statuses[right] = [
            script.get(one).status_code,
            script.patch(one, {"name": "Bob"}).status_code,
            script.patch("/api/tables/people/", {"label": "People"}).status_code,
            script.post("/api/tables/", {"table_name": f"made_by_{right}", "fields": {"a": "TEXT"}}).status_code,
        ]
    assert statuses == {
        "view": [200, 403, 403, 403],
        "edit": [200, 200, 403, 403],
        "design": [200, 200, 200, 403],
        "own": [200, 200, 200, 201],
    }


def test_a_token_has_no_more_than_its_user(
    client: APIClient, make_table: MakeTable, share: Any, colleague: User, api: Any
) -> None:
    table = make_table("people", name="TEXT")
    make_table("secret", name="TEXT")
    share(table, colleague, "view")
    script = bearer(made(api(colleague), right="own")["token"])
    assert names(script) == ["people"]
    assert script.post("/api/tables/people/records/", {"name": "Ann"}).status_code == 403
    assert script.get("/api/tables/secret/").status_code == 404


def test_a_token_for_a_table_knows_no_other(client: APIClient, make_table: MakeTable, owner: User) -> None:
    table, other = make_table("people", name="TEXT"), make_table("other", name="TEXT")
    token = made(client, right="own", tables=["people"])
    assert token["tables"] == ["people"]
    script = bearer(token["token"])
    for job in (table, other, None):
        ImportJob.objects.create(table=job, table_name="x", user=owner, filename="a.csv", bytes_total=1)
    unseen = list(ImportJob.objects.exclude(table=table).values_list("pk", flat=True))
    assert names(script) == ["people"]
    assert script.get("/api/tables/other/").status_code == 404
    assert script.get("/api/tables/other/records/").status_code == 404
    assert [job["table_name"] for job in script.get("/api/imports/").json()["results"]] == ["x"]
    assert [script.get(f"/api/imports/{pk}/").status_code for pk in unseen] == [404, 404]
    assert script.delete("/api/tables/other/").status_code == 404
    # Not by a way around: a reference would show the other table's records, a new table would be out of sight.
    refers = {"column_name": "o", "column_type": "REFERENCES other"}
    assert script.post("/api/tables/people/columns/", refers).status_code == 400
    assert script.post("/api/tables/", {"table_name": "more", "fields": {"a": "TEXT"}}).status_code == 403
    assert script.post("/api/tables/people/duplicate/", {"table_name": "more"}).status_code == 403
    file = {"file": SimpleUploadedFile("a.csv", b"a\n1\n"), "table_name": "more", "options": '{"create_table": true}'}
    assert script.post("/api/upload-csv/", file, format="multipart").status_code == 403
    # The table keeps its token under another name, and a deleted one leaves the token without any.
    assert client.patch("/api/tables/people/", {"table_name": "persons"}).status_code == 200
    assert names(script) == ["persons"]
    client.delete("/api/tables/persons/")
    assert names(script) == []
    assert script.get("/api/trash/").json()["count"] == 1
    client.delete("/api/tables/other/")
    assert script.get("/api/trash/").json()["count"] == 1


def test_a_token_makes_no_tokens(client: APIClient) -> None:
    token = made(client, right="own")
    script = bearer(token["token"])
    answers = [script.post(TOKENS, {"name": "more"}), script.get(TOKENS), script.delete(f"{TOKENS}{token['id']}/")]
    assert [(answer.status_code, answer.json()["error"]["code"]) for answer in answers] == [(403, "not_by_token")] * 3


def test_revoked_tokens_let_nobody_in(client: APIClient, api: Any, stranger: User) -> None:
    token = made(client)
    script, others = bearer(token["token"]), api(stranger)
    assert script.get("/api/tables/").status_code == 200
    assert others.delete(f"{TOKENS}{token['id']}/").status_code == 404
    assert others.get(TOKENS).json()["results"] == []
    assert client.delete(f"{TOKENS}{token['id']}/").status_code == 204
    assert client.delete(f"{TOKENS}{token['id']}/").status_code == 404
    refused = script.get("/api/tables/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "token_not_valid")


def test_expired_tokens_let_nobody_in(client: APIClient) -> None:
    script = bearer(made(client, expires_at=LATER)["token"])
    assert script.get("/api/tables/").status_code == 200
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert script.get("/api/tables/").status_code == 401


def test_tokens_of_users_who_are_deactivated_let_nobody_in(client: APIClient, owner: User) -> None:
    script = bearer(made(client)["token"])
    owner.is_active = False
    owner.save()
    assert script.get("/api/tables/").status_code == 401
    owner.delete()
    assert script.get("/api/tables/").status_code == 401


def test_other_texts_let_nobody_in(client: APIClient) -> None:
    text = made(client)["token"]
    kept = ApiToken.objects.get()
    for other in (text[:-1], text + "x", text.swapcase(), "tk_", "tk_" + kept.digest, kept.digest, "tk_\xff", "tk_'--"):
        assert bearer(other).get("/api/tables/").status_code == 401, other


def test_json_web_tokens_of_others_let_nobody_in(client: APIClient, owner: User) -> None:
    def signed(head: dict[str, str], key: str) -> str:
        claims = {"token_type": "access", "exp": int(time.time()) + 600, "jti": "x", "user_id": str(owner.pk)}
        parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims)]
        signature = hmac.digest(key.encode(), b".".join(parts), hashlib.sha256) if key else b""
        return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()

    for head, key in (
        ({"alg": "none", "typ": "JWT"}, ""),
        ({"alg": "None", "typ": "JWT"}, ""),
        ({"alg": "HS256", "typ": "JWT"}, ""),
        ({"alg": "HS256", "typ": "JWT"}, "another key, as long as the right one must be"),
        ({"alg": "HS256", "typ": "JWT"}, settings.SECRET_KEY),
        ({"alg": "RS256", "typ": "JWT"}, settings.JWT_SIGNING_KEY),
    ):
        assert bearer(signed(head, key)).get("/api/tables/").status_code == 401, head


@pytest.mark.parametrize(
    "claim", ["ada", "", "1 OR 1=1", "1\0", "\u0661", "9" * 40, 10**17, 10**40, -1, 1.5, True, None, [1], {"id": 1}]
)
def test_a_json_web_token_of_no_user_lets_nobody_in(owner: User, claim: Any) -> None:
    refresh = RefreshToken.for_user(owner)
    refresh["user_id"] = claim
    assert bearer(str(refresh.access_token)).get("/api/tables/").status_code == 401
    assert APIClient().post("/api/token/refresh/", {"refresh": str(refresh)}).status_code == 401


def test_its_use_is_written_once_a_minute(client: APIClient) -> None:
    token = made(client)
    script = bearer(token["token"])
    assert script.get("/api/imports/999/").status_code == 404
    used = client.get(TOKENS).json()["results"][0]["last_used_at"]
    assert used is not None
    script.get("/api/imports/999/")
    assert client.get(TOKENS).json()["results"][0]["last_used_at"] == used
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    script.get("/api/imports/999/")
    assert client.get(TOKENS).json()["results"][0]["last_used_at"] > used


def test_tokens_are_not_without_end(client: APIClient, owner: User) -> None:
    ApiToken.objects.bulk_create(
        ApiToken(user=owner, name="x", digest=str(n), hint="x", right="view") for n in range(100)
    )
    answer = client.post(TOKENS, {"name": "one more"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_tokens")
