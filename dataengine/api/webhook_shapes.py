"""Shapes of the API: webhooks and their messages."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dataengine.api.serializers import Arguments, ListShape
from dataengine.models import Delivery, Job, Webhook

_URL = "Where messages go: https://, a public address"
_EVENTS = "Of what it hears; all without this"


class NewWebhook(Arguments):
    """A webhook to make."""

    url = serializers.CharField(max_length=2000, help_text=_URL)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Webhook.Event.values), required=False, max_length=20, help_text=_EVENTS
    )
    secret = serializers.CharField(
        required=False, max_length=100, help_text="One of your own (whsec_… in base64), in place of a new one"
    )


class ChangeWebhook(Arguments):
    """What changes of a webhook."""

    fixed = frozenset({"id", "created_at", "created_by", "stopped"})

    url = serializers.CharField(required=False, max_length=2000, help_text=_URL)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Webhook.Event.values), required=False, max_length=20, help_text=_EVENTS
    )
    active = serializers.BooleanField(required=False, source="is_active")


class WebhookSerializer(serializers.Serializer[Webhook]):
    """A webhook. It is not active any more once its address has said that it is gone (410), or whoever made it has lost
    the right to design the table: `stopped` tells which.
    """

    id = serializers.IntegerField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(choices=Webhook.Event.values))
    active = serializers.BooleanField(source="is_active")
    stopped = serializers.ChoiceField(
        choices=[Webhook.Stopped.GONE.value, Webhook.Stopped.RIGHT.value],
        source="stopped_for",
        allow_null=True,
        help_text="Why it is not active, if nobody switched it off",
    )
    created_by = serializers.CharField(
        source="user.username",
        default=None,
        allow_null=True,
        help_text="Who made it, or has changed its URL or switched it on since",
    )
    created_at = serializers.DateTimeField()


class MadeWebhook(WebhookSerializer):
    """A new webhook. Its ``secret``, by which receivers know that messages are real, is shown this once."""

    secret = serializers.CharField()


class TrySerializer(serializers.Serializer[Any]):
    """One attempt: the status of the answer (null: none came), and why that was none to be content with."""

    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_null=True)


class DeliverySerializer(serializers.Serializer[Delivery]):
    """One message to a webhook, with all attempts. ``next_try_at`` is null unless one is to come."""

    id = serializers.IntegerField()
    event = serializers.ChoiceField(choices=Webhook.Event.values, source="event_type")
    message_id = serializers.CharField(help_text="The same at every attempt, in the header webhook-id")
    state = serializers.ChoiceField(choices=Job.State.choices)
    attempt = serializers.IntegerField()
    tries = TrySerializer(many=True)
    next_try_at = serializers.DateTimeField(allow_null=True)
    payload = serializers.DictField(help_text="The message: `type`, `timestamp`, and as `data` the import job")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class WebhookList(ListShape):
    """One page of a table's webhooks."""

    results: Any = WebhookSerializer(many=True)


class DeliveryList(ListShape):
    """One page of a webhook's messages, newest first."""

    results: Any = DeliverySerializer(many=True)
