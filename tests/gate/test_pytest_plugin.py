"""The pytest plugin in runs of pytest: silent unless asked, counts per control, signs, and refuses marks that mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from kybern.evidence import Evidence, KeyKind, PrivateKey, read_evidence, read_keyring, with_key

pytest_plugins = ["pytester"]

SYSTEM = """\
- {kind: person, id: anna, title: Anna}
- {kind: ai_system, id: scoring, title: S, role: provider, purpose: p, use_case: u, autonomy: proposes, users: [u], jurisdictions: [IE],
  stage: validation}
"""
TESTS = """
import pytest

@pytest.mark.control("LIF-15")
def test_one(): pass

@pytest.mark.control("LIF-15")
@pytest.mark.control("A.6.2.4", topic="validation-test")
def test_two(): pass

@pytest.fixture
def breaks():
    yield
    raise RuntimeError

@pytest.mark.control("LIF-15")
@pytest.mark.skip(reason="later")
def test_three(): pass

@pytest.mark.control("LIF-16")
class TestSecurity:
    def test_a(self): pass
    def test_b(self): assert False
    def test_c(self, breaks): pass
    @pytest.mark.xfail
    def test_d(self): assert False

def test_unmarked(): pass
"""


@pytest.fixture
def world(pytester: pytest.Pytester) -> pytest.Pytester:
    """A workspace with a key, and tests beside it."""
    from datetime import UTC, datetime  # noqa: PLC0415 - beside what it is for

    root = pytester.path / "workspace"
    (root / "records").mkdir(parents=True)
    (root / "kybern.yaml").write_text("kybern: 1\n")
    (root / "records" / "all.yaml").write_text(SYSTEM)
    (root / ".kybern" / "keys").mkdir(parents=True)
    keys = b""
    for name, holder, kind in (("ci", "pipeline:ci", KeyKind.PIPELINE), ("stranger", "tool:x", KeyKind.TOOL)):
        key = PrivateKey.generate()
        (root / ".kybern" / "keys" / f"{name}.pem").write_bytes(key.pem())
        if name == "ci":
            keys = with_key("", key.trusted(name=name, holder=holder, kind=kind, valid_from=datetime(2026, 1, 1, tzinfo=UTC)), "keys.yaml")
    (root / "keys.yaml").write_bytes(keys)
    pytester.makepyfile(test_sample=TESTS)
    return pytester


OTHERS = ("schemathesis", "django", "anyio", "hypothesispytest", "platformdirs")
"""Plugins of other packages here, which take over a second to load and have no part in these runs."""
PLAIN = ("-p", "no:cacheprovider", "--strict-markers", *(word for name in OTHERS for word in ("-p", f"no:{name}")))
ASKED = ("--kybern-evidence", "out", "--kybern-system", "scoring", "--kybern-key", "ci", "--kybern-workspace", "workspace")


def run(world: pytest.Pytester, *words: str) -> pytest.RunResult:
    return world.runpytest_subprocess(*PLAIN, *words)


def run_here(world: pytest.Pytester, *words: str) -> pytest.RunResult:
    """Run in this process, which is quicker, where no test is to run at all."""
    return world.runpytest_inprocess("-p", "no:cacheprovider", "--strict-markers", *words)


def written(world: pytest.Pytester) -> dict[str, Evidence]:
    root = world.path / "workspace"
    read = read_evidence(world.path / "out", read_keyring(root), root)
    assert read.refused == ()
    return {piece.body["suite"]: piece for piece in read.accepted}


@pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_the_tests_of_each_control_become_one_piece(world: pytest.Pytester, more: tuple[str, ...]) -> None:
    result = run(world, *ASKED, *more)
    assert result.ret == 1
    found = written(world)
    counts = {suite: (piece.topic, *(piece.body[name] for name in ("passed", "failed", "skipped"))) for suite, piece in found.items()}
    assert counts == {
        "pytest: LIF-15": ("robustness-test", 2, 0, 1),
        "pytest: A.6.2.4": ("validation-test", 1, 0, 0),
        "pytest: LIF-16": ("security-test", 1, 2, 1),
    }
    assert {piece.strength.label for piece in found.values()} == {"measured and signed"}
    assert len({piece.observed_at for piece in found.values()}) == 1
    assert {piece.subjects[0].ref for piece in found.values()} == {"ai_system:scoring"}
    result.stdout.fnmatch_lines(
        ["LIF-15 on robustness-test about ai_system:scoring: 2 passed, 0 failed, 1 skipped; measured and signed, *"]
    )


def test_unless_it_is_asked_it_only_declares_the_mark(world: pytest.Pytester) -> None:
    world.makepyfile(test_sample=TESTS.replace('"LIF-16"', '"nonsense"'))
    result = run(world)
    assert "evidence" not in result.stdout.str()
    assert not (world.path / "out").exists()
    assert "marker" not in result.stdout.str()
    heavy = "import sys; assert not {'pydantic', 'yaml', 'numpy'} & set(sys.modules), 'slow'"
    world.makepyfile(test_light=f"def test_light(): exec({heavy!r})")
    assert run(world, "test_light.py").ret == 0


def test_a_run_that_broke_off_writes_nothing(world: pytest.Pytester) -> None:
    world.makepyfile(test_sample=TESTS + "\ndef test_stop(): raise KeyboardInterrupt\n")
    assert run(world, *ASKED).ret == 2
    assert not (world.path / "out").exists()


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ('"XYZ-01"', "the catalog has no control and no requirement XYZ-01"),
        ('"A.6.2.4"', "asks for test runs on these topics: *validation-test*; name one with topic="),
        ('"LIF-15", topic="validation-test"', "LIF-15 asks for test runs on these topics: robustness-test"),
        ('"LIF-19"', "asks for test runs on these topics: none"),
        ("", "write @pytest.mark.control"),
        ('"LIF-15", topics="x"', "write @pytest.mark.control"),
    ],
)
def test_a_mark_that_means_nothing_stops_the_run(world: pytest.Pytester, mark: str, says: str) -> None:
    world.makepyfile(test_sample=f"import pytest\n@pytest.mark.control({mark})\ndef test_one(): pass\n")
    result = run_here(world, *ASKED)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*{says.replace('[', '[[]')}*"])
    assert not (world.path / "out").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--kybern-evidence", "out"), "needs --kybern-system and --kybern-key"),
        ((*ASKED, "--kybern-key", "nobody"), "the key nobody cannot be used"),
        ((*ASKED, "--kybern-key", "stranger"), "the keyring does not know the key stranger"),
        ((*ASKED, "--kybern-system", "other"), "the workspace has no record other"),
        ((*ASKED, "--kybern-workspace", "/"), "kybern.yaml"),
    ],
)
def test_options_that_do_not_fit_stop_the_run(world: pytest.Pytester, words: tuple[str, ...], says: str) -> None:
    result = run_here(world, *words)
    assert result.ret == 4
    assert says in result.stderr.str()


def test_the_plugin_comes_by_entry_point() -> None:
    from importlib.metadata import entry_points  # noqa: PLC0415 - beside what it is for

    (found,) = [point for point in entry_points(group="pytest11") if point.name == "kybern"]
    assert Path(found.load().__file__).name == "pytest_plugin.py"
