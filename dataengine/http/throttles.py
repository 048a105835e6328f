"""Slows down the guessing of passwords: counts failed attempts in the cache (Redis), per address and per account."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import caches
from django.http import HttpRequest
from redis.exceptions import RedisError
from rest_framework.request import Request

from dataengine.http.addresses import client_of

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

logger = logging.getLogger(__name__)


class FailedAttempts:
    """Refuses those who recently failed too often; successful log-ins do not count.

    Counted are failures from the address (``LOGIN_FAILURE_RATE``), against somebody who tries many names, and those
    with the name of the account (``ACCOUNT_FAILURE_RATE``), against many addresses that try one. A name counts whether
    or not an account has it, so nothing shows which. Without Redis nobody is refused: a missing cache must not lock
    everybody out.

    A count begins with the first failure and expires after the rate's period. Redis itself increments it: if parallel
    requests read the count and wrote it back, all but one would go uncounted.

    Parallel guesses also pass ``may_try`` together, before any of them has failed. So whoever checks a password asks
    twice: before, and with the result, by ``failed`` or ``may_try``. Then no more guesses than the rate allows ever
    learn whether they were right.
    """

    def __init__(self, request: Request | HttpRequest, account: str = "", *, kind: str = "logins") -> None:
        rates: dict[str, tuple[int, int] | None] = settings.FAILURE_RATES
        self._limits = [(f"failed_{kind}_{client_of(request)}", rates["login_failure"])]
        if account:
            # Names are any text, and need not stand in Redis.
            name = hashlib.sha256(AbstractBaseUser.normalize_username(account).encode(errors="replace")).hexdigest()
            self._limits.append((f"failed_{kind}_of_{name}", rates["account_failure"]))
        self._seconds_left = 0

    def may_try(self) -> bool:
        """Whether another attempt is allowed."""

        def read(transaction: Pipeline, key: str, seconds: int) -> None:
            transaction.get(key)

        return all(count < most for count, most in self._counts(read))

    def failed(self) -> bool:
        """Count a failed attempt. False if it was one too many: then it is refused like all further ones."""

        def add(transaction: Pipeline, key: str, seconds: int) -> None:
            # Set its expiry at the same time: a count that stayed would lock people out for good.
            transaction.set(key, 0, ex=seconds, nx=True)
            transaction.incr(key)

        return all(count <= most for count, most in self._counts(add))

    def wait(self) -> float:
        """Seconds until another attempt is allowed."""
        return self._seconds_left

    def _counts(self, command: Callable[[Pipeline, str, int], None]) -> list[tuple[int, int]]:
        """The counts that ``command`` reads, each with how much it may be; empty without Redis."""
        cache = caches["default"]
        limits = [(cache.make_key(key), rate) for key, rate in self._limits if rate is not None]
        if not limits:
            return []
        # Django's cache cannot create, increment and expire a count in one step.
        client = cast("Redis", cache._cache.get_client(limits[0][0], write=True))  # type: ignore[attr-defined]
        counts = []
        try:
            with client.pipeline(transaction=True) as transaction:
                for key, (_, seconds) in limits:
                    command(transaction, key, seconds)
                    transaction.ttl(key)
                answers = transaction.execute()
        except RedisError:
            logger.warning("The cache does not answer; attempts to log in are not counted.")
            return []
        each = len(answers) // len(limits)
        for place, (_, (most, _)) in enumerate(limits):
            *_, found, left = answers[place * each : (place + 1) * each]
            counts.append((int(found or 0), most))
            if counts[-1][0] >= most:
                self._seconds_left = max(self._seconds_left, left)
        return counts
