"""OSCAL catalogs become frameworks: what is asked with its parameters, what was withdrawn, and one clear error for anything else."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.base import InputError
from kybern.catalog import CatalogFolder, Framework, load_catalog
from kybern.catalog.imports import read_oscal, to_yaml

DAY = date(2026, 11, 26)


def read(value: Any) -> Framework:
    return read_oscal(json.dumps(value).encode(), "c.json", identity="NIST", status_date=DAY)


def test_groups_controls_and_enhancements_have_the_labels_people_write(oscal: dict) -> None:
    found = [(one.id, one.parent, one.kind, one.normative) for one in read(oscal).requirements]
    assert found == [
        ("ac", None, "group", True),
        ("AC-1", "ac", "control", True),
        ("AC-2", "ac", "control", True),
        ("AC-2 base", "AC-2", "statement", True),
        ("AC-2(1)", "AC-2", "control", True),
        ("AC-2(10)", "AC-2", "control", False),
        ("GV", None, "group", True),
        ("GV.OC", "GV", "control", True),
    ]


def test_a_statement_has_its_items_set_in_and_its_parameters_filled_in(oscal: dict) -> None:
    statement = next(one.statement for one in read(oscal).requirements if one.id == "AC-1")
    assert statement == (
        "a. Develop, document, and disseminate to [organization-defined personnel or roles]:\n"
        "  1. [choose one or more: organization-level; mission/business process-level; system-level] access control policy that:\n"
        "    (a) Addresses purpose, scope, roles, responsibilities, management commitment, coordination among organizational entities, "
        "and compliance; and\n"
        "c. Review and update the current access control policy every year."
    )


def test_what_was_withdrawn_asks_nothing_and_says_where_it_went(oscal: dict) -> None:
    gone = next(one for one in read(oscal).requirements if one.id == "AC-2(10)")
    assert (gone.normative, gone.status, gone.statement) == (False, "withdrawn", "Withdrawn; see ac-2_smt.k.")


def test_the_head_comes_from_the_metadata(oscal: dict) -> None:
    found = read(oscal)
    assert (found.id, found.title, found.edition) == ("NIST", "A sample after NIST SP 800-53 Rev. 5", "5.1.1")
    assert (found.publisher, found.source) == ("Joint Task Force", "https://doi.org/10.6028/NIST.SP.800-53r5")


def test_what_is_written_is_what_was_read(oscal: dict) -> None:
    found = read(oscal)
    text = to_yaml(found, ["From a sample."])
    loaded = load_catalog(CatalogFolder("c", {"frameworks/nist.yaml": text.encode()}))
    assert loaded.frameworks["NIST"] == found
    assert loaded.leaves("NIST") == ("NIST:AC-1", "NIST:AC-2 base", "NIST:AC-2(1)", "NIST:GV.OC")


@pytest.mark.parametrize(
    ("value", "rule", "hint"),
    [
        ({"profile": {}}, "no-oscal-catalog", "Resolve it first"),
        ({"component-definition": {}}, "no-oscal-catalog", "source"),
        ({"system-security-plan": {}}, "no-oscal-catalog", "profile"),
        ({"catalog": []}, "no-oscal-catalog", "key `catalog`"),
        ([], "no-oscal-catalog", "key `catalog`"),
        ({"catalog": {"metadata": {}}}, "wrong-length", ""),
        ({"catalog": {"controls": [{"title": ""}]}}, "missing-field", ""),
    ],
)
def test_what_is_no_catalog_is_refused_with_the_way_out(value: Any, rule: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        read(value)
    assert caught.value.problems[0].rule == rule
    assert hint in caught.value.problems[0].hint


@pytest.mark.parametrize(
    ("data", "rule"),
    [(b"<catalog/>", "not-json"), (b"\xff", "encoding"), (b"[" * 100_000, "not-json"), (b'{"catalog": {"x": 1e999', "not-json")],
)
def test_what_is_no_json_is_refused(data: bytes, rule: str) -> None:
    with pytest.raises(InputError) as caught:
        read_oscal(data, "c.json", identity="NIST", status_date=DAY)
    assert caught.value.problems[0].rule == rule


def test_two_controls_of_one_id_are_told_with_their_pointers(oscal: dict) -> None:
    twin = copy.deepcopy(oscal["catalog"]["groups"][1])
    oscal["catalog"]["groups"].append(twin)
    with pytest.raises(InputError) as caught:
        read(oscal)
    assert {(one.rule, one.place.pointer) for one in caught.value.problems} == {
        ("duplicate-requirement", "/catalog/groups/2/id"),
        ("duplicate-requirement", "/catalog/groups/2/controls/0/id"),
    }


def test_parameters_that_go_in_a_circle_end(oscal: dict) -> None:
    params = [{"id": name, "select": {"choice": [f"{{{{ insert: param, {other} }}}}"]}} for name, other in (("p", "q"), ("q", "p"))]
    oscal["catalog"]["params"] = params
    oscal["catalog"]["groups"][1]["controls"][0]["parts"][0]["prose"] = "Do {{ insert: param, p }} and {{ insert: param, none }}."
    statement = read(oscal).requirements[-1].statement
    assert statement.endswith("and [none].")
    assert len(statement) < 200


def test_what_lies_too_deep_is_refused() -> None:
    group: dict[str, Any] = {"id": "end", "title": "End"}
    for number in range(40):
        group = {"id": f"g{number}", "title": "G", "groups": [group]}
    with pytest.raises(InputError, match="too-deep"):
        read({"catalog": {"groups": [group]}})


KEYS = ["catalog", "groups", "controls", "parts", "params", "props", "links", "metadata", "id", "title", "name", "value", "prose", "select"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8) | st.sampled_from(["label", "statement", "withdrawn", "status"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=40,
)


@settings(deadline=None)
@given(JSON)
def test_whatever_comes_in_is_a_framework_that_loads_or_an_input_error(inside: Any) -> None:
    try:
        found = read({"catalog": inside})
    except InputError:
        return
    loaded = load_catalog(CatalogFolder("c", {"frameworks/nist.yaml": to_yaml(found).encode()}))
    assert loaded.frameworks["NIST"] == found
