"""Make `ticks/calendar.csv`, the days on which US equity markets do not keep ordinary hours.

    python scripts/make_calendar.py [--first 2013-01-01] [--last 2029-12-31] [--check]

Needs the `calendar` extra. `--check` writes nothing and exits 1 when the shipped table differs.

Both venues get the days of the NYSE calendar. The `IEX` calendar of pandas_market_calendars is
used for its hours alone: up to 5.5.0 it takes 3 July and 24 December for full days and trades on
New Year's Day, on Labor Day and on the days of mourning of 2018 and 2025, which IEX does not.
"""

import argparse
import sys
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parent.parent / "ticks" / "calendar.csv"
HEAD = """\
# Weekdays on which US equity markets are closed, or close early (New York time).
# Made by scripts/make_calendar.py from pandas_market_calendars; do not edit.
# first {first}
# last {last}
"""
ORDINARY = {"NYSE": ("04:00", "09:30", "16:00", "20:00"), "IEX": ("08:00", "09:30", "16:00", "17:00")}
HALF = ("13:00", "17:00")


def hours_by_day(name: str, first: date, last: date) -> dict[date, tuple[str, ...]]:
    """Pre-market, open, close and post-market times of each trading day of a calendar."""
    # By name, because the package has no types and need not be installed where types are checked.
    package: Any = import_module("pandas_market_calendars")
    calendar = package.get_calendar(name)
    schedule = calendar.schedule(
        start_date=first, end_date=last, start="pre", end="post", tz="America/New_York"
    )
    return {
        day.date(): tuple(time.strftime("%H:%M") for time in row)
        for day, row in zip(schedule.index, schedule.itertuples(index=False), strict=True)
    }


def table(first: date, last: date) -> str:
    """The text of the table.

    Raises:
        SystemExit: a day has hours that the rules of `ticks.calendar` do not know.
    """
    nyse = hours_by_day("NYSE", first, last)
    lines = []
    day = first
    while day <= last:
        hours = nyse.get(day)
        if hours is None:
            if day.weekday() < 5:
                lines.append(f"{day},closed\n")
        elif hours != ORDINARY["NYSE"]:
            if (hours[0], hours[1], hours[3]) != ("04:00", "09:30", HALF[1]):
                raise SystemExit(f"{day}: hours that no rule knows: {hours}")
            lines.append(f"{day},{hours[2]}\n")
        day += timedelta(days=1)
    # A month is enough to see that the hours of IEX are what the rules say.
    iex = set(hours_by_day("IEX", last - timedelta(days=30), last).values())
    if not iex <= {ORDINARY["IEX"], ("08:00", "09:30", *HALF)}:
        raise SystemExit("IEX keeps other hours than the rules say")
    return HEAD.format(first=first, last=last) + "".join(lines)


def main() -> int:
    """Write or check the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--first", type=date.fromisoformat, default=date(2013, 1, 1))
    parser.add_argument("--last", type=date.fromisoformat, default=date(2029, 12, 31))
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = table(arguments.first, arguments.last)
    if arguments.check:
        same = TABLE.read_text(encoding="ascii") == text
        print("calendar.csv is up to date" if same else "calendar.csv differs from what would be made")
        return 0 if same else 1
    TABLE.write_text(text, encoding="ascii")
    days = text.count("\n") - HEAD.count("\n")
    print(f"{TABLE.name}: {days} days, {arguments.first} to {arguments.last}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
