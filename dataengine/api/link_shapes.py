"""Shapes of the API: public links."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dataengine.api.serializers import Arguments, ListShape
from dataengine.columns.api_fields import WholeNumberField
from dataengine.models import PublicLink
from dataengine.models.public_links import MAX_LINK_NAME
from dataengine.services.public_links import MAX_DAYS

_QUERY = "What a list of records takes: filters, search and order, as in `price__gt=3&order_by=-price`"


class NewLink(Arguments):
    """A public link to make."""

    name = serializers.CharField(max_length=MAX_LINK_NAME, help_text="What people see above the records")
    days = WholeNumberField(min_value=1, max_value=MAX_DAYS, default=7, help_text="How long it shows something")
    query = serializers.CharField(default="", allow_blank=True, max_length=4_000, help_text=_QUERY)
    columns = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=1_700,
        help_text="Which columns it shows, in this order; all that there are now without it",
    )


class LinkSerializer(serializers.Serializer[PublicLink]):
    """A public link. It shows something until it expires, as long as who made it owns the table."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    query = serializers.CharField()
    columns = serializers.SerializerMethodField(help_text="Those of them that there still are")
    created_by = serializers.CharField(source="user.username")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    def get_columns(self, link: PublicLink) -> list[str]:
        """The names of the columns that the link shows."""
        names: dict[int, str] = self.context["names"]
        return [names[key] for key in link.columns if key in names]


class MadeLink(LinkSerializer):
    """A public link and its address, which nobody can be told again."""

    url = serializers.CharField()


class LinkList(ListShape):
    """A list of public links."""

    results = LinkSerializer(many=True)


def shown(links: list[PublicLink], names: dict[int, str]) -> list[Any]:
    """Links of a table whose columns have these names, by their keys."""
    return [LinkSerializer(link, context={"names": names}).data for link in links]
