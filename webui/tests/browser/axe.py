"""What axe finds in a page, in light and in dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Page

_LOOKS: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def violations(page: Page, name: str) -> list[str]:
    """Each with the page's name and what it is about.

    The looks differ in nothing but what a media query chooses, so the page as it stands is looked at in both.
    """
    found = []
    for look in _LOOKS:
        page.emulate_media(color_scheme=look)
        assert page.evaluate(f"matchMedia('(prefers-color-scheme: {look})').matches")
        found += [
            f"{name} in {look}: {violation['id']}: {node['html'][:200]}"
            for violation in Axe().run(page).response["violations"]
            for node in violation["nodes"]
        ]
    return found
