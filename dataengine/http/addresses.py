"""Whom an address stands for, where what comes from one is counted."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.http import HttpRequest
from rest_framework.request import Request

_ONE_CLIENT = 64
"""So many bits of an IPv6 address are given to a client, who may use all of the others."""


def client_of(request: Request | HttpRequest) -> str:
    """The address that a request comes from; of IPv6 its network, or each of its addresses would be counted alone.

    Not X-Forwarded-For, which anybody can set: the server sets REMOTE_ADDR from proxies that it trusts.
    """
    text = str(request.META.get("REMOTE_ADDR", ""))
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:  # a socket in the file system has none
        return text
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, _ONE_CLIENT), strict=False))
