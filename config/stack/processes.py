"""Child processes that cannot outlive the process that started them."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
# Loaded here and not between fork and exec, where loading anything could deadlock.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, how to tell that it is ready, and how to stop it."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    user: str | None = None
    """System user to run as; None is the current one."""
    stdin: bytes = b""
    files: tuple[int, ...] = ()
    """Open descriptors that the child inherits."""
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    """Seconds from `stop_signal` to SIGKILL."""
    orphan_signal: signal.Signals = signal.SIGTERM
    """The signal that the kernel sends if the parent dies without stopping it (Linux only)."""
    ready: Callable[[], bool] = field(default=lambda: True)
    """One quick attempt to use it; RuntimeError if waiting is pointless."""


def popen_options(program: Program) -> dict[str, Any]:
    """Keyword arguments for `subprocess.Popen` and `asyncio.create_subprocess_exec`, except for pipes.

    Each child leads a session of its own: a Ctrl-C in the terminal only reaches the supervisor, which then stops
    things in order, and the whole group can be killed afterwards. Call from the main thread only: the kernel counts
    the death of the starting *thread* as the parent's death.
    """
    parent = os.getpid()
    number = int(program.orphan_signal)

    def tie_to_parent() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
            if os.getppid() != parent:  # the parent died before the call above
                os._exit(1)

    options: dict[str, Any] = {
        "cwd": program.folder,
        "env": dict(program.env),
        "start_new_session": True,
        "pass_fds": program.files,
        "preexec_fn": tie_to_parent,
    }
    if program.user is not None:
        # Also drops root's supplementary groups.
        options |= {"user": program.user, "group": _primary_group(program.user), "extra_groups": []}
    return options


def run_to_end(program: Program) -> None:
    """Run a program that ends by itself.

    Raises:
        RuntimeError: it failed; the message contains its output.
    """
    done = subprocess.run(
        program.argv,
        input=program.stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        **popen_options(program),
    )
    if done.returncode:
        raise RuntimeError(f"{program.name} failed:\n{done.stdout.decode(errors='replace').strip()}")


def kill_group(pid: int) -> None:
    """Kill what is left of a child's process group."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # macOS answers EPERM for a group of zombies.
        return


def _primary_group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid
