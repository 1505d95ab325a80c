"""Questions of an API server: read strictly, answered in its form; whatever is no question has no answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.gate import NoReviewError, answer, read_admission

REVIEW = json.loads((Path(__file__).parent / "admission_review.json").read_text(encoding="utf-8"))


def review(**request: Any) -> bytes:
    return json.dumps({**REVIEW, "request": {**REVIEW["request"], **request}}).encode()


def test_an_objects_label_names_its_system_and_the_operation_its_gate() -> None:
    asked = read_admission(review())
    assert (asked.uid, asked.what, asked.system, asked.stage, asked.dry_run) == (
        "705ab4f5-6393-11e8-b7cc-42010a800002", "Deployment/credit/scoring", "fine", "deploy", False,
    )  # fmt: skip
    assert read_admission(review(), label="other/label").system is None
    annotated = {"metadata": {"annotations": {"kybern/ai-system": "other"}}}
    assert read_admission(review(object=annotated)).system == "other"
    gone = read_admission(review(operation="DELETE", object=None, oldObject=REVIEW["request"]["object"]))
    assert (gone.system, gone.stage) == ("fine", "retire")
    assert read_admission(review(operation="CONNECT")).stage is None
    assert read_admission(review(object=None)).system is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        json.dumps({**REVIEW, "apiVersion": "admission.k8s.io/v1beta1"}).encode(),
        json.dumps({**REVIEW, "kind": "Pod"}).encode(),
        json.dumps({**REVIEW, "request": None}).encode(),
        review(uid=""),
        review(object={"metadata": {"labels": {"kybern/ai-system": 3}}}),
        b"[" * 100_000,
        b" " * (3 * 1024 * 1024 + 1),
    ],
)
def test_what_is_no_question_is_told_apart(body: bytes) -> None:
    with pytest.raises(NoReviewError):
        read_admission(body)


@given(st.binary(max_size=100) | st.integers(0, len(review()) - 1).map(lambda at: review()[:at]))
def test_noise_is_no_question(body: bytes) -> None:
    with pytest.raises(NoReviewError):
        read_admission(body)


def test_an_answer_has_the_form_of_the_question() -> None:
    no = json.loads(answer("u1", "x" * 5000, allowed=False, warnings=("w" * 500,)))
    assert (no["apiVersion"], no["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert (no["response"]["uid"], no["response"]["allowed"], no["response"]["status"]["code"]) == ("u1", False, 403)
    assert len(no["response"]["status"]["message"]) == 2000
    assert [len(warning) for warning in no["response"]["warnings"]] == [120]
    assert json.loads(answer("u1", "fine", allowed=True))["response"] == {"uid": "u1", "allowed": True}
