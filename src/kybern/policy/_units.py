"""Units of measurement: which are of one dimension, and how one becomes another. A bare number never stands for a quantity."""

from __future__ import annotations

from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "time": {"us": "1/1000000", "ms": "1/1000", "s": "1", "min": "60", "h": "3600", "day": "86400"},
    "information": {"B": "1", "kB": "1000", "MB": "1000000", "GB": "1000000000", "KiB": "1024", "MiB": "1048576", "GiB": "1073741824"},
    "share": {"share": "1", "percent": "1/100", "per_mille": "1/1000"},
    "computation": {"FLOP": "1", "GFLOP": "1000000000", "TFLOP": "1000000000000", "PFLOP": "1000000000000000"},
    "energy": {"Wh": "1", "kWh": "1000", "MWh": "1000000"},
    "emission": {"gCO2e": "1", "kgCO2e": "1000", "tCO2e": "1000000"},
    "water": {"L": "1", "m3": "1000"},
    **{name: {name: "1"} for name in ("token", "request", "step", "person", "record", "EUR", "USD", "GBP", "CHF", "JPY", "INR")},
}
"""Units by dimension, each with its factor to the dimension's base. A currency is a dimension of its own: rates change."""

DIMENSIONS: Final[Mapping[str, str]] = MappingProxyType({unit: dimension for dimension, units in _TABLE.items() for unit in units})
"""The dimension of each unit."""

_FACTORS: Final = MappingProxyType({unit: Fraction(factor) for units in _TABLE.values() for unit, factor in units.items()})


def convert(value: float, unit: str, to: str) -> float:
    """Write a quantity, as its decimals say it, in another unit of its dimension, rounded once.

    `ValueError` where the dimensions differ, `OverflowError` where it becomes too large.
    """
    if DIMENSIONS[unit] != DIMENSIONS[to]:
        msg = f"{unit} measures {DIMENSIONS[unit]} and {to} measures {DIMENSIONS[to]}"
        raise ValueError(msg)
    return float(Fraction(repr(value)) * _FACTORS[unit] / _FACTORS[to])


def units_like(unit: str) -> tuple[str, ...]:
    """Name the units of the same dimension."""
    return tuple(_TABLE[DIMENSIONS[unit]])
