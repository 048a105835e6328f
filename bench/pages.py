"""Pages as a browser has them: what a first visit loads, what moves afterwards, and the time from a click to new rows.

The table is as large as that of the demo. The reference is the same stack's barest answer, fetched by the same page.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bench.grid import INDEXED, GridBench
from harness.chromium import running_chromium
from harness.system import System

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROWS = 336_776
WIDTH, HEIGHT = 1440, 900
MOST_BYTES, MOST_REQUESTS, MOST_PAINT, MOST_CLICK = 250 * 1024, 12, 0.250, 0.100
BARE = "/health/live/"

# Sum of all shifts, whether or not somebody has just touched the page: synthetic clicks are not seen as such.
_WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shifted += entry.value; })
  .observe({ type: "layout-shift", buffered: true });
"""
# From the action until the frame with other rows has been drawn.
_ACT = """
([action, argument]) => new Promise((resolve) => {
  const shown = () => [...document.querySelectorAll("#grid tbody tr")].map((row) => row.id).join();
  const before = shown();
  const watch = new MutationObserver(() => {
    if (shown() === before) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
  });
  watch.observe(document.getElementById("main"), { attributes: true, childList: true, subtree: true });
  const start = performance.now();
  if (action === "click") document.querySelector(argument).click();
  if (action === "search") {
    const input = document.getElementById("search");
    input.value = argument;
    input.form.requestSubmit();
  }
})
"""
_FETCH = """
async (path) => {
  const start = performance.now();
  await (await fetch(path)).text();
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return performance.now() - start;
}
"""
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
# Not what stands in their place where they take too long: then the page would weigh less than it does.
_CHARTS = "tr.charts .bars a"


@dataclass
class Visit:
    """First visits of a page, each with an empty cache."""

    name: str
    path: str
    charts: bool = False
    requests: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)
    shifted: list[float] = field(default_factory=list)


@dataclass
class Action:
    """Something done to the grid: seconds until other rows are shown, and how much else moved by it."""

    name: str
    how: tuple[str, str]
    taken: list[float] = field(default_factory=list)
    shifted: list[float] = field(default_factory=list)


@dataclass
class PagesBench:
    """Fills the table, visits pages and acts on the grid, ``rounds`` times each."""

    system: System
    rows: int = ROWS
    rounds: int = 5
    bare: list[float] = field(default_factory=list, init=False)
    """Seconds of the reference."""

    def run(self) -> tuple[list[Visit], list[Action]]:
        GridBench(self.system, self.rows).prepare("flights", self.rows)
        visits = [Visit("log in", "/login/"), Visit("tables", "/"), Visit("grid", "/tables/flights/", charts=True)]
        actions = [
            Action("sorted by a head", ("click", f'th a[href*="order_by={INDEXED[0]}"]')),
            Action("next page", ("click", 'a[rel="next"]')),
            Action("filtered by a bar of a chart", ("click", "tr.charts .bars a")),
            Action("searched", ("search", "City 77")),
        ]
        with running_chromium() as browser:
            cookies = self._log_in(browser)
            for round_number in range(-1, self.rounds):  # the first one warms the server up
                for visit in visits:
                    self._visit(browser, cookies, visit, counts=round_number >= 0)
                for action in actions:
                    self._act(browser, cookies, action, counts=round_number >= 0)
        return visits, actions

    def _visit(self, browser: Browser, cookies: list[Any], visit: Visit, *, counts: bool) -> None:
        with self._page(browser, [] if visit.path == "/login/" else cookies) as page:
            asked: list[str] = []
            sizes: list[float] = []
            devtools = page.context.new_cdp_session(page)
            devtools.send("Network.enable")
            devtools.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
            devtools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
            page.goto(visit.path, wait_until="networkidle")
            if visit.charts:
                page.wait_for_selector(_CHARTS, state="attached")
                page.wait_for_load_state("networkidle")
            if counts:
                visit.requests.append(len([url for url in asked if not url.startswith("data:")]))
                visit.bytes.append(int(sum(sizes)))
                visit.painted.append(page.evaluate(_PAINTED) / 1000)
                visit.shifted.append(page.evaluate("window.shifted"))

    def _act(self, browser: Browser, cookies: list[Any], action: Action, *, counts: bool) -> None:
        with self._page(browser, cookies) as page:
            page.goto("/tables/flights/", wait_until="networkidle")
            page.wait_for_selector(_CHARTS, state="attached")
            page.wait_for_load_state("networkidle")
            before = page.evaluate("window.shifted")
            bare = page.evaluate(_FETCH, BARE) / 1000
            seconds = page.evaluate(_ACT, list(action.how)) / 1000
            page.wait_for_load_state("networkidle")
            if counts:
                self.bare.append(bare)
                action.taken.append(seconds)
                action.shifted.append(page.evaluate("window.shifted") - before)

    def _log_in(self, browser: Browser) -> list[Any]:
        with self._page(browser, []) as page:
            page.goto("/login/")
            page.get_by_label("Username").fill("bench")
            page.locator("input[type=password]").fill(self.system.password)
            page.locator("main form button").first.click()
            page.wait_for_url("**/")
            return list(page.context.cookies())

    @contextmanager
    def _page(self, browser: Browser, cookies: list[Any]) -> Iterator[Page]:
        """A browser that has nothing but cookies."""
        context = browser.new_context(base_url=self.system.url, viewport={"width": WIDTH, "height": HEIGHT})
        context.add_init_script(_WATCH_SHIFTS)
        context.add_cookies(cookies)
        try:
            yield context.new_page()
        finally:
            context.close()


def report(bench: PagesBench, visits: list[Visit], actions: list[Action], *, when: datetime, machine: str) -> str:
    """Two Markdown tables."""
    bare = statistics.median(bench.bare)
    lines = [
        "# Pages in a browser",
        "",
        f"{when:%Y-%m-%d %H:%M} UTC, {machine}. Headless Chromium at {WIDTH} × {HEIGHT},",
        f"{bench.rows:,} records, medians of {bench.rounds}. Goals for the grid: at most {MOST_BYTES // 1024} KB in",
        f"{MOST_REQUESTS} requests, first paint after {1000 * MOST_PAINT:.0f} ms, no shift;",
        f"{1000 * MOST_CLICK:.0f} ms from a click to new rows. The reference is the time in which the page fetches",
        f"{BARE} and draws a frame: {1000 * bare:.0f} ms.",
        "",
        "| first visit | requests | KB, as sent | first paint, ms | shift |",
        "| --- | --- | --- | --- | --- |",
    ]
    for visit in visits:
        lines.append(
            f"| {visit.name} | {statistics.median(visit.requests):.0f} | {statistics.median(visit.bytes) / 1024:.0f} "
            f"| {1000 * statistics.median(visit.painted):.0f} | {max(visit.shifted):.3f} |"
        )
    lines += ["", "| grid, from click to new rows | ms | ratio | shift |", "| --- | --- | --- | --- |"]
    for action in actions:
        seconds = statistics.median(action.taken)
        lines.append(f"| {action.name} | {1000 * seconds:.0f} | {seconds / bare:.1f} | {max(action.shifted):.3f} |")
    return "\n".join([*lines, ""])
