"""Predicates in Python come from installed packages by entry point; a rule may call one, and analyses say that nothing is proved of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from policy_rules import bundle_of, request

from kybern.policy import Base, Effect, InvariantSpec, Predicate, decide_on, installed_predicates
from kybern.policy.analysis import analyse, prove
from kybern.policy.export import to_cedar, to_rego

CODE = '''
"""A plug-in with a predicate."""
from kybern.policy import Base, Predicate


def luhn(number: str) -> bool:
    digits = [int(sign) for sign in number if sign.isdigit()]
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[-2::-2]]
    return bool(digits) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


card = Predicate("luhn@1", (Base.STRING,), luhn)
same = Predicate("luhn@1", (Base.STRING,), lambda number: True)
nothing = "no predicate"
'''
WHEN = 'predicate("luhn@1", system.owner)'


def install(folder: Path, points: str) -> None:
    """Lay a distribution out as an installer does."""
    (folder / "kybern_luhn.py").write_text(CODE, encoding="utf-8")
    info = folder / "kybern_luhn-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kybern-luhn\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[kybern.predicates]\n" + dedent(points), encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("kybern_luhn", None)


def test_the_predicate_of_an_installed_package_decides(site: Path) -> None:
    install(site, "luhn = kybern_luhn:card\n")
    predicates = installed_predicates()
    assert predicates["luhn@1"].takes == (Base.STRING,)
    found = bundle_of(WHEN, predicates=predicates)
    assert decide_on(found, *request({"system.owner": "4539 1488 0343 6467"})).effect is Effect.DENY
    assert decide_on(found, *request({"system.owner": "4539 1488 0343 6468"})).effect is Effect.ALLOW


@pytest.mark.parametrize("points", ["x = kybern_luhn:nothing\n", "a = kybern_luhn:card\nb = kybern_luhn:same\n"])
def test_what_is_no_predicate_or_has_the_name_of_another_is_refused(site: Path, points: str) -> None:
    install(site, points)
    with pytest.raises(ValueError, match="is no predicate, or another has its name"):
        installed_predicates()


@pytest.mark.parametrize("name", ["luhn", "luhn@", "luhn@one", "@1", "lu-hn@1", ""])
def test_a_predicate_has_a_name_and_a_version(name: str) -> None:
    with pytest.raises(ValueError, match="a name and a version"):
        Predicate(name, (), lambda: True)


def test_nothing_is_proved_of_a_predicate_and_it_is_not_exported() -> None:
    predicates = {"luhn@1": Predicate("luhn@1", (Base.STRING,), lambda _: True)}
    found = bundle_of(WHEN, "tests.failed > 3", effects=("allow", "deny"), predicates=predicates)
    assert analyse(found).opaque == ("the predicate luhn@1",)
    invariant = InvariantSpec(id="i", title="t", applies_to=("deploy",), when="tests.failed > 3", never=(Effect.ALLOW,))
    [verdict] = prove(found, [invariant])
    assert verdict.holds is True, "whatever the predicate answers"
    assert verdict.opaque == ("the predicate luhn@1",)
    for export in (to_cedar(found), to_rego(found)):
        assert [one.rule.id for one in export.left_out] == ["r0"]


def test_the_answer_of_a_predicate_is_true_or_false_or_a_denial() -> None:
    found = bundle_of(WHEN, predicates={"luhn@1": Predicate("luhn@1", (Base.STRING,), lambda _: 1)}, effects=("allow",))  # type: ignore[arg-type,return-value]
    decision = decide_on(found, *request({}))
    assert decision.effect is Effect.DENY
    assert "answered with int" in decision.reasons[0]
