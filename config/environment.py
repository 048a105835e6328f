"""Reads the environment strictly: a value that cannot be understood gives one line that names its variable.

Messages never repeat addresses, which may contain passwords.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset({"1", "true", "yes", "on", "t", "y"})
_FALSE = frozenset({"", "0", "false", "no", "off", "f", "n"})
_LIMIT = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,3})?([smhd])[a-z]*")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DATABASE = "must be a PostgreSQL address: postgres://user:password@host:port/name"
_REDIS = "must be a Redis address: redis://:password@host:port/0 (or rediss://, unix://)"
_EMAIL = "must be an address of a mail server, such as smtp+tls://user:password@host:587"
_STORAGE = "must be s3://bucket/prefix?endpoint_url=… or file:///folder"


def load_settings(**kwargs: Any) -> None:
    """Load Django's settings for a server. An error in the environment ends the process with one line."""
    from django.conf import settings

    try:
        settings.INSTALLED_APPS  # noqa: B018  # the first attribute loads them
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def text(name: str, default: str = "") -> str:
    """The variable, or ``default`` if it is unset."""
    return os.environ.get(name, default)


def texts(name: str) -> list[str]:
    """A list, comma-separated."""
    return [item.strip() for item in text(name).split(",") if item.strip()]


def flag(name: str, *, default: bool = False) -> bool:
    """Whether the variable says yes; ``default`` if it is unset."""
    value = text(name).strip().lower()
    if not value:
        return default
    if value not in _TRUE | _FALSE:
        raise _refusal(name, f"must be 1 or 0, not {value!r}")
    return value in _TRUE


def number(name: str, default: int, *, minimum: int = 1) -> int:
    """A whole number of at least ``minimum``; an empty variable is an unset one."""
    value = text(name).strip()
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,18}", value) or int(value) < minimum:
        raise _refusal(name, f"must be a whole number of at least {minimum}, not {value!r}")
    return int(value)


def limit(name: str, default: str) -> tuple[int, int] | None:
    """A number per so many seconds, given like ``30/min`` or ``10/15min``; None (``0``) without a limit."""
    value = text(name).strip() or default
    if value == "0":
        return None
    found = _LIMIT.fullmatch(value)
    if found is None:
        raise _refusal(name, f"must be a number per second, min, hour or day, such as {default}, or 0, not {value!r}")
    most, periods, unit = found.groups()
    return int(most), int(periods or 1) * _SECONDS[unit]


def choice(name: str, default: str, choices: Sequence[str]) -> str:
    """One of a few words."""
    value = text(name).strip() or default
    if value not in choices:
        raise _refusal(name, f"must be one of {', '.join(choices)}, not {value!r}")
    return value


def origins(name: str) -> list[str]:
    """Origins with scheme, comma-separated."""
    found = texts(name)
    for origin in found:
        if not re.fullmatch(r"https?://[^/?#\s]+", origin):
            raise _refusal(name, f"must list origins like https://tables.example.com, not {origin!r}")
    return found


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Networks or single addresses, comma-separated."""
    found = []
    for item in texts(name):
        try:
            found.append(ip_network(item))
        except ValueError:
            raise _refusal(name, f"must list networks like 10.1.0.0/16, not {item!r}") from None
    return found


def web_address(name: str, default: str) -> str:
    """The URL of a site."""
    value = text(name).strip() or default
    if not re.match(r"https?://[^/?#\s]", value):
        raise _refusal(name, f"must be an address like https://tables.example.com/, not {value!r}")
    return value


def own_address(origins: Iterable[str]) -> str:
    """Where the console is, as far as that is known: the first origin that is one, or where the stack listens."""
    known = [origin for origin in origins if "*" not in origin]
    return known[0] if known else text("STACK_ADDRESS") or "http://localhost:8000"


def database(name: str, default: str) -> dict[str, Any]:
    """Django's settings for the PostgreSQL at an address."""
    from environ import Env  # imports Django's settings when it is imported

    value = text(name) or default
    if not value.startswith(("postgres://", "postgresql://", "psql://", "pgsql://")):
        raise _refusal(name, _DATABASE)
    return dict(_parsed(name, _DATABASE, lambda: Env.db_url_config(value)))


def redis(name: str, default: str) -> str:
    """The address of a Redis."""
    value = text(name) or default
    parts = _parsed(name, _REDIS, lambda: urlsplit(value))
    is_host = parts.scheme in ("redis", "rediss") and parts.hostname and _parsed(name, _REDIS, lambda: parts.port or 1)
    if not is_host and not (parts.scheme == "unix" and parts.path):
        raise _refusal(name, _REDIS)
    return value


def email(name: str, default: str) -> dict[str, Any]:
    """Django's ``EMAIL_…`` settings for the mail server at an address."""
    from environ import Env

    return dict(_parsed(name, _EMAIL, lambda: Env.email_url_config(text(name) or default)))


def storage(name: str, default: str) -> dict[str, Any]:
    """Django's settings for the storage at an address: s3://bucket/prefix?option=value, or file:///folder."""
    parts = _parsed(name, _STORAGE, lambda: urlsplit(text(name) or default))
    if parts.scheme == "file" and parts.path:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": unquote(parts.path), "base_url": None},
        }
    if parts.scheme == "s3" and parts.netloc:
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": parts.netloc,
                "location": unquote(parts.path).strip("/"),
                "file_overwrite": False,
                **dict(parse_qsl(parts.query)),
            },
        }
    raise _refusal(name, _STORAGE)


def folder(name: str, path: Path) -> Path:
    """A folder for this process, created if necessary; nobody else can read it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = f"must be a folder that can be created and written: {path}: {error.strerror}"
        raise _refusal(name, reason) from error
    return path


def _parsed[T](name: str, what: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (ValueError, KeyError, ImproperlyConfigured) as error:
        raise _refusal(name, what) from error


def _refusal(name: str, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} {reason}")
