"""Webhooks of a table, and the log of their messages."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from dataengine.api import webhook_shapes as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.api.serializers import PageQuery
from dataengine.api.views_tables import news
from dataengine.models import Webhook
from dataengine.services import webhooks


class _WebhookView(ApiView):
    """For those who design the table: messages tell others about it."""

    def webhook(self, names: dict[str, Any]) -> Webhook:
        return webhooks.get_webhook(self.table(names, "design"), names["pk"])


class WebhooksView(_WebhookView):
    """Addresses that get a signed message at the end of imports into the table.

    Messages are those of Standard Webhooks (standardwebhooks.com): POST with JSON and the headers `webhook-id`,
    `webhook-timestamp` and `webhook-signature`, tried again for 32 hours unless the answer is 2xx.
    """

    answers_secrets = True

    operations = {
        "get": Operation("list_webhooks", "List webhooks", shapes.WebhookList, query=PageQuery),
        "post": Operation("create_webhook", "Make a webhook", shapes.MadeWebhook, 201, body=shapes.NewWebhook),
    }

    def get(self, request: Request, **names: Any) -> Response:
        asked = checked(PageQuery, request.query_params.dict())
        found = self.table(names, "design").webhooks.select_related("user")
        return listing(request, found, lambda some: [shapes.WebhookSerializer(one).data for one in some], **asked)

    def post(self, request: Request, **names: Any) -> Response:
        table, asked = self.table(names, "design"), checked(shapes.NewWebhook, self.body())
        webhook = webhooks.create_webhook(user=self.user, table=table, **asked)
        return Response(shapes.MadeWebhook(webhook).data, status=201)


class WebhookView(_WebhookView):
    """One webhook."""

    operations = {
        "get": Operation("get_webhook", "Show a webhook", shapes.WebhookSerializer),
        "patch": Operation("update_webhook", "Change a webhook", shapes.WebhookSerializer, body=shapes.ChangeWebhook),
        "delete": Operation("delete_webhook", "Delete a webhook and its messages", None, 204),
    }

    def get(self, request: Request, **names: Any) -> Response:
        return Response(shapes.WebhookSerializer(self.webhook(names)).data)

    def patch(self, request: Request, **names: Any) -> Response:
        webhook = self.webhook(names)
        asked = checked(shapes.ChangeWebhook, news(self.body(), shapes.WebhookSerializer(webhook).data))
        changed = webhooks.update_webhook(user=self.user, webhook=webhook, **asked)
        return Response(shapes.WebhookSerializer(changed).data)

    def delete(self, request: Request, **names: Any) -> Response:
        webhooks.delete_webhook(user=self.user, webhook=self.webhook(names))
        return Response(status=204)


class DeliveriesView(_WebhookView):
    """The messages of a webhook in the last 30 days, newest first."""

    operations = {"get": Operation("list_deliveries", "List messages", shapes.DeliveryList, query=PageQuery)}

    def get(self, request: Request, **names: Any) -> Response:
        asked = checked(PageQuery, request.query_params.dict())
        found = self.webhook(names).deliveries.all()
        return listing(request, found, lambda some: [shapes.DeliverySerializer(one).data for one in some], **asked)


class DeliveryAgainView(_WebhookView):
    """Sends a message again that was taken or given up."""

    operations = {"post": Operation("send_delivery_again", "Send a message again", shapes.DeliverySerializer, 202)}

    def post(self, request: Request, **names: Any) -> Response:
        delivery = webhooks.get_delivery(self.webhook(names), names["delivery"])
        again = webhooks.send_again(user=self.user, delivery=delivery)
        return Response(shapes.DeliverySerializer(again).data, status=202)
