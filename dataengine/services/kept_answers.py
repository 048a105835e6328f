"""Does what was asked under a key once, whoever is killed meanwhile, and gives the same answer to who asks again.

Key, answer and what was done are one transaction, and who is at work on a key holds a lock that ends with it. So there
is no state in between: a request that was killed has done nothing, and its key is free at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from dataengine import access
from dataengine.exceptions import AccessDenied, Conflict
from dataengine.models import KeptAnswer
from dataengine.postgres import locks

if TYPE_CHECKING:
    from django.contrib.auth.models import User

KEPT_FOR = timedelta(hours=24)


class KeyInUse(Conflict):
    """The first request with the key is still being answered."""

    code = "key_in_use"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is sent. One that is not ``final`` says that nothing was done for reasons of the moment."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_final: bool = True
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A key, and the fingerprint of what is asked under it. ``holder`` is the API token it was given with."""

    user: User
    holder: str
    key: str
    fingerprint: str

    @property
    def lock(self) -> int:
        """A number for PostgreSQL's lock; of two keys with the same one, one waits for the other."""
        digest = hashlib.sha256(f"{self.user.pk} {self.holder} {self.key}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)


def once(key: Key, work: Callable[[], Answer], *, may_be_idle: bool = False) -> tuple[Answer, bool]:
    """The answer of ``work``, or the one that it gave before; and whether it is that.

    ``work`` raises nothing, and takes back what it did if it did not succeed. ``may_be_idle``: it does other things
    than asking the database for longer than a transaction may otherwise be idle.
    Raises KeyInUse while another request with the key is at work, Conflict if the key was used for something else,
    AccessDenied to who has lost a right since that it took.
    """
    with transaction.atomic():
        if not locks.holds_key(key.lock):
            raise KeyInUse("The first request with this key is still being answered.")
        # A statement of its own: it must see what was committed before the lock was free.
        kept = KeptAnswer.objects.filter(
            user=key.user, holder=key.holder, key=key.key, created_at__gt=timezone.now() - KEPT_FOR
        ).first()
        if kept is not None:
            return _again(kept, key), True
        if may_be_idle:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        with access.noting() as noted:
            answer = work()
        if answer.is_final:
            # Not those that the user gave away by this: the answer tells nothing new.
            _keep(key, answer, access.held_of(key.user, noted))
        return answer, False


def sweep() -> int:
    """Forget answers that are kept no longer. Returns how many."""
    return KeptAnswer.objects.filter(created_at__lte=timezone.now() - KEPT_FOR).delete()[0]


def _again(kept: KeptAnswer, key: Key) -> Answer:
    if kept.fingerprint != key.fingerprint:
        reason = "This key was used for another request; take a new one for each."
        raise Conflict(reason, code="key_reused", fields={"Idempotency-Key": reason})
    if kept.body is None:
        raise Conflict("This was done before. The answer held a secret, which is not kept.", code="answer_not_kept")
    rights = [(table_id, access.right_named(right)) for table_id, right in kept.rights]
    if len(access.held_of(key.user, rights)) < len(rights):
        raise AccessDenied("This was done before, and you may not see any more what it was done to.")
    return Answer(kept.status, kept.headers, bytes(kept.body))


def _keep(key: Key, answer: Answer, rights: Sequence[tuple[int, access.Right]]) -> None:
    row = KeptAnswer(
        user=key.user,
        holder=key.holder,
        key=key.key,
        fingerprint=key.fingerprint,
        status=answer.status,
        headers=dict(answer.headers),
        body=None if answer.is_secret else answer.body,
        rights=rights,
        created_at=timezone.now(),
    )
    # In the place of one that has expired.
    KeptAnswer.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["user", "holder", "key"],
        update_fields=["fingerprint", "status", "headers", "body", "rights", "created_at"],
    )
