"""Text of any kind: plain, of a limited length, and e-mail and web addresses."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from dataengine.columns.types.aspects import LENGTHS, TEXTUAL, ApiField, Chart, ParameterReader, Parameters
from dataengine.columns.types.base import ColumnType
from dataengine.exceptions import shown

# One pattern for each of these, written so that Python's re, RE2 (CSV cells) and readers agree on its meaning.
# Letters and signs of any script; no spaces, quotation marks and other punctuation, nothing invisible.
_WIDE = "¡-\u167f\u1681-\u1fff\u2070-\u2fff\u3005-\ud7ff\uf900-\ufdff\ufe10-\ufefc\uff10-\uffef\U00010000-\U0003ffff"
_LABEL = rf"[A-Za-z0-9{_WIDE}](?:[A-Za-z0-9{_WIDE}-]*[A-Za-z0-9{_WIDE}])?"
EMAIL_PATTERN = rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~{_WIDE}-]+@{_LABEL}(?:\.{_LABEL})+$"
URL_PATTERN = r"^(?:[hH][tT][tT][pP][sS]?|[fF][tT][pP])://[^\s/?#@]+(?:@[^\s/?#@]+)?(?:[/?#]\S*)?$"

MAX_LENGTH = 10_485_760
"""PostgreSQL's own limit for varchar(n)."""


class TextType(ColumnType):
    """What all texts share."""

    group = "Text"
    postgres = "text"
    is_text = True
    can_name_records = True
    constraints = LENGTHS
    lookups: ClassVar[tuple[str, ...]] = TEXTUAL
    chart: ClassVar[Chart] = "values"
    may_be_formula = True

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.TextField(**options)

    def parse(self, field: models.Field[Any, Any], value: object) -> Any:
        return str(value)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from dataengine.columns.api_fields import TextField

        return TextField(**options)


class PlainText(TextType):
    """Any text, unchanged."""

    kernel = "text"
    holds_lines = True

    def sure_test(self, parameters: Parameters) -> Callable[[Any], bool] | None:
        longest = parameters.get("length") or math.inf
        return lambda value: type(value) is str and len(value) <= longest and value.isascii() and "\0" not in value


class Text(PlainText):
    """Text of any length."""

    name, label = "text", "Text"
    word, icon = "text", "letter-case"
    sample = "any words"
    sql_names = ("TEXT",)
    json_forms = (("string", None),)
    lossless = frozenset({"longtext"})

    def narrowed(self, constraints: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if 1 <= constraints.get("maxLength", 0) <= MAX_LENGTH:
            return Varchar.name, {"length": int(constraints.pop("maxLength"))}
        return self.name, {}


class Varchar(PlainText):
    """Text of a limited length."""

    name, label = "varchar", "Short text"
    word, icon = "text", "letter-case"
    sample = "Ann Lee"
    sql_names = ("VARCHAR", "CHARACTER VARYING")
    postgres = "varchar"
    lossless = frozenset({"longtext"})
    arguments = ("length",)
    details = ("Length", "120")

    def checked_sizes(self, sizes: dict[str, int], reader: ParameterReader) -> dict[str, int]:
        if not 1 <= sizes["length"] <= MAX_LENGTH:
            raise reader.refuse(f"The length must be between 1 and {MAX_LENGTH}.")
        return sizes

    def postgres_type(self, parameters: Parameters) -> str:
        length = parameters.get("length")
        return f"varchar({int(length)})" if length else "varchar"

    def json_schema(self, parameters: Parameters) -> dict[str, Any]:
        length = parameters.get("length")
        return {"type": "string"} | ({"maxLength": length} if length else {})

    def holds_all(self, old: Parameters, new: Parameters) -> bool:
        longest = new.get("length")
        return not longest or (old.get("length") or math.inf) <= longest

    def is_stored_alike(self, old: Parameters, new: Parameters) -> bool:
        return self.holds_all(old, new)

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.CharField(max_length=parameters.get("length"), **options)


class LongText(PlainText):
    """Text of many lines: notes, descriptions. Its editor has lines, and it is no name of a record."""

    name, label = "longtext", "Long text"
    word, icon = "long text", "align-left"
    sample = "a note of several lines"
    sql_names = ("LONGTEXT", "LONG TEXT")
    can_name_records = False
    editor_lines = 6
    chart = ""


class AddressCheck(RegexValidator):
    """Refuses texts that are not addresses, and tells why."""

    def __init__(self, kind: Address) -> None:
        super().__init__(kind.pattern.removesuffix("$") + r"\Z", kind.invalid)
        self.kind = kind

    def __call__(self, value: object) -> None:
        try:
            super().__call__(value)
        except ValidationError as error:
            reason = self.kind.why_not(str(value))
            if not reason:
                raise
            raise ValidationError(f"{self.kind.invalid} The problem: {reason}.", code="invalid") from error


class Address(TextType):
    """Text that matches a pattern as a whole."""

    kernel = "pattern"
    pattern: ClassVar[str]
    invalid: ClassVar[str]
    """The message for a text that does not match."""

    @staticmethod
    def why_not(text: str) -> str:
        return "it has a space in it" if re.search(r"\s", text.strip()) else ""

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        validators = [AddressCheck(self), *options.pop("validators", ())]
        return models.TextField(validators=validators, **options)


class Email(Address):
    """An e-mail address."""

    name, label = "email", "Email"
    word, icon = "email", "at"
    group = "Contact"
    sample = "ann@example.com"
    sql_names = ("EMAIL",)
    json_forms = (("string", "email"),)
    pattern = EMAIL_PATTERN
    expected = "an e-mail address"
    invalid = "Enter a valid email address."
    unique_ignores_case = True
    input_attributes = {"inputmode": "email"}

    @staticmethod
    def why_not(text: str) -> str:
        text = text.strip()
        if text.lower().startswith("mailto:"):
            return "leave out “mailto:”"
        if re.search(r"[<>]", text):
            return "give the address alone, without the name and without < and >"
        if re.search(r"[,;]", text):
            return "give one address only"
        if text.count("@") != 1:
            return "it has no @" if "@" not in text else "it has more than one @"
        person, domain = text.split("@")
        if not person or not domain:
            return "something is missing before the @" if not person else "the domain is missing after the @"
        if "." not in domain.strip("."):
            return f"the domain “{domain}” has no dot in it"
        return Address.why_not(text) or "it contains a character that is not allowed there"


class Url(Address):
    """A web address."""

    name, label = "url", "Web address"
    word, icon = "address", "world"
    group = "Contact"
    sample = "https://example.com"
    sql_names = ("URL",)
    json_forms = (("string", "uri"), ("string", "url"))
    pattern = URL_PATTERN
    expected = "a web address with http:// or https://"
    invalid = "Enter a valid URL, with http:// or https://."
    input_attributes = {"inputmode": "url", "placeholder": "https://"}
    may_be_formula = False

    @staticmethod
    def why_not(text: str) -> str:
        scheme, found, _ = text.strip().partition("://")
        if not found:
            return "http:// or https:// is missing at the beginning"
        if scheme.lower() not in ("http", "https", "ftp"):
            return f"it begins with {shown(scheme, 20)}://"
        return Address.why_not(text) or f"the name of the server after {scheme}:// is missing or wrong"
