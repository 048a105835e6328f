"""Recipes in the catalog: how a table's files are imported, under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from dataengine.models.tables import Table

MAX_NAME = 100


class Recipe(models.Model):
    """The options of an import that can be taken again, and the header of the file that they were made for."""

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="recipes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=MAX_NAME)
    options = models.JSONField(default=dict)
    # In the order of the file; empty if it is not known.
    headers = models.JSONField(default=list)
    # Column -> its type when the recipe was written.
    types = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["table", "name"], name="recipe_name")]

    def __str__(self) -> str:
        return self.name
