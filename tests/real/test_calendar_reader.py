"""The calendar before a reader of others: vobject, which shares no code with the library that writes it, takes what Kybern writes."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the helper module beside the tests

from venv_tools import foreign_python

from kybern.report import CalendarEvent, calendar_file

pytestmark = pytest.mark.real

READ = """
import json, sys, vobject
calendar = vobject.readOne(sys.stdin.read())
calendar.validate(raiseException=True)
print(json.dumps([
    {"uid": e.uid.value, "on": e.dtstart.value.isoformat(), "summary": e.summary.value, "description": e.description.value,
     "alarm": str(e.valarm.trigger.value), "categories": e.categories.value}
    for e in calendar.vevent_list
]))
"""


def test_vobject_reads_days_moments_texts_and_alarms() -> None:
    python = foreign_python("vobject==0.9.9")
    text = "Überprüfung: Bias; Drift, „Ümläute“\nund ein sehr langer Satz, der umbrochen wird, weil keine Zeile länger als 75 Oktette ist"
    events = [
        CalendarEvent("a@kybern", date(2027, 12, 2), "Art. 9, from today; see why", text, ("eu_ai_act",), timedelta(days=7)),
        CalendarEvent("b@kybern", datetime(2026, 10, 26, 8, 20, tzinfo=UTC), "72 h", text, ("gdpr",), timedelta(hours=12)),
    ]
    written = calendar_file(events, "Kybern", datetime(2026, 11, 26, tzinfo=UTC))
    done = subprocess.run([str(python), "-c", READ], input=written.decode(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    read = {one["uid"]: one for one in json.loads(done.stdout)}
    assert read["a@kybern"]["on"] == "2027-12-02"
    assert read["b@kybern"]["on"] == "2026-10-26T08:20:00+00:00"
    assert read["a@kybern"]["description"] == text
    assert read["a@kybern"]["summary"] == "Art. 9, from today; see why"
    assert read["b@kybern"]["alarm"] == "-1 day, 12:00:00"
    assert read["a@kybern"]["categories"] == ["eu_ai_act"]
