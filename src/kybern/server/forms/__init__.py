"""Forms for records, made from their models: shown, read back, checked, and beside them the YAML. Pure: no web framework, no clock.

A page goes: `form_of`, `values_of` to show it; then of what is posted `apply_row_action` and `draft_of` if a row button was pressed,
or else `read_posted` and `check`.
"""

from kybern.server.forms._bind import BoundField, BoundForm, BoundGroup, Option, Row, values_of
from kybern.server.forms._check import check
from kybern.server.forms._fields import Choice, Field, Form, Group, Widget
from kybern.server.forms._form import form_of
from kybern.server.forms._labels import label_of
from kybern.server.forms._read import Draft, draft_of, read_posted
from kybern.server.forms._rows import apply_row_action, has_row_action

__all__ = [
    "BoundField",
    "BoundForm",
    "BoundGroup",
    "Choice",
    "Draft",
    "Field",
    "Form",
    "Group",
    "Option",
    "Row",
    "Widget",
    "apply_row_action",
    "check",
    "draft_of",
    "form_of",
    "has_row_action",
    "label_of",
    "read_posted",
    "values_of",
]
