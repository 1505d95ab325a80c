"""Timespans as CEL and Go write them: `24h`, `1h30m`, `250ms`; and days, which are 24 hours here, `30d`.

Minutes stand beside hours or seconds only: by itself `6m` is half a year to many who read it.
"""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction
from typing import Final

_FORM: Final = re.compile(r"(-?)((?:[0-9]{1,9}(?:\.[0-9]{1,6})?(?:d|h|m|s|ms|us))+)", re.ASCII)
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(d|h|ms|us|m|s)", re.ASCII)
_MICROSECONDS: Final = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1000, "us": 1}


def read_duration(text: str) -> timedelta:
    """Read a timespan; `ValueError` in words for anything else, or beyond 999,999,999 days."""
    match = _FORM.fullmatch(text)
    if match is None:
        msg = f"{text!r} is not a timespan, like 24h, 1h30m or 30d"
        raise ValueError(msg)
    parts = _PART.findall(match[2])
    if len(parts) == 1 and parts[0][1] == "m":
        msg = f"{text!r} is minutes here, and many read months"
        raise ValueError(msg)
    micros = sum(round((Fraction(number) if "." in number else int(number)) * _MICROSECONDS[unit]) for number, unit in parts)
    try:
        span = timedelta(microseconds=micros)
    except OverflowError:
        msg = f"{text!r} is longer than can be reckoned with"
        raise ValueError(msg) from None
    return -span if match[1] else span


def write_duration(span: timedelta) -> str:
    """Write a timespan so that `read_duration`, and CEL, read it back: in hours, minutes, seconds and microseconds."""
    micros = span // timedelta(microseconds=1)
    sign, micros = ("-" if micros < 0 else ""), abs(micros)
    parts: list[str] = []
    for unit in ("h", "m", "s", "us"):
        if unit == "m" and not parts and not micros % _MICROSECONDS["m"]:
            continue  # by itself it is written in seconds
        count, micros = divmod(micros, _MICROSECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return sign + ("".join(parts) or "0s")
