"""Lengths of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from dataengine.columns import durations
from dataengine.columns.fields import DurationField
from dataengine.columns.types.aspects import LIMITS, CellRefused, Parameters, Recognition
from dataengine.columns.types.base import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

CLOCK_PATTERN = r"-?[0-9]{1,9}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_DAYS_PATTERN = r"-?[0-9]{1,6} days?,? [0-2]?[0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_SECONDS = r"[0-9]{1,6}(?:\.[0-9]{1,6})?S"
_MINUTES = rf"[0-9]{{1,6}}M(?:{_SECONDS})?"
# Something has to follow: PT alone is Portugal.
_ISO_PATTERN = rf"-?P(?:[0-9]{{1,6}}D)?T(?:[0-9]{{1,6}}H(?:{_MINUTES}|{_SECONDS})?|{_MINUTES}|{_SECONDS})"
DURATION_PATTERN = rf"^(?:{CLOCK_PATTERN}|{_DAYS_PATTERN}|{_ISO_PATTERN})$"
"""What is surely meant as a length of time. 1:30 may be a time of day or a score, and 90 min a text: a user can say."""
_WITHIN = {
    durations.TOO_FINE: "at most 6 decimals of a second",
    durations.TOO_LONG: "a length of time below 292,000 years",
}


class Duration(ColumnType):
    """A length of time, to the microsecond; in PostgreSQL an ``interval`` of hours, minutes and seconds."""

    name, label = "duration", "Duration"
    word, icon = "duration", "hourglass"
    sample = "1:30:00"
    group = "Date and time"
    sql_names = ("DURATION", "INTERVAL")
    postgres = "interval"
    json_forms = (("string", "duration"),)
    condition_words = {"gt": "is longer than", "lt": "is shorter than", "gte": "is at least", "lte": "is at most"}
    is_searched_as_value = True
    represent = staticmethod(durations.iso)
    kernel = "duration"
    expected = "a length of time like 1:30:00, 90 min or PT1H30M"
    recognition = Recognition("durations", 61, "a length of time", pattern=DURATION_PATTERN)
    look = "figures"
    constraints = LIMITS
    cell_text = staticmethod(durations.written)
    editor_text = staticmethod(durations.written)
    input_attributes = {"placeholder": "1:30:00"}
    chart = "durations"
    # PostgreSQL writes hours with two digits at least.
    csv_sql = (
        "CASE WHEN {0} >= '10:00' OR {0} <= '-10:00' THEN {0}::text WHEN {0} >= '0:00' THEN substr({0}::text, 2)"
        " ELSE '-' || substr({0}::text, 3) END"
    )
    # As ``durations.iso`` writes it: the clock with the names of its parts, and then without those that are zero.
    json_sql = (
        "CASE WHEN {0} < '0:00' THEN '-PT' WHEN {0} >= '0:00' THEN 'PT' END"
        " || coalesce(nullif(regexp_replace(regexp_replace({0}::text,"
        " '^-?0*([0-9]+):0?([0-9]+):0?([0-9].*)$', '\\1H\\2M\\3S'), '(?<![0-9.])0[HMS]', '', 'g'), ''), '0S')"
    )
    is_cast_to_text = False
    checked = frozenset({"time"})

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return DurationField(**options)

    def default_sql(self, literal: str, parameters: Parameters) -> str:
        return durations.written(durations.read(literal))

    def limit(self, value: Any) -> Any:
        return durations.read(value)

    def to_text(self) -> Any:
        return durations.written

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.duration("us")

    def read_cell(self, text: str, parameters: Parameters) -> Any:
        try:
            # As a number, since Arrow cannot take in the most negative timedeltas that it can hold.
            return durations.read(text) // durations.MICROSECOND
        except durations.OutOfRange as error:
            raise CellRefused("out_of_range", _WITHIN[str(error)]) from error

    @staticmethod
    def why_not(text: str) -> str:
        try:
            durations.read(text)
        except durations.NotADuration as error:
            said = str(error).rstrip(".")
            return "" if str(error) == durations.UNREADABLE else said[0].lower() + said[1:]
        return ""
