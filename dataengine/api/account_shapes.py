"""Shapes of the API: accounts and their tokens."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dataengine.access import RIGHTS
from dataengine.api.serializers import Arguments, ListShape, NameField
from dataengine.http.devices import device_named
from dataengine.models import ApiToken
from dataengine.services.sessions import KINDS, Shown

_RIGHT = "The highest right that it has, on tables on which you have it"
_TABLES = "The names of the only tables that it opens; null: all of yours"


class NewApiToken(Arguments):
    """A token to make."""

    name = serializers.CharField(max_length=100, help_text="What it is for")
    right = serializers.ChoiceField(choices=RIGHTS, default="view", help_text=_RIGHT)
    tables = serializers.ListField(
        child=NameField(), required=False, allow_null=True, default=None, max_length=1000, help_text=_TABLES
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None, help_text="null: never")


class ApiTokenSerializer(serializers.Serializer[ApiToken]):
    """A token, by which ``hint`` (its last characters) tells which one it is. ``last_used_at`` is to the minute."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    right = serializers.ChoiceField(choices=RIGHTS)
    tables = serializers.SerializerMethodField(help_text=_TABLES)
    hint = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)

    def get_tables(self, token: ApiToken) -> list[str] | None:
        """The names that its tables have now; those deleted since are left out."""
        names: dict[int, str] = self.context["names"]
        return None if token.tables is None else sorted(names[pk] for pk in token.tables if pk in names)


class MadeApiToken(ApiTokenSerializer):
    """A new token. ``token`` is its text, which is shown this once."""

    token = serializers.CharField()


class ApiTokenList(ListShape):
    """One page of the user's tokens."""

    results: Any = ApiTokenSerializer(many=True)


class NewPassword(Arguments):
    """The present password, and the one to have."""

    old = serializers.CharField(trim_whitespace=False, max_length=1000)
    new = serializers.CharField(trim_whitespace=False, max_length=1000)


class SessionSerializer(serializers.Serializer[Shown]):
    """Where the user is logged in. ``last_seen`` is exact to five minutes."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS, help_text="api: a program that has JSON web tokens")
    device = serializers.SerializerMethodField(help_text="The browser and its system, or the program")
    address = serializers.CharField()
    began_at = serializers.DateTimeField(allow_null=True, help_text="null: not known")
    last_seen = serializers.DateTimeField(source="last_seen_at")
    current = serializers.SerializerMethodField(help_text="Whether it is the one that asks")

    def get_device(self, session: Shown) -> str:
        """The browser or program in a few words."""
        return device_named(session.device)

    def get_current(self, session: Shown) -> bool:
        """Whether it is that of the token."""
        return bool(session.id == self.context["current"])


class SessionList(ListShape):
    """One page of the user's sessions."""

    results: Any = SessionSerializer(many=True)
