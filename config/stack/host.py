"""What the embedded servers need from the machine: a user that is not root, readable folders, a locale."""

import importlib.util
import os
import shutil
import stat
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from config.stack.private import make_private_folder

_SYSTEM_USER = "tablekeep"


def package_folder(name: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"The package {name} is not installed: pip install -r requirements/base.txt")
    return Path(next(iter(spec.submodule_search_locations)))


def plain_environment() -> Mapping[str, str]:
    """The environment without variables that redirect the servers (PGDATA, PGPORT, …) or translate messages."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"}}
    return {**kept, "LC_ALL": "C"}


def has_locale(name: str) -> bool:
    """Whether the C library has this locale."""
    import locale

    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return True


def unprivileged_user() -> str | None:
    """The system user for PostgreSQL, which refuses to run as root. None if this process is not root."""
    if os.geteuid() != 0:
        return None
    import pwd

    with suppress(KeyError):
        return pwd.getpwnam(_SYSTEM_USER).pw_name
    useradd = shutil.which("useradd")
    if useradd is not None:
        subprocess.run(
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SYSTEM_USER],
            check=False,
            capture_output=True,
        )
        with suppress(KeyError):
            return pwd.getpwnam(_SYSTEM_USER).pw_name
    return "nobody"


def let_through(path: Path, user: str) -> None:
    """Let a user pass through the folders above a path, without letting anybody list them."""
    import pwd

    account = pwd.getpwnam(user)
    for folder in reversed(path.parents):
        if not folder.exists():
            make_private_folder(folder)
        status = folder.stat()
        if status.st_uid != account.pw_uid and not status.st_mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)


def let_read(tree: Path) -> None:
    """Let everybody read and run an installation that a strict umask made private; others are left alone."""
    for path in (tree, *tree.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        open_mode = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if mode != open_mode:
            path.chmod(open_mode)


def is_postgres(pid: int, folder: Path) -> bool:
    """Whether a process is a PostgreSQL server on this folder."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        command = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
        arguments = subprocess.run(command, capture_output=True, check=False).stdout
    return b"postgres" in arguments and os.fsencode(folder) in arguments
