"""Yes and no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models

from dataengine.columns import values
from dataengine.columns.types.aspects import EQUALITY, ApiField, Parameters, Recognition
from dataengine.columns.types.base import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

PAIRS = (
    ("true", "false"), ("yes", "no"), ("ja", "nein"), ("wahr", "falsch"), ("oui", "non"), ("vrai", "faux"),
    ("sí", "no"), ("si", "no"), ("verdadero", "falso"), ("sì", "no"), ("vero", "falso"), ("sim", "não"),
    ("sim", "nao"), ("verdadeiro", "falso"), ("ja", "nee"), ("waar", "onwaar"), ("ja", "nej"), ("tak", "nie"),
    ("prawda", "fałsz"), ("да", "нет"), ("так", "ні"), ("ano", "ne"), ("áno", "nie"), ("igen", "nem"), ("da", "nu"),
    ("da", "ne"), ("evet", "hayır"), ("evet", "hayir"), ("kyllä", "ei"), ("ναι", "όχι"), ("ναι", "οχι"), ("是", "否"),
    ("はい", "いいえ"),
)  # fmt: skip
"""Words for yes and no, in lower case."""
TRUE_WORDS = (
    "true", "t", "yes", "y", "on", "1", "1.0", "x", "j", "s", "o", "v", "✓", "✔", "☑", "checked",
    *(true for true, _ in PAIRS),
)  # fmt: skip
FALSE_WORDS = ("false", "f", "no", "n", "off", "0", "0.0", "✗", "✘", "☐", "unchecked", *(false for _, false in PAIRS))
"""The words accepted in cells of a column that is known to have this type."""
_NO_EVIDENCE = tuple(word for word in TRUE_WORDS + FALSE_WORDS if all(word not in pair for pair in PAIRS))


class Boolean(ColumnType):
    """Yes or no."""

    name, label = "boolean", "Yes / no"
    word, icon = "yes / no", "checkbox"
    group = "Yes or no"
    sample = "yes"
    sql_names = ("BOOLEAN", "BOOL")
    postgres = "boolean"
    json_forms = (("boolean", None),)
    lookups = EQUALITY
    kernel = "boolean"
    expected = "true or false"
    recognition = Recognition("words", 40, "true or false", pairs=PAIRS, accepted=_NO_EVIDENCE)
    chart = "values"
    has_few_values = True
    value_words = {"true": "yes", "false": "no"}
    told_value = "true"
    csv_sql = "{}::text"

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.BooleanField(**options)

    def default_value(self, field: models.Field[Any, Any], literal: str) -> Any:
        return values.parse_boolean(literal)

    def parse(self, field: models.Field[Any, Any], value: object) -> Any:
        return values.parse_boolean(value)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from dataengine.columns.api_fields import BooleanField

        return BooleanField(**options)

    def sure_test(self, parameters: Parameters) -> Callable[[Any], bool] | None:
        return lambda value: value is True or value is False

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.bool_()

    @staticmethod
    def cell_text(value: bool) -> str:
        return "yes" if value else "no"

    @staticmethod
    def editor_text(value: bool) -> str:
        return "true" if value else "false"

    def options(self, parameters: Parameters) -> Sequence[tuple[str, str]] | None:
        return [("true", "yes"), ("false", "no")]
