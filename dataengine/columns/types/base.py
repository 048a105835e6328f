"""What a column type is: one class that defines everything about it, so that nothing else has to guess.

If an aspect needs something from above ``columns`` (Arrow kernels, SQL, HTML), the class names a family, and the one
module that has the means looks it up; or a method imports a library when it is called. Web processes import this
module, so nothing here loads numpy or pyarrow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, LiteralString

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinLengthValidator, MinValueValidator
from django.db import models

from dataengine.columns.schema_faults import Fault
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
    """An entry of the registry, grouped by what is asked of it. A new type overrides what differs from these defaults.

    The default is a type whose values Django's field reads and people write as text: it is shown as that text, edited
    in one line, and compared and sorted by PostgreSQL; cells of files are read one by one (``read_cell``).
    """

    # Names ---------------------------------------------------------------------------------------------------------

    name: ClassVar[str]
    """Stored in the catalog."""
    label: ClassVar[str]
    """Shown to users."""
    word: ClassVar[str] = ""
    """The label where there is little room: at the heads of the grid."""
    icon: ClassVar[str] = "letter-case"
    """The icon beside that word, by its name in the console's sprite."""
    group: ClassVar[str] = "Other"
    """What it is for: the heading under which users choose it."""
    sample: ClassVar[str] = ""
    """A value as people would write it, shown where the type is chosen."""
    sql_names: ClassVar[tuple[str, ...]]
    """The SQL-style spellings; the first is the one shown."""
    arguments: ClassVar[tuple[str, ...]] = ()
    """The parameters that may follow in parentheses, in order."""
    details: ClassVar[tuple[str, str] | None] = None
    """How a form asks for the parameters: the label of the field, and an example."""

    @property
    def can_be_indexed(self) -> bool:
        """Whether a column can have an index: for its order, or to find what its lists hold."""
        return self.can_be_sorted or self.is_list

    @property
    def is_searched_as_text(self) -> bool:
        """Whether a search looks for parts of its texts."""
        return self.is_text or self.is_list

    @property
    def noun(self) -> str:
        """What messages call a column of this type."""
        return self.label

    def sql_text(self, parameters: Parameters) -> str:
        """The SQL-style type without modifiers: ``VARCHAR(20)``."""
        values = [str(parameters[name]) for name in self.arguments if parameters.get(name) is not None]
        return f"{self.sql_names[0]}({','.join(values)})" if values else self.sql_names[0]

    def sql_text_with(self, details: str) -> str:
        """The SQL-style type with what was typed in a form's field for its details."""
        return f"{self.sql_names[0]}({details})" if details else self.sql_names[0]

    def read_parameters(self, reader: ParameterReader) -> dict[str, Any]:
        """Read the parameters after the type's name. Raises InvalidInput."""
        if not reader.has_list():
            return {}
        if not self.arguments:
            raise reader.refuse(f"{self.sql_names[0]} has no parameters in parentheses.")
        values = reader.listed()
        if len(values) > len(self.arguments) or any(not (k == "number" and v.isdecimal()) for k, v in values):
            raise reader.refuse(f"{self.sql_names[0]} needs {' and '.join(self.arguments)} as whole numbers.")
        sizes = dict(zip(self.arguments, [int(value) for _, value in values], strict=False))
        return dict(self.checked_sizes(sizes, reader))

    def checked_sizes(self, sizes: dict[str, int], reader: ParameterReader) -> dict[str, int]:
        """The numbers in parentheses, completed. Raises InvalidInput if they are out of bounds."""
        return sizes

    # In PostgreSQL and in models -----------------------------------------------------------------------------------

    postgres: ClassVar[str]
    """The type in DDL, without parameters."""
    is_text: ClassVar[bool] = False
    """Whether PostgreSQL stores it as text, where '' is a value."""
    is_reference: ClassVar[bool] = False
    is_list: ClassVar[bool] = False
    """Whether a value is an array of texts."""
    can_be_unique: ClassVar[bool] = True
    unique_ignores_case: ClassVar[bool] = False
    """Whether unique columns of this type ignore case by default."""
    can_be_sorted: ClassVar[bool] = True
    """Whether its values have an order, so that a column can be sorted and have an index."""
    can_name_records: ClassVar[bool] = False
    """Whether the first column of this type labels a record."""
    constraints: ClassVar[frozenset[str]] = frozenset()
    """The keywords of JSON Schema that can constrain a column of this type."""
    minimum: ClassVar[int | None] = None
    maximum: ClassVar[int | None] = None

    def postgres_type(self, parameters: Parameters) -> str:
        """The type in DDL. Made only of texts of the class and of integers, so it is safe as SQL."""
        return self.postgres

    def cast_type(self, parameters: Parameters) -> str:
        """The type to which a value's text is cast before it is assigned to the column."""
        # An explicit cast to varchar(n) would silently cut a text short; an assignment refuses it.
        return "text" if self.is_text else self.postgres_type(parameters)

    def choices(self, parameters: Parameters) -> Sequence[str] | None:
        """The only texts that the column accepts; None if it is not about choices."""
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
        """A Django field for a column named ``name``; the caller decides to which attribute it is bound."""
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
        """Validators for what Python can decide; ``pattern`` is left to PostgreSQL and RE2 (no backtracking)."""
        validators: list[Any] = []
        if "minimum" in constraints:
            validators.append(MinValueValidator(self.limit(constraints["minimum"])))
        if "maximum" in constraints:
            validators.append(MaxValueValidator(self.limit(constraints["maximum"])))
        if "minLength" in constraints:
            validators.append(MinLengthValidator(constraints["minLength"]))
        return validators

    def faults_within(self, value: Any, constraints: Parameters) -> Sequence[Fault]:
        """What the constraints forbid in parts of a value that is otherwise one of the column's."""
        return ()

    def limit(self, value: Any) -> Any:
        """A limit in the form in which values are compared with it."""
        return value

    def default_value(self, field: models.Field[Any, Any], literal: str) -> Any:
        """The literal of a default as a Python value. Raises ValidationError (Django's) or ValueError."""
        return field.clean(literal, None)

    def default_sql(self, literal: str, parameters: Parameters) -> str:
        """The literal of a default as PostgreSQL reads it as the same value."""
        return literal

    # Values in filters, searches and the API -----------------------------------------------------------------------

    lookups: ClassVar[tuple[str, ...]] = ORDERED
    """The lookups of filters."""
    orm_lookups: ClassVar[Mapping[str, str]] = {}
    """What Django calls lookups for which it has another name."""
    condition_words: ClassVar[Mapping[str, str]] = {}
    """Words for lookups that differ from those of other types."""
    is_searched_as_value: ClassVar[bool] = False
    """Whether a search looks for exactly this value; in texts it looks for parts."""
    represent: Represent | None = None
    """Turns a value into JSON; None if it already is."""

    def parse(self, field: models.Field[Any, Any], value: object) -> Any:
        """``value`` (text, or a JSON scalar) as a Python value. Raises ValidationError."""
        if not str(value).strip():
            raise ValidationError("Give a value.")
        return field.to_python(str(value).strip())

    def parse_value(self, field: models.Field[Any, Any], value: object) -> Any:
        """Like ``parse``, for anything that might have been sent."""
        if isinstance(value, list | dict) or value is None:
            raise ValidationError("Give one value.")
        if "\0" in str(value):
            raise ValidationError("Null characters are not allowed.")
        return self.parse(field, value)

    def parse_operand(self, field: models.Field[Any, Any], value: object, lookup: str) -> Any:
        """What a lookup compares with, as PostgreSQL needs it."""
        return self.comparable(field, self.parse_value(field, value))

    def parse_searched(self, field: models.Field[Any, Any], text: str) -> Any:
        """The value that a search for ``text`` means. Raises ValidationError if the column cannot have it."""
        return self.parse_value(field, text)

    def comparable(self, field: models.Field[Any, Any], value: Any) -> Any:
        """``value`` as PostgreSQL needs it for a comparison with the column that changes neither."""
        return value

    def operand(self, field: models.Field[Any, Any], value: Any) -> Any:
        """``comparable`` as an expression of its own."""
        return models.Value(value, field)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        """The field of the API's input; ``options`` are the framework's options for the model field."""
        from dataengine.columns.api_fields import parsed_field

        return parsed_field(lambda value: self.parse_value(field, value), options)

    def sure_test(self, parameters: Parameters) -> Callable[[Any], bool] | None:
        """A test whether a JSON value is certainly valid for the column as it is; None if it is not that simple.

        Ten thousand records of a bulk call have a hundred thousand values: asking the framework about each takes most
        of the time of such a call (measured), and most are plain numbers and texts.
        """
        return None

    def to_text(self) -> Represent | None:
        """Turns a value into JSON whose text PostgreSQL reads as exactly the same value; None if it already is."""
        return self.represent

    # Cells of files ------------------------------------------------------------------------------------------------

    kernel: ClassVar[Kernel] = "cells"
    """The kernel that converts cells (``imports/converting/conversion.py``); ``cells`` means ``read_cell``."""
    expected: ClassVar[str] = "a value of the column's type"
    """What a cell should have been, in messages: "expected …, found “abc”"."""
    pattern: ClassVar[str | None] = None
    """The pattern for the kernel ``pattern``, for RE2 and Python alike."""
    has_date: ClassVar[bool] = False
    has_clock: ClassVar[bool] = False
    has_zone: ClassVar[bool] = False
    equality: ClassVar[Equality] = "bytes"
    """When converted values are equal (``imports/converting/repeats.py``), if not by their bytes."""
    recognition: ClassVar[Recognition | None] = None
    """How columns of a new table are recognised as this type; None if only a user can choose it."""

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        """The Arrow type of converted values, from which COPY is written.

        ``binary`` is for types that Arrow lacks: the values are bytes in PostgreSQL's binary COPY format.
        """
        import pyarrow as pa

        return pa.string() if self.is_text else pa.binary()

    def read_cell(self, text: str, parameters: Parameters) -> Any:
        """Read a cell, stripped, as a value of ``arrow_type``. Raises ValueError; see ``CellRefused``."""
        return text

    @staticmethod
    def why_not(text: str) -> str:
        """What is wrong with a text that is not a value of this type; '' if that is obvious."""
        return ""

    def is_recognised(self, text: str) -> bool:
        """Whether a cell has this type, if ``recognition`` is by ``cells``."""
        try:
            self.read_cell(text, {})
        except ValueError:
            return False
        return True

    def copy_encoder(self, field: pa.Field) -> Any | None:
        """pgpq's encoder for converted values; None for the default of the Arrow type."""
        return None

    def limits_need_postgres(self, parameters: Parameters) -> bool:
        """Whether only PostgreSQL can compare converted values with limits."""
        return False

    # JSON Schema ---------------------------------------------------------------------------------------------------

    json_forms: ClassVar[tuple[tuple[str, str | None], ...]] = ()
    """The pairs (type, format) in JSON Schema that become this type; a list of texts has the type ``enum``."""

    def json_schema(self, parameters: Parameters) -> dict[str, Any]:
        """What JSON Schema says of a value as the API takes and shows it; of one that is there."""
        if not self.json_forms:
            return {"type": "string"} if self.is_text else {}
        json_type, json_format = self.json_forms[0]
        return {"type": json_type} | ({"format": json_format} if json_format is not None else {})

    def narrowed(self, constraints: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The type, with parameters, that implies some of ``constraints``; these are removed from there."""
        return self.name, {}

    # In the console ------------------------------------------------------------------------------------------------

    look: ClassVar[Look] = "text"
    """The CSS class of its cells."""
    cell_text: Callable[[Any], str] = staticmethod(str)
    """Formats a value for a cell."""
    editor_text: Callable[[Any], str] = staticmethod(str)
    """Formats a value as text that is read back as the same value."""
    holds_lines: ClassVar[bool] = False
    """Whether a text may contain line breaks, which a single-line input would drop."""
    editor_lines: ClassVar[int] = 1
    """How many lines an editor shows at least. In one of several, Enter begins a new line."""
    input_attributes: ClassVar[Mapping[str, str]] = {}
    """Attributes of the form's input. ``data-picker`` makes fields.js add a calendar."""

    def options(self, parameters: Parameters) -> Sequence[tuple[str, str]] | None:
        """The values to choose from, with their labels; None if a value is typed."""
        chosen = self.choices(parameters)
        return None if chosen is None else [(choice, choice) for choice in chosen]

    def from_editor(self, text: str) -> Any:
        """What was typed, in the form that the record services accept. Raises ValidationError."""
        return text

    # Profiles and charts -------------------------------------------------------------------------------------------

    chart: ClassVar[Chart] = ""
    """The chart of a column: its commonest ``values``, or a kind of histogram."""
    finite: ClassVar[Finite] = "values"
    """Which values can be drawn: all, all but infinite numbers, or all but infinite moments."""
    has_few_values: ClassVar[bool] = False
    """Whether the type itself allows only few values, so that each gets a bar."""
    value_sql: ClassVar[LiteralString] = "{}::text"
    """SQL that writes the value ``{}`` for a bar and for the bar's filter."""
    value_words: ClassVar[Mapping[str, str]] = {}
    """Labels for values as ``value_sql`` writes them."""
    told_value: ClassVar[str] = ""
    """The value whose share is shown under the chart; '' shows the number of different values."""

    # Exports -------------------------------------------------------------------------------------------------------

    csv_sql: ClassVar[LiteralString] = "{}"
    """SQL that writes the value ``{}`` to CSV."""
    json_sql: ClassVar[LiteralString] = "{}"
    """SQL that writes it to JSON, like the API."""
    may_be_formula: ClassVar[bool] = False
    """Whether a spreadsheet may take a text for a formula."""
    sheet_text: Represent | None = None
    """Formats a value for a workbook if it is always text there; None if it may be a number, date or boolean."""

    def may_be_long(self, parameters: Parameters) -> bool:
        """Whether a value may have more characters than a cell of a workbook can hold."""
        return self.is_text

    # Changing a column's type --------------------------------------------------------------------------------------

    lossless: ClassVar[frozenset[str]] = frozenset()
    """The types that hold every value of this type exactly."""
    is_cast_to_text: ClassVar[bool] = True
    """Whether PostgreSQL's own text of a value is what ``csv_sql`` writes; if not, it is written anew."""
    checked: ClassVar[frozenset[str]] = frozenset()
    """The types that may hold values of this type: each value has to be checked."""

    def holds_all(self, old: Parameters, new: Parameters) -> bool:
        """Whether every value of this type with the parameters ``old`` is one with ``new``."""
        return old == new

    def is_stored_alike(self, old: Parameters, new: Parameters) -> bool:
        """Whether PostgreSQL then keeps these values as they are stored, looking at none of them."""
        return self.postgres_type(old) == self.postgres_type(new)

    def change_into(self, other: ColumnType, parameters: Parameters) -> Change:
        """What it takes to change a column of this type to ``other`` with ``parameters``."""
        if other.name in self.lossless or (other.name == "text" and self.is_cast_to_text):
            is_narrow = any(parameters.get(name) is not None for name in other.arguments)
            return "checked" if is_narrow else "lossless"
        # A text may represent a value of any type, and any value can be written as text.
        return "checked" if self.is_text or other.is_text or other.name in self.checked else "refused"
