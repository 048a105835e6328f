"""Log lines: plain for terminals, JSON for machines. They say which request and job they come from, and no secrets."""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from dataengine.origin import current

if TYPE_CHECKING:
    from structlog.stdlib import ProcessorFormatter

_PLAIN = "%(asctime)s %(levelname)s %(name)s%(origin)s: %(message)s"
_SECRETS = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*"  # JSON web tokens
    r"|\btk_[\w-]+|\bwhsec_[\w+/=-]+"  # API tokens, keys of webhooks
    r"|(?<=://)[^/@\s]+(?=@)"  # user and password of an address
    r"|(?<=/)[\w:-]{24,}(?=/)"  # what nobody could guess, in a path
    r"|(?i:(?<=bearer )|(?<=basic ))\S+"
    r"""|(?i:(?<=password)|(?<=passwd)|(?<=secret)|(?<=token)|(?<=_key))["']?\s?[=:]\s?["']?[^\s,;&)}\]"']+"""
)


def configuration(log_format: str) -> dict[str, Any]:
    """Django's LOGGING: lines on standard error; whatever runs the process does the rest."""
    formatter = {"()": "config.logs.json_formatter"} if log_format == "json" else {"()": "config.logs.PlainFormatter"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "filters": {"faults": {"()": "config.logs.ClientFaults"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["faults"]}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # Django's own handlers would write each line twice.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # One line for each request is for machines.
            "config.requests": {"level": "INFO" if log_format == "json" else "WARNING"},
            "celery.beat": {"level": "WARNING"},  # a line every few seconds otherwise
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }


class ClientFaults(logging.Filter):
    """Makes what a client did wrong one warning: no traceback, which would tell of nothing in our code.

    Django logs a foreign Host header, say, as an error with one, and anybody could fill the log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes."""
        if getattr(record, "status_code", 500) < 500:  # of the answer, which Django adds
            record.exc_info = record.exc_text = None
            record.levelno = min(record.levelno, logging.WARNING)
            record.levelname = logging.getLevelName(record.levelno)
        return True


def without_secrets(text: str) -> str:
    """A line without what must not be read by whoever reads logs."""
    return _SECRETS.sub("[hidden]", text)


class PlainFormatter(logging.Formatter):
    """``time LEVEL logger [request id, job]: message``."""

    def __init__(self) -> None:
        super().__init__(_PLAIN)

    def format(self, record: logging.LogRecord) -> str:
        """The line, and lines of a traceback."""
        origin = current()
        known = ", ".join(part for part in (origin.request_id, origin.job) if part)
        record.origin = f" [{known}]" if known else ""
        return without_secrets(super().format(record))


def json_formatter() -> ProcessorFormatter:
    """One JSON object a line."""
    import structlog

    def add_origin(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        origin = current()
        event.update({name: value for name in ("request_id", "job") if (value := getattr(origin, name))})
        return event

    def hide(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {name: without_secrets(value) if isinstance(value, str) else value for name, value in event.items()}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(allow={"method", "route", "status", "seconds"}),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            add_origin,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            hide,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def report_errors(dsn: str, role: str) -> None:
    """Report unexpected errors to Sentry: where they happened, not with which data."""
    import sentry_sdk
    from sentry_sdk.integrations.logging import ignore_logger

    ignore_logger("django.security.*")  # what clients did wrong, such as foreign Host headers

    def before_send(event: Any, _: Any) -> Any:
        origin = current()
        event.setdefault("tags", {}).update({"request_id": origin.request_id, "job": origin.job, "role": role})
        for name in ("user", "breadcrumbs"):
            event.pop(name, None)
        # Neither body, cookies and headers nor values: the address may have a token in its query.
        request = event.pop("request", {})
        event["request"] = {"method": request.get("method", "")}
        for error in event.get("exception", {}).get("values", ()):
            error["value"] = without_secrets(str(error.get("value", "")))
        if "logentry" in event:
            event["logentry"] = {"message": without_secrets(str(event["logentry"].get("message", "")))}
        return event

    sentry_sdk.init(
        dsn=dsn,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        traces_sample_rate=0,
        before_send=before_send,
    )
