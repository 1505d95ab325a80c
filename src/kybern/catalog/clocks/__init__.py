"""Clocks as data: for an incident every report that law asks for, from when, until when, to whom, and what it says."""

from kybern.catalog.clocks._models import Clock, Moment, RegimeClocks
from kybern.catalog.clocks._periods import Deadline, IsHoliday, Period, Where, deadline, is_public_holiday
from kybern.catalog.clocks._read import Clocks, check_clocks, load_clocks, read_clocks
from kybern.catalog.clocks._run import IncidentFacts, Running, State, run_clocks
from kybern.catalog.clocks._sheet import Sheet, read_moment_values, read_reports, read_sheet, sheet_schema

__all__ = [
    "Clock",
    "Clocks",
    "Deadline",
    "IncidentFacts",
    "IsHoliday",
    "Moment",
    "Period",
    "RegimeClocks",
    "Running",
    "Sheet",
    "State",
    "Where",
    "check_clocks",
    "deadline",
    "is_public_holiday",
    "load_clocks",
    "read_clocks",
    "read_moment_values",
    "read_reports",
    "read_sheet",
    "run_clocks",
    "sheet_schema",
]
