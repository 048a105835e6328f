"""Figures in words: numbers, estimates, sizes, durations, plurals. Pure."""

from __future__ import annotations

import math

_BYTE_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def number(value: float | None) -> str:
    """``336776`` -> ``336,776``."""
    return "" if value is None else f"{value:,.0f}"


def about(value: int | None) -> str:
    """An estimate in words: ``about 10.0 million``, ``about 120,000``."""
    if value is None:
        return ""
    if value >= 1_000_000:
        power, word = (1_000_000_000, "billion") if value >= 999_950_000 else (1_000_000, "million")
        return f"about {value / power:.1f} {word}"
    digits = max(len(str(value)) - 3, 0)
    return f"about {round(value, -digits):,}"


def size(value: int | None) -> str:
    """``31053312`` -> ``31.1 MB``."""
    if value is None:
        return ""
    amount, unit = float(value), 0
    while amount >= 1000 and unit < len(_BYTE_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.0f} bytes" if unit == 0 else f"{amount:.1f} {_BYTE_UNITS[unit]}"


def duration(seconds: float | None) -> str:
    """``75.2`` -> ``1 min 15 s``; below ten seconds with one decimal."""
    if seconds is None or math.isnan(seconds):
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def seconds(elapsed: float) -> str:
    """How long something has been running, without the decimals of ``duration``, which would only flicker."""
    return duration(math.floor(elapsed)) if elapsed >= 10 else f"{math.floor(elapsed)} s"


def plural(count: int, forms: str) -> str:
    """``3|plural:"row,rows"`` -> ``3 rows``, with thousands separated."""
    one, many = forms.split(",")
    return f"{count:,} {one if count == 1 else many}"
