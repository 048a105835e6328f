"""Which worker of pytest-xdist runs which tests."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

TOGETHER = {
    # Tests with stacks, in one worker: most of them share one, and all at once would slow each other down. They wait
    # more than they work.
    "config/tests/test_stack.py": "stacks",
    "harness/tests/test_imports_under_trouble.py": "stacks",
    "harness/tests/test_uploads_survive_the_web_process.py": "stacks",
    "harness/tests/test_import_survives_faults.py": "stacks",
    "config/tests/test_connections_are_pooled.py": "web processes",
    "config/tests/test_round_trips.py": "web processes",
    # Parses the sources once for all its tests.
    "dataengine/tests/test_directions.py": "directions",
}
"""Files of which one worker runs all tests, by the name of the group, since they share what is costly to make."""

LONG = {
    "dataengine/tests/test_lists_on_a_newer_server.py",
    "dataengine/tests/test_api_keeps_to_its_schema.py",
    "dataengine/tests/test_api_docs.py",
    "webui/tests/browser/test_every_page_is_accessible.py",
    "webui/tests/browser/test_nothing_planted_runs.py",
}
"""Files with tests that take minutes, which begin before others of their kind: at the end one worker would do the last
of them while the others have nothing to do."""

PROJECT_DIR = Path(__file__).resolve().parents[1]
assert all((PROJECT_DIR / path).is_file() for path in (*TOGETHER, *LONG))


def order(items: list[pytest.Item]) -> None:
    """Browser tests go last: once Playwright's loop runs in the main thread, pytest-asyncio cannot start one there."""

    def place(item: pytest.Item) -> tuple[bool, bool]:
        return item.get_closest_marker("browser") is not None, item.nodeid.partition("::")[0] not in LONG

    items.sort(key=place)


class Groups(LoadScopeScheduling):
    """``--dist loadscope`` by groups of files, which survives that a worker dies.

    As it comes, it hands out again what a dead worker had finished, as units of no test; the worker that gets one
    waits for ever. It also tries the test again that ended the worker, which ends the next as well.
    """

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(nodeid.partition("::")[0], nodeid)

    def remove_node(self, node: WorkerController) -> str | None:
        unfinished = {scope: tests for scope, tests in self.assigned_work.pop(node).items() if not all(tests.values())}
        if not unfinished:
            return None
        scope, tests = next(iter(unfinished.items()))
        died_in: str = next(test for test, done in tests.items() if not done)
        tests[died_in] = True
        if all(tests.values()):
            del unfinished[scope]
        self.workqueue.update(unfinished)
        for other in self.nodes:
            self._reschedule(other)
        return died_in

    def _reschedule(self, node: WorkerController) -> None:
        if node not in self.registered_collections:
            return  # it has just been started in the place of another
        waiting = None
        while waiting != len(self.workqueue):  # a worker begins its only test when it hears of the next
            waiting = len(self.workqueue)
            super()._reschedule(node)


def import_test_files(session: pytest.Session) -> None:
    """Have each worker import the test files from another one on, so that most were compiled by others meanwhile.

    In a new checkout all would compile the same file at the same time, and what pytest does to the asserts of all files
    takes as long as to collect them.
    """
    worker = getattr(session.config, "workerinput", None)
    folders = session.config.getini("testpaths")
    if worker is None or not {Path(argument).name for argument in session.config.args} >= set(folders):
        return
    files = sorted(path for folder in folders for path in (PROJECT_DIR / folder).rglob("test_*.py"))
    first = len(files) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    for path in files[first:] + files[:first]:
        with suppress(Exception, pytest.skip.Exception):  # which is said when it is collected
            import_module(".".join(path.relative_to(PROJECT_DIR).with_suffix("").parts))
