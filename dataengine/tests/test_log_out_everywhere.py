"""Sessions are listed and ended; a new password and logging out everywhere end all that let the user in before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from dataengine.http.devices import device_named
from dataengine.models import ApiSession, ApiToken, Session
from dataengine.services import sessions
from dataengine.tests.threads import in_thread
from dataengine.tests.waiting import is_waited_for, until

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SESSIONS = "/api/account/sessions/"
NEW = "another horse, a bigger battery"


def browser(password: str, agent: str = FIREFOX, address: str = "10.1.2.3") -> Client:
    made = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    assert made.post("/login/", {"username": "owner", "password": password}).status_code == 302
    return made


def tokens(password: str) -> dict[str, str]:
    answer: dict[str, str] = APIClient().post("/api/token/", {"username": "owner", "password": password}).json()
    return answer


def bearer(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def is_in(client: Client | APIClient, path: str = "/") -> bool:
    return client.get(path).status_code == 200


def lets_in(text: str) -> bool:
    return is_in(bearer(text), "/api/tables/")


def refreshes(text: str) -> bool:
    return APIClient().post("/api/token/refresh/", {"refresh": text}).status_code == 200


def test_sessions_are_listed(client: APIClient, owner: User, password: str) -> None:
    browser(password)
    browser(password, "curl/8.5.0", "10.1.2.4")
    listed = client.get(SESSIONS).json()
    assert listed["count"] == 2
    assert [(each["device"], each["address"], each["current"]) for each in listed["results"]] == [
        ("curl/8.5.0", "10.1.2.4", False),
        ("Firefox on Linux", "10.1.2.3", False),
    ]
    keys = set(Session.objects.values_list("session_key", flat=True))
    assert not keys & {each["id"] for each in listed["results"]}


def test_a_session_is_ended(client: APIClient, owner: User, password: str, api: Any, stranger: User) -> None:
    ended, kept = browser(password), browser(password, "curl/8.5.0")
    [one] = [each["id"] for each in client.get(SESSIONS).json()["results"] if each["device"] == "Firefox on Linux"]
    assert api(stranger).delete(f"{SESSIONS}{one}/").status_code == 404
    assert client.delete(f"{SESSIONS}{one}/").status_code == 204
    assert client.delete(f"{SESSIONS}{one}/").status_code == 404
    assert (is_in(ended), is_in(kept)) == (False, True)


def test_programs_are_listed_and_ended(client: APIClient, owner: User, password: str, stranger: User, api: Any) -> None:
    given = {"username": "owner", "password": password}
    asked = APIClient(REMOTE_ADDR="10.1.2.5", headers={"user-agent": "nightly/1.0"}).post("/api/token/", given).json()
    other = tokens(password)
    one = next(each for each in client.get(SESSIONS).json()["results"] if each["device"] == "nightly/1.0")
    assert (one["kind"], one["address"], one["current"]) == ("api", "10.1.2.5", False)
    assert one["began_at"][:10] == one["last_seen"][:10]
    [mine] = [each["id"] for each in bearer(asked["access"]).get(SESSIONS).json()["results"] if each["current"]]
    assert mine == one["id"]
    renewed = APIClient().post("/api/token/refresh/", {"refresh": asked["refresh"]}).json()
    assert client.get(SESSIONS).json()["count"] == 2, "renewing makes no other session"
    assert api(stranger).delete(f"{SESSIONS}{mine}/").status_code == 404
    there = browser(password)
    assert "nightly/1.0" in there.get("/account/").content.decode()
    assert there.post(f"/account/sessions/{mine}/end/").status_code == 302
    assert not any(lets_in(each["access"]) for each in (asked, renewed))
    assert not refreshes(renewed["refresh"])
    assert lets_in(other["access"])
    assert client.delete(f"{SESSIONS}{mine}/").status_code == 404


def test_a_program_s_session_tells_when_it_was_seen(owner: User, password: str) -> None:
    by = bearer(tokens(password)["access"])
    ApiSession.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    by.get("/api/tables/", headers={"user-agent": "curl/8.5.0"}, REMOTE_ADDR="10.9.9.9")
    [seen] = ApiSession.objects.all()
    assert (seen.device, seen.address) == ("curl/8.5.0", "10.9.9.9")
    by.get("/api/tables/", headers={"user-agent": "wget"})
    assert ApiSession.objects.get().last_seen_at == seen.last_seen_at > timezone.now() - timedelta(minutes=1)


def test_tokens_from_before_sessions_get_one(client: APIClient, owner: User) -> None:
    old = RefreshToken.for_user(owner)
    assert lets_in(str(old.access_token))
    assert refreshes(str(old))
    assert client.get(SESSIONS).json()["count"] == 1


def test_logging_out_everywhere(client: APIClient, owner: User, password: str, api: Any, colleague: User) -> None:
    others = api(colleague)
    there, web, script = browser(password), tokens(password), client.post("/api/account/tokens/", {"name": "x"}).json()
    assert is_in(there)
    assert client.delete(SESSIONS).status_code == 204
    assert not is_in(there)
    assert not lets_in(web["access"])
    assert not refreshes(web["refresh"])
    assert not lets_in(script["token"])
    assert client.get(SESSIONS).status_code == 401
    assert is_in(others, "/api/tables/")
    # At once, and as often as one likes: no clock is compared.
    for _ in range(2):
        again = tokens(password)
        assert lets_in(again["access"])
        assert refreshes(again["refresh"])
        assert bearer(again["access"]).delete(SESSIONS).status_code == 204
        assert not lets_in(again["access"])


@pytest.mark.django_db(transaction=True)
def test_no_token_is_made_beside_it(owner: User, password: str) -> None:
    """A thief's program makes tokens all the time: none is left, whether by a session or a JSON web token."""
    answers: list[int] = []

    def steal(by: Client, path: str, **more: str) -> None:
        answers.append(by.post(path, {"name": "x", "right": "view", **more}).status_code)

    for path, more in (("/api/account/tokens/", {}), ("/account/tokens/", {"reach": "all"})):
        by = browser(password) if more else bearer(tokens(password)["access"])
        with transaction.atomic():
            sessions.log_out_everywhere(user=owner)
            thief = in_thread(partial(steal, by, path, **more))
            until(lambda: is_waited_for(cast("Any", connection).connection))
        thief.join()
    assert answers == [401, 403]
    assert not ApiToken.objects.exists()


def test_what_is_made_of_a_token_has_its_generation(client: APIClient, owner: User, password: str) -> None:
    client.delete(SESSIONS)
    first = tokens(password)
    second = APIClient().post("/api/token/refresh/", {"refresh": first["refresh"]}).json()
    assert lets_in(second["access"])
    assert bearer(second["access"]).delete(SESSIONS).status_code == 204
    assert not refreshes(second["refresh"])


def test_the_password_is_changed(client: APIClient, owner: User, password: str) -> None:
    there, web, script = browser(password), tokens(password), client.post("/api/account/tokens/", {"name": "x"}).json()
    answer = client.post("/api/account/password/", {"old": password, "new": NEW})
    assert answer.status_code == 200
    assert not is_in(there)
    assert not lets_in(web["access"])
    assert not refreshes(web["refresh"])
    assert not lets_in(script["token"])
    assert lets_in(answer.json()["access"])
    assert refreshes(answer.json()["refresh"])
    assert browser(NEW)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"old": "wrong", "new": NEW}, ["old"]),
        ({"new": "short"}, ["new"]),
        ({"new": "owner@example.com"}, ["new"]),
        ({"old": "wrong", "new": "12345678"}, ["old", "new"]),
        ({"new": None}, ["new"]),
        ({"new": ""}, ["new"]),
        ({"new": "x" * 5000}, ["new"]),
        ({"old": ["x"], "new": NEW}, ["old"]),
        ({"new": NEW, "user": "colleague"}, ["user"]),
    ],
)
def test_what_is_wrong_with_a_password_is_named(
    client: APIClient, owner: User, password: str, given: dict[str, Any], fields: list[str]
) -> None:
    answer = client.post("/api/account/password/", {"old": password, **given})
    assert answer.status_code == 400, answer.content
    assert list(answer.json()["error"]["fields"]) == fields
    owner.refresh_from_db()
    assert owner.check_password(password)


def test_api_tokens_reach_none_of_it(client: APIClient, owner: User, password: str) -> None:
    script = bearer(client.post("/api/account/tokens/", {"name": "x", "right": "own"}).json()["token"])
    answers = [
        script.get(SESSIONS),
        script.delete(SESSIONS),
        script.delete(f"{SESSIONS}x/"),
        script.post("/api/account/password/", {"old": password, "new": NEW}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4


def change_in_the_admin(owner: User) -> None:
    admin = User.objects.create_superuser("root", password="x")
    client = Client()
    client.force_login(admin)
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert client.post(f"/admin/auth/user/{owner.pk}/password/", form).status_code == 302


def change_in_the_shell(owner: User) -> None:
    owner.set_password(NEW)
    owner.save()


@pytest.mark.parametrize("change", [change_in_the_admin, change_in_the_shell])
def test_whoever_changes_a_password_it_ends_all(
    client: APIClient, owner: User, password: str, change: Callable[[User], None]
) -> None:
    there, web, script = browser(password), tokens(password), client.post("/api/account/tokens/", {"name": "x"}).json()
    change(owner)
    assert not is_in(there)
    assert not Session.objects.filter(user=owner).exists()
    assert not lets_in(web["access"])
    assert not lets_in(script["token"])


def test_a_session_is_another_one_after_the_log_in(owner: User, password: str) -> None:
    """Somebody who planted the key of a session finds nobody logged in under it."""
    planted = Client()
    session = planted.session
    session["from"] = "a stranger"
    session.save()
    key = str(session.session_key)
    victim = Client()
    victim.cookies["sessionid"] = key
    assert victim.post("/login/", {"username": "owner", "password": password}).status_code == 302
    assert victim.cookies["sessionid"].value != key
    planted.cookies["sessionid"] = key
    assert not is_in(planted)


def test_a_session_tells_when_it_was_seen(client: APIClient, owner: User, password: str) -> None:
    there = browser(password)
    long_ago = timezone.now() - timedelta(hours=1)
    Session.objects.update(last_seen_at=long_ago)
    there.get("/", headers={"user-agent": "curl/8.5.0"}, REMOTE_ADDR="10.9.9.9")
    [seen] = Session.objects.all()
    assert seen.last_seen_at > long_ago
    assert (seen.device, seen.address) == ("curl/8.5.0", "10.9.9.9")
    there.post("/account/theme/", {"theme": "dark"})
    assert Session.objects.get().last_seen_at == seen.last_seen_at


def test_what_is_over_is_forgotten(client: APIClient, owner: User, password: str) -> None:
    browser(password)
    made = client.post("/api/account/tokens/", {"name": "x"}).json()
    sessions.forget_expired()
    assert Session.objects.count() == 1
    tokens(password)
    assert ApiSession.objects.exists()
    ApiSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    ApiToken.objects.filter(pk=made["id"]).update(expires_at=timezone.now() - timedelta(days=31))
    sessions.forget_expired()
    assert not Session.objects.exists()
    assert not ApiSession.objects.exists()
    assert not ApiToken.objects.exists()


def test_devices_have_names() -> None:
    chrome = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
    )
    iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605 Version/17.5 Safari/604.1"
    names = {
        FIREFOX: "Firefox on Linux",
        chrome: "Chrome on Windows",
        f"{chrome} Edg/126.0": "Edge on Windows",
        iphone: "Safari on iPhone",
        "": "Unknown device",
        "<script>alert(1)</script>": "<script>alert(1)</script>",
        "python-requests/2.32": "python-requests/2.32",
    }
    assert {agent: device_named(agent) for agent in names} == names
