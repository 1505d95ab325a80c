"""Quantities and timespans: exact between units of one dimension, refused between others, read back as they were written."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kybern.policy._durations import read_duration, write_duration
from kybern.policy._units import DIMENSIONS, convert, units_like

UNITS = st.sampled_from(sorted(DIMENSIONS))


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (80, "percent", "share", 0.8), (0.8, "share", "percent", 80.0), (1, "GiB", "B", 2**30), (1, "GB", "MB", 1000.0),
        (90, "min", "h", 1.5),
        (10, "MWh", "kWh", 10_000.0), (1, "tCO2e", "gCO2e", 1e6), (3, "per_mille", "percent", 0.3), (1e10, "PFLOP", "FLOP", 1e25),
        (5, "EUR", "EUR", 5.0), (0.1, "day", "h", 2.4),
        (5, "GiB", "MB", 5368.70912),
    ],
)  # fmt: skip
def test_a_quantity_in_another_unit(value: float, unit: str, to: str, expected: float) -> None:
    assert convert(value, unit, to) == expected


@given(st.floats(-1e12, 1e12), UNITS, UNITS)
@example(6.994008180401986e-146, "GB", "kB")  # its decimals and its bits round differently
def test_conversion_is_exact_but_for_one_rounding_or_refused(value: float, unit: str, to: str) -> None:
    if to not in units_like(unit):
        with pytest.raises(ValueError, match="measures"):
            convert(value, unit, to)
        return
    factor = convert(1, unit, to)
    # A factor that is no whole number is itself rounded, and no oracle.
    exact = Fraction(repr(value)) * int(factor) if factor.is_integer() else None
    found = convert(value, unit, to)
    assert abs(Fraction(convert(found, to, unit)) - Fraction(value)) <= abs(Fraction(value)) * Fraction(1, 2**51)
    if exact is not None:
        assert found == float(exact)


def test_a_currency_is_a_dimension_of_its_own() -> None:
    with pytest.raises(ValueError, match="EUR measures EUR and USD measures USD"):
        convert(1, "EUR", "USD")
    assert units_like("EUR") == ("EUR",)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("24h", timedelta(days=1)), ("30d", timedelta(days=30)), ("1h30m", timedelta(minutes=90)), ("250ms", timedelta(milliseconds=250)),
        ("1us", timedelta(microseconds=1)), ("-2h", -timedelta(hours=2)), ("1.5h", timedelta(minutes=90)), ("0s", timedelta()),
    ],
)  # fmt: skip
def test_a_timespan_reads(text: str, span: timedelta) -> None:
    assert read_duration(text) == span


@pytest.mark.parametrize("text", ["", "30", "h", "1 h", "2 months", "1w", "1H", "--1h", "1h ", "1h-2m", "1e3s", "٣h", "1.h", "9999999999h"])
def test_what_is_no_timespan_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="is not a timespan, like 24h, 1h30m or 30d"):
        read_duration(text)


def test_a_timespan_beyond_reckoning_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="longer than can be reckoned with"):
        read_duration("999999999d999999999d")


@given(st.timedeltas(min_value=timedelta(days=-40_000_000), max_value=timedelta(days=40_000_000)))
def test_what_is_written_reads_back_to_the_microsecond(span: timedelta) -> None:
    assert read_duration(write_duration(span)) == span


@given(st.text(alphabet="0123456789.dhmsu- ", max_size=12))
def test_any_text_is_a_timespan_or_refused(text: str) -> None:
    try:
        found = read_duration(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - what it says is no fixed text
    else:
        assert read_duration(write_duration(found)) == found
