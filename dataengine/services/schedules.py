"""When something is due: cron expressions in a time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from dataengine.exceptions import InvalidInput

SHORTEST = timedelta(minutes=5)
_LONGEST_CRON = 100
_EXAMPLE = (
    "Give five fields like “0 6 * * 1-5” (minute, hour, day, month, day of the week), or @hourly, @daily, @weekly."
)
_RANDOM = re.compile(r"\b[rh]\b", re.IGNORECASE)
_LOOKED_AHEAD = 50


def next_time(cron: str, time_zone: str, after: datetime) -> datetime:
    """The first time after ``after`` that the expression names, in UTC. Clocks that change are the time zone's."""
    from croniter import croniter  # not in every worker that sweeps

    found: datetime = croniter(cron, after.astimezone(ZoneInfo(time_zone))).get_next(datetime)
    return found.astimezone(UTC)


def check(cron: str, time_zone: str, now: datetime) -> None:
    """Raise InvalidInput for an expression or a time zone that is none, or for what comes too often."""
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        reason = "Give the name of a time zone, such as Europe/Berlin."
        raise InvalidInput(f"time_zone: {reason}", fields={"time_zone": reason}) from None
    fields = cron.split()
    is_alias = len(fields) == 1 and cron.strip().startswith("@")
    if len(cron) > _LONGEST_CRON or _RANDOM.search(cron) or not (len(fields) == 5 or is_alias):
        raise _refused(_EXAMPLE)
    times = [now]
    try:
        for _ in range(_LOOKED_AHEAD):
            times.append(next_time(cron, time_zone, times[-1]))
    except (ValueError, KeyError, IndexError, OverflowError, AttributeError, TypeError):
        raise _refused(_EXAMPLE) from None
    if any(later - earlier < SHORTEST for earlier, later in pairwise(times[1:])):
        raise _refused("At most every five minutes.")


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(f"cron: {reason}", code="invalid_cron", fields={"cron": reason})
