"""Names of time zones."""

from zoneinfo import ZoneInfo, available_timezones


def is_time_zone(name: str) -> bool:
    """Whether the tz database has `name`; true for anything where there is no such database to ask."""
    if not available_timezones():
        return True
    try:
        ZoneInfo(name)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        return False
    except KeyError:
        return False
    return True
