"""What belongs to a user besides tables: API tokens, and which of the earlier JSON web tokens still count."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class Account(models.Model):
    """What Django's user has no field for. A user without a row is as one with the defaults."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True)
    # JSON web tokens carry it; when the user logs out everywhere it grows, and those made before are dead. (A time
    # would not do: theirs has whole seconds, and a token may be made in the same one, before or after.)
    token_generation = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"account of {self.user}"


class ApiToken(models.Model):
    """A token for programs. Only its digest is kept.

    That is a plain SHA-256: the token has 256 random bits, which no dictionary contains, so a slow, salted hash would
    protect nothing, and every request would pay for it. It is also what a token is found by.
    """

    class Right(models.TextChoices):
        """The highest of access.py's rights that the token has, on tables on which its user has it."""

        VIEW = "view", "See records"
        EDIT = "edit", "Change records and import"
        DESIGN = "design", "Change columns"
        OWN = "own", "Make, share and delete tables"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)  # its last characters, by which people recognise it
    right = models.CharField(max_length=6, choices=Right)
    # The ids of the only tables that it opens; null: all of the user's. No rows of a table between, with which a
    # token for one table that is deleted would have none, as one for all has.
    tables = ArrayField(models.BigIntegerField(), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)  # to the minute

    class Meta:
        ordering = ["-created_at", "-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    @property
    def is_over(self) -> bool:
        """Whether it has expired."""
        return self.expires_at is not None and self.expires_at <= timezone.now()
