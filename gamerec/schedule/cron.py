"""Cron expressions as cron means them, on APScheduler's `CronTrigger`.

Three things differ between the two and are settled here: cron counts weekdays from Sunday, joins a
day of the month and a day of the week by *or*, and runs once what the clock shows twice.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]

from gamerec.errors import UsageError

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = ("second", "minute", "hour", "day", "month", "day_of_week")
_STEPS = (1, 60, 3600, 86_400, 31 * 86_400, 366 * 86_400, 8 * 366 * 86_400)  # seconds


class Cron:
    """The times of a cron expression in a time zone.

    Five fields, or six with seconds first, or `@daily` and the like. A time that a clock change
    skips runs an hour later; one that it shows twice runs once, unless the hour is `*`.
    Raises UsageError for what is no cron expression, has no time at all, or an unknown zone.
    """

    def __init__(self, expression: str, zone: str = "") -> None:
        self.expression = expression.strip()
        self.zone = time_zone(zone)
        fields = _split(self.expression)
        self._once = not fields["hour"].startswith("*")
        starred = self.expression.split()[-1].startswith(("*", "@"))
        self._triggers = [self._trigger(part) for part in _alternatives(fields, starred)]
        if self.after(datetime.now(UTC)) is None:
            raise UsageError(f"cron {expression!r} names no time that ever comes")

    def after(self, moment: datetime) -> datetime | None:
        """The first time later than `moment`, in UTC; None where there is none."""
        found = [t for trigger in self._triggers if (t := self._next(trigger, moment))]
        return min(found, default=None)

    def upcoming(self, now: datetime, count: int) -> list[datetime]:
        """The next `count` times after `now`, in the schedule's zone."""
        times: list[datetime] = []
        moment = self.after(now)
        while moment and len(times) < count:
            times.append(self.local(moment))
            moment = self.after(moment)
        return times

    def latest(self, since: datetime, now: datetime) -> datetime | None:
        """The last time in (since, now], in UTC; None where none has passed."""
        for seconds in _STEPS:  # back in growing steps: there may be a million times in between
            start = max(since, now - timedelta(seconds=seconds))
            found = self.after(start)
            if found and found <= now:
                while (following := self.after(found)) and following <= now:
                    found = following
                return found
            if start == since:
                break
        return None

    def local(self, moment: datetime) -> datetime:
        """The moment as clocks in the schedule's zone show it."""
        return moment.astimezone(UTC).astimezone(self.zone)

    def _next(self, trigger: CronTrigger, moment: datetime) -> datetime | None:
        start = moment.astimezone(UTC) + timedelta(microseconds=1)
        found = trigger.get_next_fire_time(None, start)
        while found and self._once and self.local(found).fold:
            start = found.astimezone(UTC) + timedelta(microseconds=1)
            found = trigger.get_next_fire_time(None, start)
        return found.astimezone(UTC) if found else None

    def _trigger(self, fields: dict[str, str]) -> CronTrigger:
        try:
            return CronTrigger(**fields, timezone=self.zone)
        except ValueError as error:
            raise UsageError(f"cron {self.expression!r}: {error}") from None


def time_zone(name: str) -> tzinfo:
    """The zone of a name such as Asia/Seoul; empty: the machine's. Raises UsageError."""
    try:
        return ZoneInfo(name) if name else CronTrigger().timezone
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"there is no time zone {name!r}: UTC, Asia/Seoul, ...") from None


def _split(expression: str) -> dict[str, str]:
    parts = _SHORT.get(expression.lower(), expression).split()
    if len(parts) not in (5, 6):
        raise UsageError(
            f"cron {expression!r} has {len(parts)} fields, not five: "
            "minute, hour, day of the month, month, day of the week; '0 3 * * *' is daily at 3"
        )
    parts = ["0"] * (6 - len(parts)) + parts
    fields = dict(zip(_FIELDS, parts, strict=True))
    if fields["day_of_week"] != "*":
        fields["day_of_week"] = _weekdays(fields["day_of_week"], expression)
    return fields


def _alternatives(fields: dict[str, str], any_weekday: bool) -> list[dict[str, str]]:
    """Where day and weekday are both given either one will do; a field that begins with * not."""
    if fields["day"].startswith("*") or any_weekday:
        return [fields]
    return [fields | {"day_of_week": "*"}, fields | {"day": "*"}]


def _weekdays(field: str, expression: str) -> str:
    """Cron's 0-7 or names from Sunday, with ranges and steps, as a list of names."""
    chosen: set[int] = set()
    for part in field.lower().split(","):
        matched = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?", part)
        if not matched:
            raise UsageError(f"cron {expression!r}: {part!r} is no day of the week")
        first, last, step = matched.groups()
        if first == "*":
            start, end = 0, 6
        else:
            start = _weekday(first, expression)
            end = _weekday(last, expression) if last else 6 if step else start
        if end < start:
            end += 7
        if step == "0":
            raise UsageError(f"cron {expression!r}: a step of 0")
        chosen |= {day % 7 for day in range(start, end + 1, int(step or 1))}
    return ",".join(_DAYS[day] for day in sorted(chosen))


def _weekday(word: str, expression: str) -> int:
    if word in _DAYS:
        return _DAYS.index(word)
    if word.isdecimal() and int(word) <= 7:
        return int(word)
    raise UsageError(f"cron {expression!r}: {word!r} is no day of the week (0-7 or sun-sat)")
