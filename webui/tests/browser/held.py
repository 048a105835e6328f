"""Requests that are held between page and server."""

from __future__ import annotations

from playwright.sync_api import Page, Route

from dataengine.tests.waiting import until


class Held:
    """The page's next request to an address: once it has left the page, it reaches the server when it is let go."""

    def __init__(self, page: Page, address: str) -> None:
        self._page = page
        self._routes: list[Route] = []
        page.route(address, lambda route: self._routes.append(route), times=1)

    def wait(self) -> None:
        """Until it is held. Playwright's `expect_request` answers earlier: when it is sent, and not yet caught."""
        until(lambda: self._routes, pause=lambda: self._page.wait_for_timeout(10))

    def let_go(self) -> None:
        """On to the server with it."""
        [route] = self._routes
        route.continue_()
