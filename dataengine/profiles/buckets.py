"""Round edges for histograms: numbers at 1, 2 or 5 times a power of ten, dates at days, weeks, months and years. Pure.

Edges are texts that both PostgreSQL and the filters' grammar can read. A histogram with edges e0 < e1 < … < en has the
buckets [e0, e1), …; below e0 and from en on are the few values that would squeeze all others into one bar.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from itertools import pairwise

from dataengine.columns import durations
from dataengine.columns.types.aspects import Chart

FEW, MANY = 16, 24
"""A histogram has about ``FEW`` bars; up to ``MANY`` whole numbers get one each."""

HISTOGRAMS: frozenset[Chart] = frozenset({"numbers", "whole numbers", "times", "days", "moments", "durations"})
"""The charts of column types that are histograms."""

_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)
_SECONDS = (1, 2, 5, 10, 15, 30, *(60 * minutes for minutes in _MINUTES), 24 * 60 * 60)
_MONTHS = (1, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12_000)
_DIGITS = 15
_FLOAT_DIGITS = 300
_MONDAY = date(1, 1, 1)  # it was one


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of a histogram, with labels for the buckets between, below and above them."""

    texts: list[str]
    words: list[str]
    below: str
    beyond: str
    # From the smallest value to the largest, shortened: ``0.02 – 900``, ``2013-01 – 12``.
    extent: str
    # Whether a bucket holds a single value, that of its lower edge.
    are_values: bool = False


def edges_of(chart: Chart, reach: Sequence[str]) -> Edges | None:
    """The edges for values whose minimum, percentiles 1 and 99, and maximum are ``reach``.

    None if nothing is to be drawn: a single value that is not whole, or dates outside of Python's calendar.
    """
    try:
        match chart:
            case "numbers" | "whole numbers":
                return _numbers([Decimal(text) for text in reach], whole=chart == "whole numbers")
            case "times":
                return _times([time.fromisoformat(text) for text in reach])
            case "durations":
                return _durations([durations.read(text) for text in reach])
            case "days":
                days = [datetime.combine(date.fromisoformat(text), time()) for text in reach]
                return _moments(days, days_only=True)
            case _:
                return _moments([_moment(text) for text in reach], days_only=False)
    except (ValueError, OverflowError, InvalidOperation):
        return None


def _inner[T: (Decimal, datetime, timedelta)](reach: Sequence[T]) -> tuple[T, T]:
    """The range to draw: all values, unless the outermost hundredths are far off."""
    width, inner = reach[3] - reach[0], reach[2] - reach[1]
    return (reach[0], reach[3]) if not inner or width <= 3 * inner / 2 else (reach[1], reach[2])


def _numbers(reach: Sequence[Decimal], *, whole: bool) -> Edges | None:
    low, high = (reach[0], reach[3]) if whole and reach[3] - reach[0] < MANY else _inner(reach)
    if low == high and not whole:
        return None
    with localcontext(prec=60):
        few = whole and high - low < MANY
        step = Decimal(1) if few else _round_step((high - low) / FEW, whole=whole)
        first = low // step * step
        if first > low:  # // of Decimal rounds towards zero
            first -= step
        limits = [first]
        while limits[-1] <= high:
            limits.append(limits[-1] + step)
    texts = [_plain(limit) for limit in limits]
    extent = _extent(*((_plain if whole else _brief)(end) for end in (reach[0], reach[3])))
    if whole and step == 1:
        words = texts[:-1]
    elif whole:
        words = [f"{low} to {_plain(high - 1)}" for low, high in zip(texts, limits[1:], strict=False)]
    else:
        words = [f"{low} to {high}" for low, high in pairwise(texts)]
    return Edges(texts, words, f"below {texts[0]}", f"{texts[-1]} and more", extent, are_values=whole and step == 1)


def _round_step(least: Decimal, *, whole: bool) -> Decimal:
    """The smallest step of 1, 2 or 5 times a power of ten that is at least ``least``."""
    power = Decimal(10) ** least.adjusted()
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)
    return max(step, Decimal(1)) if whole else step


def _plain(number: Decimal) -> str:
    if abs(number.adjusted()) > _DIGITS:
        return str(number.normalize())  # 1E+300: short, and readable everywhere
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _brief(number: Decimal) -> str:
    """A number with three digits, but with all those before the decimal point."""
    if abs(number) >= 100 and number.adjusted() <= _DIGITS:
        return f"{number:.0f}"
    return f"{float(number):.3g}" if abs(number.adjusted()) < _FLOAT_DIGITS else f"{number:.3g}"


def _extent(low: str, high: str) -> str:
    return low if low == high else f"{low} – {high}"


def _days_extent(low: str, high: str) -> str:
    """``2013-01 – 12``: a narrow column has no room for a year twice."""
    year = low[:5]
    return _extent(low, high.removeprefix(year) if low != high and len(year) == 5 else high)


def _moment(text: str) -> datetime:
    """Read a timestamp as PostgreSQL writes it, with or without a zone (the session's is UTC)."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _times(reach: Sequence[time]) -> Edges | None:
    low, high = _inner([datetime.combine(date.min, moment) for moment in reach])
    extent = _extent(f"{reach[0]:%H:%M}", f"{reach[3]:%H:%M}")
    minutes = _minutes_for(high - low) or 720
    first = _floor(low, minutes)
    limits = [first]
    while limits[-1] <= high:
        limits.append(limits[-1] + timedelta(minutes=minutes))
    texts = [f"{limit:%H:%M}" for limit in limits]
    words = [f"{low} to {high}" for low, high in pairwise(texts)]
    if limits[-1].date() > date.min:  # 24:00 is no time of day: the last bucket has no upper edge
        return Edges(texts[:-1], words[:-1], f"before {texts[0]}", f"{texts[-2]} and later", extent)
    return Edges(texts, words, f"before {texts[0]}", f"{texts[-1]} and later", extent)


def _durations(reach: Sequence[timedelta]) -> Edges | None:
    """Edges at round numbers of seconds, minutes, hours or days; None for a single value."""
    low, high = _inner(reach)
    if low == high:
        return None
    step = _duration_step((high - low) / FEW)
    first = low // step
    count = high // step - first + 2
    texts = [durations.written((first + number) * step) for number in range(count)]
    durations.read(texts[-1])  # which may be longer than any that there is
    words = [f"{low} to {high}" for low, high in pairwise(texts)]
    extent = _extent(*(durations.written(end) for end in (reach[0], reach[3])))
    return Edges(texts, words, f"below {texts[0]}", f"{texts[-1]} and more", extent)


def _duration_step(least: timedelta) -> timedelta:
    """A round length that is at least ``least``."""
    seconds = max(Decimal(least // durations.MICROSECOND), Decimal(1)) / 1_000_000
    step = next((Decimal(step) for step in _SECONDS if 0.5 < seconds <= step), None)
    if step is None:
        unit = 1 if seconds < 1 else 24 * 60 * 60
        step = _round_step(seconds / unit, whole=False) * unit
    return int(step * 1_000_000) * durations.MICROSECOND


def _moments(reach: Sequence[datetime], *, days_only: bool) -> Edges:
    low, high = _inner(reach)
    width = high - low
    minutes = None if days_only else _minutes_for(width)
    if minutes is not None:
        first, following, words_of = _floor(low, minutes), _minutes_on(minutes), _minute_words
    elif width < timedelta(days=FEW):
        first, following, words_of = _floor(low, 24 * 60), _minutes_on(24 * 60), _day_words
    elif width < timedelta(days=7 * FEW):
        monday = low.date() - timedelta(days=(low.date() - _MONDAY).days % 7)
        first, following, words_of = datetime.combine(monday, time()), _minutes_on(7 * 24 * 60), _week_words
    else:
        between = (high.year - low.year) * 12 + high.month - low.month + 1
        months = next((months for months in _MONTHS if between / months <= FEW), _MONTHS[-1])
        first, following, words_of = _floor_months(low, months), _months_on(months), _month_words
    limits = [first]
    while limits[-1] <= high:
        limits.append(following(limits[-1]))
    texts = [_short(limit, days_only=days_only) for limit in limits]
    words = [words_of(low, high) for low, high in pairwise(limits)]
    # Years, months or days: the shortest that tells the ends apart.
    length = next(length for days, length in ((1100, 4), (100, 7), (0, 10)) if reach[3] - reach[0] >= timedelta(days))
    extent = _days_extent(*(str(end.date())[:length] for end in (reach[0], reach[3])))
    return Edges(texts, words, f"before {texts[0]}", f"{texts[-1]} and later", extent)


def _minutes_for(width: timedelta) -> int | None:
    """The smallest step below a day that gives few enough bars; None if days do."""
    return next((minutes for minutes in _MINUTES if width < timedelta(minutes=minutes * FEW)), None)


def _floor(moment: datetime, minutes: int) -> datetime:
    midnight = datetime.combine(moment.date(), time())
    return midnight + (moment - midnight) // timedelta(minutes=minutes) * timedelta(minutes=minutes)


def _floor_months(moment: datetime, months: int) -> datetime:
    number = (moment.year * 12 + moment.month - 1) // months * months
    return _first_of(max(number, 12))


def _minutes_on(minutes: int) -> Callable[[datetime], datetime]:
    return lambda moment: moment + timedelta(minutes=minutes)


def _months_on(months: int) -> Callable[[datetime], datetime]:
    def following(moment: datetime) -> datetime:
        number = (moment.year * 12 + moment.month - 1) // months * months + months
        return _first_of(number)

    return following


def _first_of(month: int) -> datetime:
    """The first day of a month, counted from the year 0."""
    return datetime.combine(date(month // 12, month % 12 + 1, 1), time())


def _short(moment: datetime, *, days_only: bool) -> str:
    return str(moment.date()) if days_only or moment.time() == time() else f"{moment.date()} {moment:%H:%M}"


def _minute_words(low: datetime, high: datetime) -> str:
    return f"{low.date()} {low:%H:%M} to {high:%H:%M}"


def _day_words(low: datetime, high: datetime) -> str:
    return str(low.date())


def _week_words(low: datetime, high: datetime) -> str:
    return f"{low.date()} to {high.date() - timedelta(days=1)}"


def _month_words(low: datetime, high: datetime) -> str:
    last = high - timedelta(days=1)
    if (low.month, last.month) == (1, 12):
        return f"{low.year}" if low.year == last.year else f"{low.year} to {last.year}"
    if low.month == last.month:
        return f"{low:%B} {low.year}"
    return f"{low:%B} to {last:%B} {low.year}"
