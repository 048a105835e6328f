"""Secrets that the embedded stack generates: one file in DATA_DIR that only its owner can read."""

import json
import os
import secrets
from pathlib import Path

from config.environment import folder

PROJECT_DIR = Path(__file__).resolve().parents[2]
_FILE_NAME = "secrets.json"


def data_dir() -> Path:
    """DATA_DIR as an absolute path, for code that runs before the settings are loaded."""
    return Path(os.environ.get("DATA_DIR") or PROJECT_DIR / ".data").expanduser().resolve()


def make_private_folder(path: Path) -> Path:
    """Create a folder that other users can neither list nor read; an existing one is left unchanged."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private_file(path: Path, text: str) -> None:
    """Atomically replace a file by one that only its owner can read."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def stored_secret(folder: Path, name: str) -> str:
    """The secret named ``name`` (URL-safe characters), generated and stored on first use."""
    path = make_private_folder(folder) / _FILE_NAME
    stored: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if name not in stored:
        stored[name] = secrets.token_urlsafe(48)
        write_private_file(path, json.dumps(stored, indent=1) + "\n")
    return stored[name]


def ensure_secret_key() -> None:
    """Set SECRET_KEY in this process's environment if it is missing and DEBUG is off."""
    if not os.environ.get("SECRET_KEY"):
        os.environ["SECRET_KEY"] = stored_secret(folder("DATA_DIR", data_dir()), "secret_key")
