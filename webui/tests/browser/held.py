"""Requests that are held between page and server."""

from __future__ import annotations

from playwright.sync_api import Page, Route

from dataengine.tests.waiting import until


class Held:
    """Holds the page's next request to an address until it is released."""

    def __init__(self, page: Page, address: str) -> None:
        self._page = page
        self._routes: list[Route] = []
        page.route(address, lambda route: self._routes.append(route), times=1)

    def wait(self) -> None:
        """Wait until it is held. Playwright's `expect_request` returns earlier, when it is sent but not held yet."""
        until(lambda: self._routes, pause=lambda: self._page.wait_for_timeout(10))

    def let_go(self) -> None:
        """Send it on to the server."""
        [route] = self._routes
        route.continue_()
