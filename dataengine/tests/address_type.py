"""A column type that Tablekeep does not have: IP addresses over PostgreSQL's ``inet``. All in one class."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from dataengine.columns.types import ColumnType, register, unregister
from dataengine.columns.types.aspects import Parameters, Recognition

_IPV4, _IPV6 = 2, 3
"""PostgreSQL's numbers for address families in the binary format."""


class Address(ColumnType):
    """An IPv4 or IPv6 address."""

    name, label = "address", "IP address"
    sql_names = ("INET",)
    postgres = "inet"
    json_forms = (("string", "ipv4"), ("string", "ipv6"))
    expected = "an IPv4 or IPv6 address"
    recognition = Recognition("cells", 80, "an IP address")
    is_searched_as_value = True
    condition_words = {"lt": "comes before"}
    look = "figures"
    input_attributes = {"placeholder": "192.0.2.1"}
    chart = "values"
    value_sql = "host({})"

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.GenericIPAddressField(**options)

    def parse(self, field: models.Field[Any, Any], value: object) -> Any:
        try:
            return str(ip_address(str(value).strip()))
        except ValueError as error:
            raise ValidationError("Enter an IPv4 or IPv6 address.") from error

    def read_cell(self, text: str, parameters: Parameters) -> Any:
        address = ip_address(text)
        family = _IPV4 if address.version == 4 else _IPV6
        return struct.pack("BBBB", family, address.max_prefixlen, 0, len(address.packed)) + address.packed


@contextmanager
def registered() -> Iterator[Address]:
    """Register the type for the duration."""
    kind = Address()
    register(kind)
    try:
        yield kind
    finally:
        unregister(kind)
