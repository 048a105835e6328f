"""Runs programs side by side: forwards their output, restarts those that crash, and stops all of them."""

import asyncio
import contextlib
import signal
import sys
import time
from collections import deque
from collections.abc import Awaitable
from typing import TextIO

from config.stack.processes import Program, kill_group, popen_options

_START_LIMIT = 120.0
# If a program ends by itself this often within so many seconds, another start will not help.
_DEATHS = 5
_WITHIN = 60.0
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_LOOK_EVERY = 0.1


class StackError(Exception):
    """The stack cannot start or continue; the message is for the person who started it."""


class Supervisor:
    """Keeps programs running until `stop`.

    It runs in one thread, on asyncio, and starts children from there: see `popen_options`.
    """

    def __init__(self, log: TextIO = sys.stderr) -> None:
        self._log = log
        self._held: list[str] | None = None
        self._children: list[_Child] = []
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hurry = asyncio.Event()

    async def start(self, program: Program) -> None:
        """Start a program and return once it is ready; from then on it is restarted whenever it ends.

        Its output until then is only written if it fails.

        Raises:
            StackError: it ended, or was not ready in time.
        """
        child = _Child(program, self)
        self._children.append(child)
        child.aside = []
        await child.spawn()
        try:
            await child.until_ready()
            await asyncio.sleep(0.1)  # its output from before it was ready may still be arriving
        except StackError:
            for line in child.aside:
                self.write(line)
            raise
        finally:
            child.aside = None
        child.keeper = asyncio.create_task(self._keep(child))

    async def run(self, program: Program, *, foreground: bool = False) -> bytes:
        """Run a program to its end; returns its standard output.

        A foreground program has the terminal to itself; the logs of the others wait.

        Raises:
            StackError: it failed.
        """
        child = _Child(program, self)
        self._children.append(child)
        if foreground:
            self._held = []
        try:
            await child.spawn(capture=not foreground, inherit=foreground)
            output = await child.output()
            code = await child.wait()
        finally:
            held, self._held = self._held or [], None
            for line in held:
                self.write(line)
        self._children.remove(child)
        if code:
            raise StackError(f"{program.name} failed with code {code}.")
        return output

    async def watch(self) -> None:
        """Wait until a program keeps failing.

        Raises:
            StackError: always; it names the program.
        """
        await self._failed

    def hurry(self) -> None:
        """Make `stop` kill at once whatever has not stopped yet."""
        self._hurry.set()

    async def stop(self) -> None:
        """Stop everything in reverse order of starting, including all process groups."""
        for child in self._children:
            if child.keeper is not None:
                child.keeper.cancel()
        # Web server and workers can stop together; the databases have to outlive both.
        clients = [child for child in self._children if child.program.user is None and child.program.stdin == b""]
        servers = [child for child in self._children if child not in clients]
        for group in (clients, servers):
            await asyncio.gather(*(child.stop(self._hurry) for child in group))
        self._children.clear()

    def write(self, line: str) -> None:
        """Write a line of log; a reader that has disconnected is no reason to stop."""
        if self._held is not None:
            self._held.append(line)
            return
        with contextlib.suppress(OSError, ValueError):
            self._log.write(line + "\n")
            self._log.flush()

    async def _keep(self, child: "_Child") -> None:
        deaths: deque[float] = deque(maxlen=_DEATHS)
        pause = _FIRST_PAUSE
        while True:
            code = await child.wait()
            now = time.monotonic()
            name = child.program.name
            if _was_ended(code):
                pause = _FIRST_PAUSE
            else:
                # A program that ran well for a while restarts at once.
                pause = _FIRST_PAUSE if deaths and now - deaths[-1] > _WITHIN else pause
                deaths.append(now)
            if len(deaths) == _DEATHS and now - deaths[0] < _WITHIN:
                self._failed.set_exception(StackError(f"{name} ended {_DEATHS} times within {_WITHIN:.0f} s."))
                return
            self.write(f"{name:<9}| ended with {_outcome(code)}; restarting it")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                await child.spawn()
            except OSError as error:  # the program is missing, or the machine has no memory for it
                self._failed.set_exception(StackError(f"{name} could not be started again: {error.strerror}."))
                return


class _Child:
    """One program and, at any time, at most one process of it."""

    def __init__(self, program: Program, supervisor: Supervisor) -> None:
        self.program = program
        self.keeper: asyncio.Task[None] | None = None
        self.aside: list[str] | None = None
        """Collects its output as long as this is a list."""
        self._supervisor = supervisor
        self._process: asyncio.subprocess.Process | None = None
        self._pumps: list[asyncio.Task[None]] = []
        self._captured: list[bytes] = []

    async def spawn(self, *, capture: bool = False, inherit: bool = False) -> None:
        pipe = None if inherit else asyncio.subprocess.PIPE
        process = self._process = await asyncio.create_subprocess_exec(
            *self.program.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=pipe,
            stderr=pipe if capture or inherit else asyncio.subprocess.STDOUT,
            **popen_options(self.program),
        )
        assert process.stdin is not None
        process.stdin.write(self.program.stdin)
        process.stdin.close()
        with contextlib.suppress(ConnectionError):  # it ended, or does not read
            await process.stdin.wait_closed()
        self._pumps = []
        if process.stdout is not None:
            reader = self._collect(process.stdout) if capture else self._forward(process.stdout)
            self._pumps.append(asyncio.create_task(reader))
        if process.stderr is not None:
            self._pumps.append(asyncio.create_task(self._forward(process.stderr)))

    async def until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_LIMIT
        name = self.program.name
        while True:
            try:
                if self.program.ready():
                    return
            except RuntimeError as error:
                raise StackError(str(error)) from error
            if self._process.returncode is not None:
                await asyncio.wait(self._pumps, timeout=1.0)  # its last output says why
                raise StackError(f"{name} ended with {_outcome(self._process.returncode)} while starting.")
            if time.monotonic() > deadline:
                raise StackError(f"{name} was not ready within {_START_LIMIT:.0f} s.")
            await asyncio.sleep(0.05)

    async def output(self) -> bytes:
        await asyncio.gather(*self._pumps)
        return b"".join(self._captured)

    async def wait(self) -> int:
        assert self._process is not None
        code = await _end_of(self._process)
        kill_group(self._process.pid)
        return code

    async def stop(self, hurry: asyncio.Event) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return  # `wait` has taken care of its group; the id may now be another process's
        self.aside = []  # the output of a requested stop is not interesting
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.program.stop_signal)
        await _either(_end_of(process), hurry.wait(), limit=self.program.grace)
        kill_group(process.pid)
        await _end_of(process)
        # A grandchild in another group may keep the pipes open for ever.
        await asyncio.wait(self._pumps, timeout=1.0) if self._pumps else None

    async def _collect(self, stream: asyncio.StreamReader) -> None:
        self._captured.append(await stream.read())

    async def _forward(self, stream: asyncio.StreamReader) -> None:
        """Forward line by line. Not with `readline`, which fails for lines longer than its buffer."""
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._write(line)
            if len(rest) > 65536:
                self._write(rest)
                rest = b""
        if rest:
            self._write(rest)

    def _write(self, line: bytes) -> None:
        said = line.decode(errors="replace").rstrip()
        # JSON (LOG_FORMAT) is for machines, which do not read what stands before it.
        text = said if said.startswith("{") else f"{self.program.name:<9}| {said}"
        if self.aside is not None:
            self.aside.append(text)
        else:
            self._supervisor.write(text)


async def _end_of(process: asyncio.subprocess.Process) -> int:
    """The exit code of a process, once it has ended.

    Its own `wait` only returns once its output is closed too, which surviving children keep open.
    """
    while process.returncode is None:
        await asyncio.sleep(_LOOK_EVERY)
    return process.returncode


async def _either(*awaitables: Awaitable[object], limit: float) -> None:
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def _was_ended(code: int) -> bool:
    """Whether somebody else ended it, which does not mean that it is broken."""
    return code == 0 or -code in {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}


def _outcome(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
