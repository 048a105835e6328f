"""Answers that are kept for clients that ask the same again."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class KeptAnswer(models.Model):
    """The answer to a request with an ``Idempotency-Key``, written in the transaction that did what was asked."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # The API token with which the key was used; empty for the user's own.
    holder = models.CharField(max_length=30, blank=True)
    key = models.CharField(max_length=255)
    # The SHA-256 of what was asked.
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField()
    # Null if it held a secret, which is nowhere kept.
    body = models.BinaryField(null=True)
    # What it took: pairs of a table's key and a right. Who has lost one of them is not shown the answer.
    rights = models.JSONField(default=list)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "holder", "key"], name="keptanswer_once")]

    def __str__(self) -> str:
        return self.key
