"""Policies: the C2SP text, k of n against counting by hand, nothing that holds of anything."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import ORIGIN, SIGNER
from witness_bench import NOW, signed, tree

from kybern.base import InputError
from kybern.evidence import PrivateKey, Refused
from kybern.evidence.log import Signer, WitnessSigner, audit, audited, read_policy, read_witnesses, require

WITNESSES = [
    WitnessSigner(f"example.org/w{number}", Ed25519PrivateKey.from_private_bytes(bytes([number + 50]) * 32)) for number in range(6)
]
LINES = [f"witness w{number} {one.key}" for number, one in enumerate(WITNESSES)]
LOG = f"log {SIGNER.verifier}"
LEAVES = [b"one", b"two"]
TREE, NOTE = tree(LEAVES), signed(LEAVES)


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def cosigned(*numbers: int) -> bytes:
    return NOTE + b"".join(WITNESSES[number].cosign(TREE, NOW + number) for number in numbers)


def test_the_example_of_the_specification_reads() -> None:
    policy = read_policy(text(
        LOG, "", *LINES[:3], "group X-witnesses 2 w0 w1 w2", "", "  # a comment", *LINES[3:],
        "group\tY-witnesses  any w3 w4 w5 ", "group X-and-Y all X-witnesses Y-witnesses", "quorum X-and-Y",
    ))  # fmt: skip
    assert policy.reached({"w0", "w2", "w4"})
    assert not policy.reached({"w0", "w1", "w2"})
    assert not policy.reached({"w0", "w3", "w4", "w5"})
    assert not policy.reached({"X-and-Y"})
    assert read_policy(str(policy).encode()) == policy


def test_a_checkpoint_is_judged_by_who_cosigned_it() -> None:
    policy = read_policy(text(LOG, *LINES[:3], "group two 2 w0 w1 w2", "quorum two"))
    judged = require(policy, cosigned(2, 0, 5))
    assert [(name, one.at) for name, one in judged.cosigned] == [("w0", NOW), ("w2", NOW + 2)]
    assert (judged.absent, judged.checkpoint) == (("w1",), TREE)
    with pytest.raises(Refused, match="`two` is not reached: w1 cosigned, w0, w2 did not") as refused:
        require(policy, cosigned(1, 5))
    assert refused.value.rule == "no-quorum"
    assert not policy.judge(cosigned(1)).enough


def test_it_must_be_a_log_of_the_policy_or_the_key_that_is_given() -> None:
    stranger = Signer(ORIGIN, PrivateKey.generate())
    named, unnamed = read_policy(text(LOG, *LINES[:1], "quorum w0")), read_policy(text(*LINES[:1], "quorum w0"))
    note = cosigned(0)
    assert require(named, note).enough
    assert require(unnamed, note, SIGNER.verifier).enough
    for policy, key, rule in (
        (unnamed, None, "no-log"),
        (named, stranger.verifier, "no-log"),
        (unnamed, stranger.verifier, "not-signed"),
    ):
        with pytest.raises(Refused) as refused:
            require(policy, note, key)
        assert refused.value.rule == rule


def test_an_audit_says_what_the_policy_finds(tmp_path: Path) -> None:
    from log_bench import Bench  # noqa: PLC0415

    bench = Bench.at(tmp_path)
    note = bench.fill(3)
    found, policy = audit(bench.log), read_policy(text(*LINES[:1], "quorum w0"))
    assert [one.rule for one in audited(found, note, policy, SIGNER.verifier).findings] == ["no-quorum"]
    note += WITNESSES[0].cosign(bench.log.head().checkpoint, NOW)
    again = audited(found, note, policy, SIGNER.verifier)
    assert again.holds
    assert "w0 at 2026-" in again.held[-1]


BAD = [
    ("empty-policy", ()),
    ("empty-policy", (LOG, *LINES[:2])),
    ("empty-policy", (*LINES[:1], "quorum none")),
    ("unreachable-quorum", (*LINES[:2], "group g 3 w0 w1", "quorum g")),
    ("bad-threshold", (*LINES[:2], "group g 0 w0 w1", "quorum g")),
    ("bad-threshold", (*LINES[:2], "group g 01 w0 w1", "quorum g")),
    ("bad-threshold", (*LINES[:2], "group g \u0661 w0 w1", "quorum g")),
    ("bad-threshold", (*LINES[:2], "group g most w0 w1", "quorum g")),
    ("bad-line", (*LINES[:1], "group g any", "quorum g")),
    ("bad-line", (*LINES[:1], "quorum")),
    ("bad-line", (*LINES[:1], "quorum w0 w0")),
    ("bad-line", ("log",)),
    ("member-twice", (*LINES[:2], "group g 2 w0 w0", "quorum g")),
    ("member-twice", (*LINES[:2], "group g any w0", "group h any w0 w1", "quorum h")),
    ("unknown-name", (*LINES[:1], "group g any w0 w1", "quorum g")),
    ("unknown-name", (*LINES[:1], "group g any w0 g", "quorum g")),
    ("unknown-name", (*LINES[:1], "group g any none", "quorum g")),
    ("unknown-name", ("quorum w0", *LINES[:1])),
    ("quorum-twice", (*LINES[:1], "quorum w0", "quorum w0")),
    ("name-twice", (*LINES[:1], LINES[1].replace(" w1 ", " w0 "), "quorum w0")),
    ("name-twice", (LINES[0].replace(" w0 ", " none "), "quorum none")),
    ("key-twice", (*LINES[:1], LINES[0].replace(" w0 ", " w9 "), "quorum w0")),
    ("key-twice", (LOG, LOG, *LINES[:1], "quorum w0")),
    ("bad-key", (f"witness w {SIGNER.verifier}", "quorum w")),
    ("bad-key", (f"log {WITNESSES[0].key}", *LINES[:1], "quorum w0")),
    ("unknown-line", (*LINES[:1], "quora w0")),
    ("control-character", (*LINES[:1], "quorum w0\r")),
    ("too-large", ("#" * (1 << 18),)),
]


@pytest.mark.parametrize(("rule", "lines"), BAD, ids=[f"{rule}-{number}" for number, (rule, _) in enumerate(BAD)])
def test_what_asks_for_nothing_or_for_what_cannot_be_is_refused(rule: str, lines: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as error:
        read_policy(text(*lines), "p")
    assert [problem.rule for problem in error.value.problems] == [rule]
    assert str(error.value).startswith("p")


def test_a_log_cannot_be_its_own_witness() -> None:
    mirror = WitnessSigner("example.org/mirror", Ed25519PrivateKey.from_private_bytes(b"\x11" * 32))
    with pytest.raises(InputError, match="key-twice"):
        read_policy(text(LOG, f"witness m {mirror.key}", "quorum m"))


def test_the_place_of_what_is_wrong_is_told() -> None:
    with pytest.raises(InputError) as error:
        read_policy(text(*LINES[:1], "group g any  w7", "quorum g"), "p")
    assert str(error.value.problems[0].place) == "p:2:14"


def test_a_list_of_witnesses_has_addresses_and_nothing_else() -> None:
    found = read_witnesses(text(f"{LINES[0]} https://example.org/w0", "# and no other"))
    assert [(one.name, one.url) for one in found] == [("w0", "https://example.org/w0")]
    for lines, rule in (((LINES[0],), "no-url"), ((LOG,), "unknown-line"), ((f"{LINES[0]} http://a", "quorum w0"), "unknown-line")):
        with pytest.raises(InputError, match=rule):
            read_witnesses(text(*lines))


# --- the algebra, against counting by hand ---------------------------------------------------------------------------------------------

Rule = str | tuple[int, tuple["Rule", ...]]


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A rule over some witnesses, each in it once."""
    names = draw(st.lists(st.sampled_from([f"w{number}" for number in range(6)]), min_size=1, unique=True))
    parts: list[Rule] = list(names)
    for _ in range(draw(st.integers(0, 4))):
        count = draw(st.integers(1, len(parts)))
        members, parts = parts[:count], parts[count:]
        parts.append((draw(st.integers(1, count)), tuple(members)))
    return parts[0] if len(parts) == 1 else (draw(st.integers(1, len(parts))), tuple(parts))


def holds(rule: Rule, there: set[str]) -> bool:
    return rule in there if isinstance(rule, str) else sum(holds(part, there) for part in rule[1]) >= rule[0]


def written(rule: Rule, lines: list[str], *, words: bool) -> str:
    if isinstance(rule, str):
        return rule
    names = [written(part, lines, words=words) for part in rule[1]]
    need = {len(names): "all", 1: "any"}.get(rule[0], str(rule[0])) if words else str(rule[0])
    lines.append(f"group g{len(lines)} {need} {' '.join(names)}")
    return f"g{len(lines) - 1}"


@settings(deadline=None, max_examples=150)
@given(rules(), st.booleans())
def test_every_set_of_witnesses_is_judged_as_counting_by_hand_judges_it(rule: Rule, words: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    lines: list[str] = []
    quorum = written(rule, lines, words=words)
    policy = read_policy(text(*LINES, *lines, f"quorum {quorum}"))
    everybody = [f"w{number}" for number in range(6)]
    for count in range(7):
        for there in itertools.combinations(everybody, count):
            assert policy.reached(there) == holds(rule, set(there))
    assert not policy.reached(())
    assert policy.reached(everybody)


WORDS = ["log", "witness", "group", "quorum", "any", "all", "2", "w0", "g", "none", "#", str(WITNESSES[0].key)]
RANDOM = st.lists(st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join), max_size=5).map(lambda lines: text(*lines))


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200) | RANDOM)
def test_no_text_makes_anything_but_a_policy_that_asks_for_something(data: bytes) -> None:
    try:
        policy = read_policy(data)
    except InputError:
        return
    assert not policy.reached(())
    assert policy.reached([one.name for one in policy.witnesses])
