"""Settings of the database: the connection of the owner's role and, in web processes, that of the reader's."""

from __future__ import annotations

from typing import Any

from config import environment as env


def databases(role: str, *, pool_size: int, statement_timeout_ms: int) -> dict[str, dict[str, Any]]:
    """Them, for a process with that role. ``pool_size`` is the most connections of each that it keeps open."""
    is_web = role == "web"
    options: dict[str, Any] = {
        "application_name": f"tablekeep-{role}",
        "connect_timeout": 5,
        # Milliseconds after which a server that disappeared silently (failed over, cut off) is given up.
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    limits = {
        "statement_timeout": statement_timeout_ms,
        "lock_timeout": 500 if is_web else 0,
        "idle_in_transaction_session_timeout": 30_000 if is_web else 0,
    }
    forced: dict[str, Any] = {"options": " ".join(f"-c {name}={value}" for name, value in limits.items())}
    if is_web and pool_size:
        forced["pool"] = {
            "min_size": 1,
            "max_size": pool_size,
            # Seconds that a request waits for a connection: long enough for a restart of the server.
            "timeout": 2.0,
            # A pool that gave up tries again with the next request instead of pausing for minutes.
            "reconnect_timeout": 2.0,
        }

    def made(found: dict[str, Any], **others: Any) -> dict[str, Any]:
        return {
            **found,
            "ENGINE": "dataengine.postgres.backend",
            # Threads of the ASGI server come and go: a connection kept by one would leak.
            "CONN_MAX_AGE": 0,
            "ATOMIC_REQUESTS": False,  # the service owns the transaction
            "OPTIONS": {**options, **others, **found.get("OPTIONS", {}), **forced},
        }

    found = {"default": made(env.database("DATABASE_URL", "postgres://tablekeep@127.0.0.1:5432/tablekeep"))}
    if is_web and (reader := reader_settings()):
        found["reader"] = made(
            reader, application_name="tablekeep-web-reader"
        )  # see dataengine/postgres/backend/reader.py
    return found


def reader_settings() -> dict[str, Any]:
    """How the reader logs in; empty without one."""
    return env.database("READER_URL", "") if env.text("READER_URL").strip() else {}
