"""Progress and the estimated time left."""

from __future__ import annotations

import pytest

from dataengine.jobs.stages import Course


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def course(clock: Clock) -> Course:
    course = Course(clock)
    course.plan({"reading": 1.0, "loading": 2.0, "indexing": 1.0})
    return course


def test_stages_count_by_their_length(course: Course) -> None:
    seen = []
    for stage, share in (("reading", 0.5), ("reading", 1.0), ("loading", 0.5), ("indexing", None), ("indexing", 1.0)):
        course.at(stage, share)
        seen.append(course.progress)
    assert seen == [0.125, 0.25, 0.5, 0.75, 1.0]


def test_progress_never_decreases(course: Course) -> None:
    course.at("loading", 0.5)
    course.at("reading", 0.1)
    assert course.progress == 0.5


def test_a_new_plan_divides_what_is_left(course: Course) -> None:
    course.at("reading", 1.0)
    course.plan({"reading": 1.0, "loading": 1.0})
    assert course.progress == 0.25
    course.at("reading", 1.0)
    assert course.progress == 0.625
    course.at("loading", 1.0)
    assert course.progress == 1.0


def test_an_unplanned_stage_does_not_move_progress(course: Course) -> None:
    course.at("loading", 1.0)
    course.at("checking", None)
    assert (course.progress, course.seconds_left()) == (0.75, None)


def test_time_left_is_by_the_pace_of_the_stage(course: Course, clock: Clock) -> None:
    course.at("reading", 0.5)
    assert course.seconds_left() is None  # too soon
    clock.now += 10
    assert course.seconds_left() == 10 + 3 * 20  # the other half, and three times as long afterwards
    course.at("loading", 0.0)
    clock.now += 5
    assert course.seconds_left() is None
    course.at("loading", 0.25)
    assert course.seconds_left() == 15 + 10
    clock.now += 5
    assert course.seconds_left() == 30 + 20  # no progress: it takes longer than expected


def test_an_unknown_time_left_is_none(course: Course, clock: Clock) -> None:
    course.at("indexing", None)
    clock.now += 60
    assert course.seconds_left() is None
