"""Public links in the catalog: views of tables that whoever has the link may read."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from dataengine.models.tables import Table

MAX_LINK_NAME = 100


class PublicLink(models.Model):
    """A view of a table that is open to whoever has the link. Only a digest of the link's secret is kept."""

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="public_links")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=MAX_LINK_NAME)
    digest = models.CharField(max_length=64, unique=True)
    # The grid's parameters: filters, search, order.
    query = models.TextField(blank=True)
    columns = models.JSONField(default=list)  # keys of those that are shown, in order
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} of {self.table}"
