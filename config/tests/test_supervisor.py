"""The supervisor forwards logs, restarts what crashed, gives up on what keeps failing, and leaves nothing behind."""

import asyncio
import io
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.stack.private import PROJECT_DIR
from config.stack.processes import Program
from config.stack.supervisor import StackError, Supervisor
from dataengine.tests.waiting import PATIENCE_SECONDS, until, until_async


def _program(code: str, folder: Path, **options: Any) -> Program:
    return Program(
        name="child", argv=(sys.executable, "-u", "-c", code), env=dict(os.environ), folder=folder, **options
    )


def _pids(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "pids").read_text().split()]


async def _until_pids(folder: Path, number: int) -> list[int]:
    await until_async(lambda: (folder / "pids").exists() and len(_pids(folder)) >= number)
    return _pids(folder)


def _runs(pid: int) -> bool:
    """Not counting one that has ended but was not collected yet."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


_NOTE_PID = "import os; open('pids', 'a').write(f'{os.getpid()} '); "
_SLEEP = "import time; time.sleep(600)"
# Survives when its parent is killed, and keeps its parent's output open.
_GRANDCHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {_NOTE_PID + _SLEEP!r}]); "


async def test_lines_come_with_the_name_before_them(tmp_path: Path) -> None:
    log = io.StringIO()
    supervisor = Supervisor(log)

    output = await supervisor.run(
        _program("import sys; print('answer'); print('x' * 200_000 + '\\né', file=sys.stderr)", tmp_path)
    )

    assert output == b"answer\n"
    lines = log.getvalue().splitlines()
    assert all(line.startswith("child    | ") for line in lines)
    assert "".join(line.removeprefix("child    | ") for line in lines) == "x" * 200_000 + "é"


async def test_a_program_that_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="child failed with code 3"):
        await Supervisor(io.StringIO()).run(_program("raise SystemExit(3)", tmp_path))


async def test_a_program_that_ends_while_starting_is_an_error_with_its_output(tmp_path: Path) -> None:
    log = io.StringIO()
    supervisor = Supervisor(log)

    with pytest.raises(StackError, match="child ended with code 3 while starting"):
        await supervisor.start(_program("print('no room'); raise SystemExit(3)", tmp_path, ready=lambda: False))

    assert log.getvalue() == "child    | no room\n"
    await supervisor.stop()


async def test_the_output_of_a_starting_program_is_not_shown(tmp_path: Path) -> None:
    log = io.StringIO()
    supervisor = Supervisor(log)
    chatter = "print('hello'); open('hello', 'w'); import pathlib, time\n"
    wait = "while not pathlib.Path('ready').exists(): time.sleep(0.02)\nprint('news')\n"
    heard = 0

    def ready() -> bool:
        nonlocal heard
        heard += (tmp_path / "hello").exists()  # and a few turns later the supervisor has read it
        return heard > 10

    await supervisor.start(_program(chatter + wait + _SLEEP, tmp_path, ready=ready))
    (tmp_path / "ready").touch()
    await until_async(log.getvalue)

    assert log.getvalue() == "child    | news\n"
    await supervisor.stop()


async def test_a_crashed_program_is_started_again(tmp_path: Path) -> None:
    log = io.StringIO()
    supervisor = Supervisor(log)
    await supervisor.start(_program(_NOTE_PID + _SLEEP, tmp_path))
    (first,) = await _until_pids(tmp_path, 1)

    os.kill(first, signal.SIGKILL)
    second = (await _until_pids(tmp_path, 2))[1]

    assert psutil.pid_exists(second)
    assert "ended with signal SIGKILL; restarting it" in log.getvalue()
    await supervisor.stop()
    assert not psutil.pid_exists(second)


async def test_leftovers_of_a_crashed_program_are_ended_before_the_next_start(tmp_path: Path) -> None:
    supervisor = Supervisor(io.StringIO())
    await supervisor.start(_program(_GRANDCHILD + _NOTE_PID + _SLEEP, tmp_path))
    first, second = await _until_pids(tmp_path, 2)  # in either order
    parent = next(pid for pid in (first, second) if psutil.Process(pid).ppid() == os.getpid())

    os.kill(parent, signal.SIGKILL)
    await _until_pids(tmp_path, 4)

    assert not _runs(first)
    assert not _runs(second)
    await supervisor.stop()


async def test_a_program_that_others_keep_ending_is_always_restarted(tmp_path: Path) -> None:
    supervisor = Supervisor(io.StringIO())
    await supervisor.start(_program(_NOTE_PID + _SLEEP, tmp_path))

    for number in range(1, 8):
        pid = (await _until_pids(tmp_path, number))[-1]
        os.kill(pid, signal.SIGKILL if number % 2 else signal.SIGTERM)
    await _until_pids(tmp_path, 8)

    await supervisor.stop()


async def test_gives_up_on_a_program_that_dies_again_and_again(tmp_path: Path) -> None:
    supervisor = Supervisor(io.StringIO())
    await supervisor.start(_program("raise SystemExit(1)", tmp_path))

    with pytest.raises(StackError, match="child ended 5 times"):
        await supervisor.watch()

    await supervisor.stop()


async def test_gives_up_on_a_program_that_no_longer_exists(tmp_path: Path) -> None:
    supervisor = Supervisor(io.StringIO())
    script = tmp_path / "child.sh"
    script.write_text('#!/bin/sh\nrm "$0"\nexit 1\n')
    script.chmod(0o700)
    await supervisor.start(Program(name="child", argv=(str(script),), env=dict(os.environ), folder=tmp_path))

    with pytest.raises(StackError, match="child could not be started again: No such file or directory"):
        await supervisor.watch()

    await supervisor.stop()


async def test_stopping_takes_the_whole_group(tmp_path: Path) -> None:
    supervisor = Supervisor(io.StringIO())
    await supervisor.start(_program(_GRANDCHILD + _NOTE_PID + _SLEEP, tmp_path))
    pids = await _until_pids(tmp_path, 2)

    await supervisor.stop()

    await until_async(lambda: not any(_runs(pid) for pid in pids))


async def test_a_program_that_ignores_the_signal_is_killed_in_a_hurry(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    supervisor = Supervisor(io.StringIO())
    await supervisor.start(_program(deaf + _NOTE_PID + _SLEEP, tmp_path, grace=600.0))
    (pid,) = await _until_pids(tmp_path, 1)

    stopping = asyncio.create_task(supervisor.stop())
    await asyncio.sleep(0.2)
    assert psutil.pid_exists(pid)
    supervisor.hurry()
    await stopping

    assert not psutil.pid_exists(pid)


async def test_a_program_in_the_foreground_has_the_terminal_to_itself(tmp_path: Path) -> None:
    log = io.StringIO()
    supervisor = Supervisor(log)
    started = "import pathlib, time\nwhile not pathlib.Path('started').exists(): time.sleep(0.02)\n"
    await supervisor.start(_program(started + "print('chatter'); open('pids', 'w').write('1'); " + _SLEEP, tmp_path))
    (tmp_path / "started").touch()
    wait = "import pathlib, time\nwhile not pathlib.Path('enough').exists(): time.sleep(0.02)"

    running = asyncio.create_task(supervisor.run(_program(wait, tmp_path), foreground=True))
    await _until_pids(tmp_path, 1)
    await asyncio.sleep(0.1)
    assert log.getvalue() == ""
    (tmp_path / "enough").touch()
    await running

    assert log.getvalue() == "child    | chatter\n"
    await supervisor.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    code = f"""
import asyncio, os, sys
from pathlib import Path
from config.stack.processes import Program
from config.stack.supervisor import Supervisor

async def main():
    supervisor = Supervisor()
    child = Program(
        name="child", argv=(sys.executable, "-c", {_NOTE_PID + _SLEEP!r}), env=dict(os.environ),
        folder=Path({str(tmp_path)!r}),
    )
    await supervisor.start(child)
    await supervisor.watch()

asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT_DIR)
    until(lambda: (tmp_path / "pids").exists() and _pids(tmp_path))
    (pid,) = _pids(tmp_path)

    process.kill()
    process.wait(PATIENCE_SECONDS)

    until(lambda: not _runs(pid))
