"""Several texts in one value: any, or some of those that the column offers. PostgreSQL stores both as ``text[]``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models

from dataengine.columns import text_lists
from dataengine.columns.types.aspects import ApiField, Parameters, Represent
from dataengine.columns.types.base import ColumnType
from dataengine.columns.types.choice import Offering

if TYPE_CHECKING:
    import pyarrow as pa


class TextList(ColumnType):
    """What lists of texts share. Their order is kept; none of the texts is NULL."""

    postgres = "text[]"
    is_list = True
    can_be_unique = False
    can_be_sorted = False
    lookups: ClassVar[tuple[str, ...]] = ("contains", "in", "exact", "ne", "isnull")
    orm_lookups = {"in": "overlap"}
    condition_words = {"contains": "has", "in": "has any of", "exact": "is exactly", "ne": "is not exactly"}
    kernel = "texts"
    expected = text_lists.EXPECTED
    look = "chips"
    holds_lines = True
    cell_text = staticmethod(", ".join)
    editor_text = staticmethod(text_lists.written)
    chart = "items"
    csv_sql = "to_json({})"
    is_cast_to_text = False
    sheet_text = staticmethod(text_lists.as_json)

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        from django.contrib.postgres.fields import ArrayField

        chosen = self.choices(parameters)
        return ArrayField(models.TextField(choices=None if chosen is None else [(c, c) for c in chosen]), **options)

    def default_value(self, field: models.Field[Any, Any], literal: str) -> Any:
        return partial(list, self.parse_value(field, literal))  # fresh each time: lists can be changed in place

    def default_sql(self, literal: str, parameters: Parameters) -> str:
        return text_lists.literal(text_lists.read(literal, self.choices(parameters) or ()))

    def parse_value(self, field: models.Field[Any, Any], value: object) -> Any:
        """An array, or a text that lists what the column takes."""
        chosen = [choice for choice, _ in field.base_field.choices or ()]  # type: ignore[attr-defined]
        with _refusing():
            items = text_lists.checked(text_lists.read(value, chosen) if isinstance(value, str) else value)
            return text_lists.offered(items, chosen) if chosen else items

    def parse_operand(self, field: models.Field[Any, Any], value: object, lookup: str) -> Any:
        """Filters may name what the column does not offer (any more)."""
        with _refusing():
            if lookup == "in":
                return text_lists.checked([value])[0]
            if isinstance(value, str):
                value = text_lists.read(value) if lookup == "exact" else text_lists.one_or_array(value)
            return text_lists.checked(value)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from dataengine.columns.api_fields import parsed_field

        def parse(value: Any) -> Any:
            if isinstance(value, str):  # which might be meant as one item, or as a list of several
                raise ValidationError("Give an array of texts.")
            return self.parse_value(field, value)

        return parsed_field(parse, options)

    def to_text(self) -> Represent | None:
        return text_lists.literal

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.list_(pa.string())

    def from_editor(self, text: str) -> Any:
        with _refusing():
            return text_lists.read(text)

    def may_be_long(self, parameters: Parameters) -> bool:
        return True


class Texts(TextList):
    """Any texts."""

    name, label = "texts", "List of texts"
    word, icon = "list", "list"
    sample = "new; on sale"
    group = "Text"
    sql_names = ("TEXT[]", "TEXT ARRAY", "VARCHAR[]")
    checked = frozenset({"choices", "json", "jsonb"})

    def json_schema(self, parameters: Parameters) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}}

    def sure_test(self, parameters: Parameters) -> Callable[[Any], bool] | None:
        return lambda value: (
            type(value) is list and all(type(item) is str and item.isascii() and "\0" not in item for item in value)
        )


class Choices(Offering, TextList):
    """Some of the texts that the column offers, none of them twice."""

    name, label = "choices", "Several choices"
    word, icon = "choices", "list-check"
    sample = "red and green"
    sql_names = ("CHOICES",)
    has_few_values = True
    lossless = frozenset({"texts"})
    checked = frozenset({"json", "jsonb"})

    def json_schema(self, parameters: Parameters) -> dict[str, Any]:
        return {"type": "array", "items": {"enum": list(parameters["choices"])}, "uniqueItems": True}

    def sure_test(self, parameters: Parameters) -> Callable[[Any], bool] | None:
        offered = frozenset(parameters["choices"])

        def is_sure(value: Any) -> bool:
            is_list = type(value) is list and all(type(item) is str for item in value)
            return is_list and offered.issuperset(value) and len(set(value)) == len(value)

        return is_sure


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except text_lists.NotAList as error:
        raise ValidationError(str(error)) from error
