"""Shapes of the API: who may do what with a table, and who did what."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dataengine.access import RIGHTS
from dataengine.services.sharing import MOST_GRANTS


class GrantShape(serializers.Serializer[Any]):
    """A right of a user or a group; either is given."""

    user = serializers.CharField(required=False, help_text="A user's name")
    group = serializers.CharField(required=False, help_text="A group's name")
    right = serializers.ChoiceField(choices=RIGHTS, help_text="Each right includes those before it.")


class PutSharing(serializers.Serializer[Any]):
    """How a table is to be shared: with these and nobody else."""

    grants = serializers.ListField(child=GrantShape(), max_length=MOST_GRANTS)
    owner = serializers.CharField(
        required=False,
        help_text="A user's name: the table becomes theirs. Whoever owned it keeps what `grants` say.",
    )


class SharingShape(serializers.Serializer[Any]):
    """Whose a table is, and who else may do what with it. The owner has every right without a grant."""

    owner = serializers.CharField()
    grants = GrantShape(many=True)
