"""Cron expressions mean what cron means by them, in every time zone."""

from datetime import UTC, datetime, timedelta

import pytest

from gamerec.errors import UsageError
from gamerec.schedule.cron import Cron


def times(expression, zone, start, count):
    cron = Cron(expression, zone)
    found = []
    for _ in range(count):
        start = cron.after(start)
        found.append(cron.local(start).strftime("%a %d %H:%M %z"))
    return found


def test_a_time_counts_in_the_zone_that_was_asked_for():
    cron = Cron("0 3 * * *", "Asia/Seoul")
    assert cron.after(datetime(2026, 11, 22, tzinfo=UTC)) == datetime(2026, 11, 22, 18, tzinfo=UTC)


def test_weekdays_are_counted_from_sunday():
    start = datetime(2026, 11, 22, tzinfo=UTC)  # a Sunday
    assert times("0 3 * * 0", "UTC", start, 2) == ["Sun 22 03:00 +0000", "Sun 29 03:00 +0000"]
    assert times("0 3 * * 7", "UTC", start, 1) == ["Sun 22 03:00 +0000"]
    assert times("0 3 * * 1", "UTC", start, 1) == ["Mon 23 03:00 +0000"]
    assert times("0 3 * * fri-mon", "UTC", start, 3) == [
        "Sun 22 03:00 +0000",
        "Mon 23 03:00 +0000",
        "Fri 27 03:00 +0000",
    ]


def test_day_of_the_month_and_weekday_are_joined_by_or():
    start = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert times("0 3 1 * sat", "UTC", start, 3) == [
        "Sat 28 03:00 +0000",
        "Tue 01 03:00 +0000",
        "Sat 05 03:00 +0000",
    ]


def test_a_time_that_spring_skips_runs_an_hour_later():
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert times("30 2 * * *", "Europe/Berlin", start, 2) == [
        "Sun 29 03:30 +0200",
        "Mon 30 02:30 +0200",
    ]


def test_a_time_that_autumn_shows_twice_runs_once():
    start = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert times("30 2 * * *", "Europe/Berlin", start, 2) == [
        "Sun 25 02:30 +0200",
        "Mon 26 02:30 +0100",
    ]


def test_an_hourly_time_runs_every_hour_that_passes():
    start = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    assert times("0 * * * *", "Europe/Berlin", start, 3) == [
        "Sun 25 02:00 +0200",
        "Sun 25 02:00 +0100",
        "Sun 25 03:00 +0100",
    ]


@pytest.mark.parametrize("gap", [timedelta(seconds=5), timedelta(days=3), timedelta(days=4000)])
def test_the_latest_time_that_has_passed_is_found_however_long_ago_the_last_one_was(gap):
    now = datetime(2026, 11, 22, 12, 0, 3, tzinfo=UTC)
    assert Cron("* * * * *", "UTC").latest(now - gap, now) == now.replace(second=0)


def test_no_time_has_passed_between_two_times():
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    cron = Cron("0 3 * * *", "UTC")
    assert cron.latest(now - timedelta(hours=9), now) is None
    assert cron.latest(now - timedelta(hours=9, seconds=1), now) == now - timedelta(hours=9)


def test_a_rare_time_is_found():
    now = datetime(2026, 11, 22, tzinfo=UTC)
    leap = Cron("0 0 29 2 *", "UTC")
    assert leap.after(now) == datetime(2028, 2, 29, tzinfo=UTC)
    assert leap.latest(datetime(2020, 1, 1, tzinfo=UTC), now) == datetime(2024, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "word"),
    [
        ("0 3 * *", "", "4 fields"),
        ("", "", "0 fields"),
        ("61 * * * *", "", "61"),
        ("0 3 * * 8", "", "'8' is no day of the week"),
        ("0 3 * * mon-", "", "'mon-' is no day"),
        ("0 0 31 2 *", "", "no time that ever comes"),
        ("0 3 * * *", "Asia/Seol", "no time zone 'Asia/Seol'"),
        ("0 3 * * *", "../etc/passwd", "no time zone"),
    ],
)
def test_nonsense_is_refused_with_what_is_wrong(expression, zone, word):
    with pytest.raises(UsageError, match=word):
        Cron(expression, zone)
