"""The types of facts and expressions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Base(StrEnum):
    """The kinds of value a rule speaks of."""

    BOOL = "bool"
    INT = "int"
    NUMBER = "number"
    STRING = "string"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    LIST = "list"


ORDERED = frozenset((Base.INT, Base.NUMBER, Base.TIMESTAMP, Base.DURATION))
"""What can be compared with less and greater."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its base, and what narrows it: a unit, the values of an enumeration, the type of a list's items."""

    base: Base
    unit: str | None = None
    values: tuple[str, ...] = ()
    item: Type | None = None

    def __str__(self) -> str:
        """Write it in words."""
        if self.item is not None:
            return f"list of {self.item}"
        if self.values:
            return f"one of {', '.join(self.values)}"
        return f"{self.base.value} in {self.unit}" if self.unit else self.base.value

    def agrees(self, other: Type) -> bool:
        """Tell whether values of the two can be equal at all: same base, same unit, enumerations that share a value."""
        if self.base is not other.base or self.unit != other.unit:
            return False
        if self.item is not None and other.item is not None:
            return self.item.agrees(other.item)
        return not (self.values and other.values) or not set(self.values).isdisjoint(other.values)


BOOL = Type(Base.BOOL)
INT = Type(Base.INT)
NUMBER = Type(Base.NUMBER)
STRING = Type(Base.STRING)
TIMESTAMP = Type(Base.TIMESTAMP)
DURATION = Type(Base.DURATION)
