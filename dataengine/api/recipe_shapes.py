"""Shapes of the API: recipes of a table."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from dataengine.api.serializers import Arguments, ListShape, ObjectField
from dataengine.models import Recipe
from dataengine.models.recipes import MAX_NAME

_OPTIONS = "Those of an import, but for what makes a table or is meant for one file"
_HEADERS = "The file's header, in its order; without it that of the import, or the mapping's"
_IMPORT = "An import into the table: its options, and what it found out, in place of options"


class RecipeContent(Arguments):
    """A recipe's content: options, or an import to take them from."""

    options = ObjectField(required=False, help_text=_OPTIONS)
    headers = serializers.ListField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=1_000),
        required=False,
        max_length=1_700,
        help_text=_HEADERS,
    )

    def get_fields(self) -> dict[str, Any]:
        """Also ``import``, which no attribute can be called."""
        return {**super().get_fields(), "import": serializers.IntegerField(required=False, help_text=_IMPORT)}


class NewRecipe(RecipeContent):
    """A recipe to make."""

    name = serializers.CharField(max_length=MAX_NAME)


class ChangeRecipe(RecipeContent):
    """A recipe written anew."""

    fixed = frozenset({"created_at", "updated_at", "created_by", "url", "types"})

    name = serializers.CharField(required=False, max_length=MAX_NAME, help_text="If it is to be called otherwise")


class RecipeSerializer(serializers.Serializer[Recipe]):
    """How a table's files are imported. ``types`` are those that its columns had then."""

    name = serializers.CharField()
    options = serializers.DictField()
    headers = serializers.ListField(child=serializers.CharField())
    types = serializers.DictField(child=serializers.CharField())
    created_by = serializers.CharField(source="user.username", default=None, allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    url = serializers.SerializerMethodField()

    def get_url(self, recipe: Recipe) -> str:
        path = reverse("api-recipe", kwargs={"table_name": recipe.table.name, "name": recipe.name})
        return str(self.context.get("base_url", "")) + path


class RecipeList(ListShape):
    """A page of recipes."""

    results = RecipeSerializer(many=True)
