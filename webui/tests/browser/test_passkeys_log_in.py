"""Passkeys in a real browser, with an authenticator that it makes up: added, used alone and as the second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from webui.tests.browser.test_every_page_is_accessible import LOOKS, problems_now, problems_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import Browser, Page

    from conftest import LiveServer


@pytest.mark.parametrize("alone", [True, False])
def test_a_passkey_is_added_and_used(
    browser: Browser, live_asgi: LiveServer, owner: User, password: str, alone: bool
) -> None:
    # Browsers have no passkeys for addresses without a name.
    context = browser.new_context(base_url=live_asgi.url.replace("127.0.0.1", "localhost"), reduced_motion="reduce")
    page = context.new_page()
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    log_in(page, password)
    expect(page.get_by_role("heading", level=1, name="Tables")).to_be_visible()
    # What both see before the passkey is there is looked at once.
    looks = {} if alone else LOOKS
    problems = problems_of(page, FACTORS, looks)
    page.goto(f"{FACTORS}webauthn/add/")
    problems += problems_now(page, "the password again", looks)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Confirm").click()
    problems += problems_now(page, "a new passkey", looks)
    page.get_by_label("Name").fill("my laptop")
    page.get_by_label("Log in with it alone").set_checked(alone)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", level=1, name="Recovery codes")).to_be_visible()
    problems += problems_now(page, "recovery codes", looks)
    for path in ("totp/activate/", "recovery-codes/generate/"):
        problems += problems_of(page, f"{FACTORS}{path}", looks)
    for path in ("", "webauthn/"):
        problems += problems_of(page, f"{FACTORS}{path}")
    expect(page.get_by_role("table", name="Passkeys")).to_contain_text("my laptop")
    page.context.clear_cookies()
    if alone:
        page.goto("/login/?next=/imports/")
        page.get_by_role("button", name="Use a passkey").click()
    else:
        log_in(page, password, "/login/?next=/imports/")
        expect(page.get_by_role("heading", level=1, name="One more step")).to_be_visible()
        problems += problems_now(page, "the second step")
        page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1, name="Imports")).to_be_visible()
    context.close()
    assert problems == []


FACTORS = "/account/second-factor/"


def log_in(page: Page, password: str, path: str = "/login/") -> None:
    page.goto(path)
    page.get_by_label("Username").fill("owner")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
