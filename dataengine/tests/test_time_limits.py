"""Time limits nest: if one runs out within a longer limit, only its part is given up."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import Func, TextField, Value
from django.db.models.functions import Cast

from dataengine.postgres.time_limits import time_limit, timed_out
from dataengine.queries.listing import Selection
from dataengine.queries.ordering import parse_ordering
from dataengine.records.model import record_model

from .conftest import MakeTable

pytestmark = pytest.mark.django_db


def sleep(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


def in_force() -> int:
    """The time limit of the next statement in milliseconds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting::integer FROM pg_settings WHERE name = 'statement_timeout'")
        return int(cursor.fetchone()[0])


def sleep_too_long() -> None:
    assert in_force() <= 50
    sleep(3600)


def test_a_shorter_one_inside_holds_and_the_longer_one_goes_on() -> None:
    with time_limit(3600):
        with pytest.raises(OperationalError) as caught, time_limit(0.05):
            sleep_too_long()
        assert timed_out(caught.value)
        assert in_force() > 50
        sleep(0.1)  # the shorter limit is gone
        with time_limit(60):
            sleep(0.01)


def test_a_longer_one_inside_does_not_lengthen() -> None:
    with pytest.raises(OperationalError) as caught, time_limit(0.05), time_limit(3600):
        sleep_too_long()
    assert timed_out(caught.value)


def test_a_list_does_not_wait_for_its_count(make_table: MakeTable) -> None:
    model = record_model(make_table("t", n="INTEGER"))
    model.objects.bulk_create(model() for _ in range(100))
    slow = Cast(Func(Value(0.1), function="pg_sleep"), TextField())  # ten seconds in all, longer than a list may take
    records: Any = model.objects.alias(slept=slow).filter(slept="")
    listing = Selection(records, parse_ordering(model)).listing(number=1, limit=2)
    assert [record.pk for record in listing.page.records] == [1, 2]
    assert not listing.count.is_exact
