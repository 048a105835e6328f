"""Recipes of a table: options of imports, kept under a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from dataengine import access
from dataengine.api import recipe_shapes as shapes
from dataengine.api.base import ApiView, Operation, checked
from dataengine.api.pagination import listing
from dataengine.api.serializers import PageQuery
from dataengine.exceptions import InvalidInput
from dataengine.models import Recipe, Table
from dataengine.services import recipes


class _RecipeView(ApiView):
    """Who may see the table sees its recipes; who may import into it makes them."""

    def shown(self, found: Sequence[Recipe]) -> list[Any]:
        return [shapes.RecipeSerializer(one, context={"base_url": self.base_url()}).data for one in found]

    def content(self, table: Table, asked: dict[str, Any]) -> dict[str, Any]:
        """Options and headers, as given or from an import."""
        if ("import" in asked) == ("options" in asked):
            reason = "Give “options”, or an “import” to take them from."
            raise InvalidInput(reason, fields={"options": reason})
        if "import" not in asked:
            return {"options": asked["options"], "headers": asked.get("headers")}
        job = access.get_import(self.user, asked["import"])
        if job.table_id != table.pk or not job.findings:
            reason = f"Import {job.pk} is none into “{table.name}”."
            raise InvalidInput(reason, fields={"import": reason})
        options, headers = recipes.of_import(job)
        return {"options": options, "headers": asked.get("headers", headers)}


class RecipesView(_RecipeView):
    """Recipes of a table, which imports go by with the option `recipe`."""

    operations = {
        "get": Operation("list_recipes", "List recipes", shapes.RecipeList, query=PageQuery),
        "post": Operation("create_recipe", "Keep a recipe", shapes.RecipeSerializer, 201, body=shapes.NewRecipe),
    }

    def get(self, request: Request, **names: Any) -> Response:
        asked = checked(PageQuery, request.query_params.dict())
        found = self.table(names, "view").recipes.select_related("user", "table")
        return listing(request, found, self.shown, **asked)

    def post(self, request: Request, **names: Any) -> Response:
        table, asked = self.table(names, "edit"), checked(shapes.NewRecipe, self.body())
        recipe = recipes.keep_recipe(user=self.user, table=table, name=asked["name"], **self.content(table, asked))
        [data] = self.shown([recipe])
        return Response(data, status=201, headers={"Location": data["url"]})


class RecipeView(_RecipeView):
    """One recipe."""

    operations = {
        "get": Operation("get_recipe", "Show a recipe", shapes.RecipeSerializer),
        "put": Operation("put_recipe", "Write a recipe anew", shapes.RecipeSerializer, body=shapes.ChangeRecipe),
        "delete": Operation("delete_recipe", "Delete a recipe", None, 204),
    }

    def get(self, request: Request, **names: Any) -> Response:
        return Response(self.shown([recipes.get_recipe(self.table(names, "view"), names["name"])])[0])

    def put(self, request: Request, **names: Any) -> Response:
        table, asked = self.table(names, "edit"), checked(shapes.ChangeRecipe, self.body())
        recipe = recipes.get_recipe(table, names["name"])
        name = asked.get("name", recipe.name)
        content = self.content(table, asked)
        changed = recipes.keep_recipe(user=self.user, table=table, name=name, recipe=recipe, **content)
        return Response(self.shown([changed])[0])

    def delete(self, request: Request, **names: Any) -> Response:
        table = self.table(names, "edit")
        recipes.delete_recipe(user=self.user, recipe=recipes.get_recipe(table, names["name"]))
        return Response(status=204)
