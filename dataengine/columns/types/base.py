"""What a column type is: one class that says everything of it, and nothing that it leaves for others to guess.

Where an aspect needs what stands above ``columns`` (Arrow kernels, SQL, HTML), the class names a family, and the one
module that has the means turns the name into them; or a method imports a library when it is called. Web processes
import this, so nothing here loads numpy or pyarrow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, LiteralString

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinLengthValidator, MinValueValidator
from django.db import models

from dataengine.columns.types.aspects import (
    ORDERED,
    ApiField,
    Change,
    Chart,
    Equality,
    Finite,
    Kernel,
    Look,
    ParameterReader,
    Parameters,
    Recognition,
    Represent,
)

if TYPE_CHECKING:
    import pyarrow as pa


class ColumnType(ABC):
    """One entry of the registry, by what is asked of it. A new type says what differs from what stands here.

    Such a type has values that Django's field reads and that people write as text: it is shown as that, edited in one
    line, compared and sorted by PostgreSQL; cells of files are read one by one (``read_cell``).
    """

    # Names ---------------------------------------------------------------------------------------------------------

    name: ClassVar[str]
    """Stored in the catalog."""
    label: ClassVar[str]
    """What people read."""
    group: ClassVar[str] = "Other"
    """Under which heading it stands where types are chosen."""
    sql_names: ClassVar[tuple[str, ...]]
    """The SQL-style spellings; the first one is written back."""
    arguments: ClassVar[tuple[str, ...]] = ()
    """The parameters that may stand in parentheses, in their order."""
    details: ClassVar[tuple[str, str] | None] = None
    """How a form asks for the parameters: what the field is called, and an example."""

    @property
    def noun(self) -> str:
        """What messages call a column of it."""
        return self.label

    def sql_text(self, parameters: Parameters) -> str:
        """The type as people write it, without modifiers: ``VARCHAR(20)``."""
        values = [str(parameters[name]) for name in self.arguments if parameters.get(name) is not None]
        return f"{self.sql_names[0]}({','.join(values)})" if values else self.sql_names[0]

    def sql_text_with(self, details: str) -> str:
        """The type as people write it, with what somebody put in a form's field for its details."""
        return f"{self.sql_names[0]}({details})" if details else self.sql_names[0]

    def read_parameters(self, reader: ParameterReader) -> dict[str, Any]:
        """What stands behind the type's name. Raises InvalidInput."""
        if not reader.has_list():
            return {}
        if not self.arguments:
            raise reader.refuse(f"{self.sql_names[0]} takes nothing in parentheses.")
        values = reader.listed()
        if len(values) > len(self.arguments) or any(not (k == "number" and v.isdecimal()) for k, v in values):
            raise reader.refuse(f"{self.sql_names[0]} takes {' and '.join(self.arguments)} as whole numbers.")
        sizes = dict(zip(self.arguments, [int(value) for _, value in values], strict=False))
        return dict(self.checked_sizes(sizes, reader))

    def checked_sizes(self, sizes: dict[str, int], reader: ParameterReader) -> dict[str, int]:
        """The numbers in parentheses, completed. Raises InvalidInput where they are out of bounds."""
        return sizes

    # In PostgreSQL and in models -----------------------------------------------------------------------------------

    postgres: ClassVar[str]
    """The type in DDL, without parameters."""
    is_text: ClassVar[bool] = False
    """Whether PostgreSQL keeps it as text, in which '' is a value."""
    is_reference: ClassVar[bool] = False
    can_be_unique: ClassVar[bool] = True
    can_be_sorted: ClassVar[bool] = True
    """Whether its values have an order: only then a column can be sorted, and have an index."""
    can_name_records: ClassVar[bool] = False
    """Whether the first column of it is what a record is called."""
    constraints: ClassVar[frozenset[str]] = frozenset()
    """The keywords of JSON Schema that a column of it can be constrained by."""
    minimum: ClassVar[int | None] = None
    maximum: ClassVar[int | None] = None

    def postgres_type(self, parameters: Parameters) -> str:
        """The type as DDL writes it. Of texts of the class and of integers only, so it is safe as SQL."""
        return self.postgres

    def cast_type(self, parameters: Parameters) -> str:
        """What a value's text is cast to before it is assigned to the column."""
        # An explicit cast to varchar(n) would cut a text short without a word; an assignment refuses it.
        return "text" if self.is_text else self.postgres_type(parameters)

    def choices(self, parameters: Parameters) -> Sequence[str] | None:
        """The only texts that the column takes; None where it is not about choices."""
        return None

    @abstractmethod
    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        """Django's model field."""

    def model_field(
        self,
        parameters: Parameters,
        *,
        name: str,
        label: str,
        required: bool,
        unique: bool,
        constraints: Parameters,
    ) -> models.Field[Any, Any]:
        """A Django field for a column named ``name``; the attribute it is bound to is the caller's affair."""
        options: dict[str, Any] = {
            "db_column": name,
            "verbose_name": label or name,
            "null": not required,
            # '' is a value in text columns and stays one; a missing value is NULL.
            "blank": not required or self.is_text,
            "unique": unique,
        }
        validators = self.validators(constraints)
        if validators:
            options["validators"] = validators
        return self.make_field(parameters, **options)

    def validators(self, constraints: Parameters) -> list[Any]:
        """Validators for what Python can decide; ``pattern`` is PostgreSQL's and RE2's affair (no backtracking)."""
        validators: list[Any] = []
        if "minimum" in constraints:
            validators.append(MinValueValidator(self.limit(constraints["minimum"])))
        if "maximum" in constraints:
            validators.append(MaxValueValidator(self.limit(constraints["maximum"])))
        if "minLength" in constraints:
            validators.append(MinLengthValidator(constraints["minLength"]))
        return validators

    def limit(self, value: Any) -> Any:
        """A limit as values of the type are compared with it."""
        return value

    def default_value(self, field: models.Field[Any, Any], literal: str) -> Any:
        """The literal of a default as a Python value. Raises django's ValidationError, or ValueError, for no value."""
        return field.clean(literal, None)

    # Values in filters, searches and the API -----------------------------------------------------------------------

    lookups: ClassVar[tuple[str, ...]] = ORDERED
    """How filters can compare it."""
    condition_words: ClassVar[Mapping[str, str]] = {}
    """By lookup: what people read, where that is not what they read of other types."""
    is_searched_as_value: ClassVar[bool] = False
    """Whether a search finds the records that have the very value; texts are searched for what they hold."""
    represent: Represent | None = None
    """Makes a value JSON; None where it is already."""

    def parse(self, field: models.Field[Any, Any], value: object) -> Any:
        """``value`` (text, or a JSON scalar) as a Python value. Raises ValidationError."""
        if not str(value).strip():
            raise ValidationError("Give a value.")
        return field.to_python(str(value).strip())

    def parse_value(self, field: models.Field[Any, Any], value: object) -> Any:
        """The same for anything that somebody may have sent."""
        if isinstance(value, list | dict) or value is None:
            raise ValidationError("Give one value.")
        if "\0" in str(value):
            raise ValidationError("Null characters are not allowed.")
        return self.parse(field, value)

    def parse_searched(self, field: models.Field[Any, Any], text: str) -> Any:
        """The value that a search for ``text`` means. Raises ValidationError where it can be none of the column's."""
        return self.parse_value(field, text)

    def comparable(self, field: models.Field[Any, Any], value: Any) -> Any:
        """``value`` as PostgreSQL has to see it to compare it with the column without changing either."""
        return value

    def operand(self, field: models.Field[Any, Any], value: Any) -> Any:
        """The same as an expression of its own."""
        return models.Value(value, field)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        """The field of the API's input; ``options`` are what the framework makes of the model field."""
        from dataengine.columns.api_fields import ParsedField

        # Others are for the framework's own field of that model field.
        taken = {name: options[name] for name in ("required", "allow_null", "source", "validators") if name in options}
        return ParsedField(parse=lambda value: self.parse_value(field, value), **taken)

    def sure_test(self, parameters: Parameters) -> Callable[[Any], bool] | None:
        """A test whether a JSON value is for certain one of the column's as it stands; None where that takes more.

        Ten thousand records of a bulk call hold a hundred thousand values: asking the framework about each takes most
        of the time of such a call (measured), and most are plain numbers and texts.
        """
        return None

    def to_text(self) -> Represent | None:
        """What makes a value JSON that PostgreSQL, given it as text, reads as exactly the same; None: it is already."""
        return self.represent

    # Cells of files ------------------------------------------------------------------------------------------------

    kernel: ClassVar[Kernel] = "cells"
    """What converts cells (``imports/converting/conversion.py``); ``cells`` is the type's own ``read_cell``."""
    expected: ClassVar[str] = "a value of the column's type"
    """What messages say that a cell should have been: "expected …, found “abc”"."""
    pattern: ClassVar[str | None] = None
    """What the kernel ``pattern`` matches, for RE2 and Python alike."""
    has_date: ClassVar[bool] = False
    has_clock: ClassVar[bool] = False
    has_zone: ClassVar[bool] = False
    equality: ClassVar[Equality] = "bytes"
    """What makes converted values equal (``imports/converting/repeats.py``), besides equal bytes."""
    recognition: ClassVar[Recognition | None] = None
    """How a new table's columns are recognised as of this type; None where only a person says so."""

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        """The Arrow type of converted values, from which COPY is written.

        ``binary`` is for a type that Arrow has not: its values are bytes, in the format of PostgreSQL's binary COPY.
        """
        import pyarrow as pa

        return pa.string() if self.is_text else pa.binary()

    def read_cell(self, text: str, parameters: Parameters) -> Any:
        """A cell, without spaces around it, as a value of ``arrow_type``. Raises ValueError; see ``CellRefused``."""
        return text

    @staticmethod
    def why_not(text: str) -> str:
        """What is wrong with a text that is none of its values; '' where that is plain to see."""
        return ""

    def is_recognised(self, text: str) -> bool:
        """Whether a cell is one of the type, where ``recognition`` goes by ``cells``."""
        try:
            self.read_cell(text, {})
        except ValueError:
            return False
        return True

    def copy_encoder(self, field: pa.Field) -> Any | None:
        """pgpq's encoder of converted values; None for the one that Arrow's type tells."""
        return None

    def limits_need_postgres(self, parameters: Parameters) -> bool:
        """Whether only PostgreSQL can compare converted values with limits."""
        return False

    # JSON Schema ---------------------------------------------------------------------------------------------------

    json_forms: ClassVar[tuple[tuple[str, str | None], ...]] = ()
    """The (type, format) in JSON Schema that become a column of this type; a list of texts has the type ``enum``."""

    def narrowed(self, constraints: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The type, and its parameters, that says some of ``constraints`` itself; takes those out."""
        return self.name, {}

    # In the console ------------------------------------------------------------------------------------------------

    look: ClassVar[Look] = "text"
    """The style of its cells."""
    cell_text: Callable[[Any], str] = staticmethod(str)
    """Writes a value in a cell."""
    editor_text: Callable[[Any], str] = staticmethod(str)
    """A value as the text that reads back as itself."""
    holds_lines: ClassVar[bool] = False
    """Whether a text may hold line breaks, which an input of one line would drop."""
    input_attributes: ClassVar[Mapping[str, str]] = {}
    """Attributes of the form's input. ``data-picker`` is for fields.js, which adds a calendar."""

    def options(self, parameters: Parameters) -> Sequence[tuple[str, str]] | None:
        """The values to choose from, with their words; None where a value is typed."""
        chosen = self.choices(parameters)
        return None if chosen is None else [(choice, choice) for choice in chosen]

    def from_editor(self, text: str) -> Any:
        """What was typed, as the record services take it. Raises ValidationError."""
        return text

    # Profiles and charts -------------------------------------------------------------------------------------------

    chart: ClassVar[Chart] = ""
    """What is drawn of a column: the commonest ``values``, or a histogram of that kind."""
    finite: ClassVar[Finite] = "values"
    """Which values have a place among others: all, or but infinite numbers, or but infinite moments."""
    has_few_values: ClassVar[bool] = False
    """Whether it has few values by what it is: then each of them is worth a bar."""
    value_sql: ClassVar[LiteralString] = "{}::text"
    """The value ``{}`` as SQL writes it for a bar and for the filter that the bar leads to."""
    value_words: ClassVar[Mapping[str, str]] = {}
    """By value as ``value_sql`` writes it: what people read."""
    told_value: ClassVar[str] = ""
    """The value whose share stands under the chart; '' for the number of different values."""

    # Exports -------------------------------------------------------------------------------------------------------

    csv_sql: ClassVar[LiteralString] = "{}"
    """The value ``{}`` as SQL writes it to CSV."""
    json_sql: ClassVar[LiteralString] = "{}"
    """The same for JSON, as the API shows it."""
    may_be_formula: ClassVar[bool] = False
    """Whether a spreadsheet may take a text for a formula."""
    sheet_text: Represent | None = None
    """Writes a value in a workbook, where it is always text; None where it may be a number, a date, a boolean."""

    def may_be_long(self, parameters: Parameters) -> bool:
        """Whether a value may have more characters than a workbook's cell holds."""
        return self.is_text

    # Changing a column's type --------------------------------------------------------------------------------------

    lossless: ClassVar[frozenset[str]] = frozenset()
    """The types that hold every value of this one, exactly."""
    checked: ClassVar[frozenset[str]] = frozenset()
    """The types that may hold a value of this one: each is looked at."""

    def change_into(self, other: ColumnType, parameters: Parameters) -> Change:
        """What it takes to make a column of this type one of ``other`` with ``parameters``."""
        if other.name in self.lossless | {"text"}:
            is_narrow = any(parameters.get(name) is not None for name in other.arguments)
            return "checked" if is_narrow else "lossless"
        # Whatever is text may be written as anything, and anything may be written as text.
        return "checked" if self.is_text or other.is_text or other.name in self.checked else "refused"
