"""What the server's source does not do: run text as code, start programs, unpickle, write SQL of what people say, draw weak chances."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

SERVER = Path(__file__).parents[3] / "src" / "kybern" / "server"
SCRIPTS = sorted((SERVER / "pages" / "static").glob("*.js"))
RUNS_TEXT = frozenset(("eval", "exec", "compile", "__import__"))
MAKES_OBJECTS_OR_STARTS_PROGRAMS = frozenset(
    ("pickle", "marshal", "shelve", "dill", "jsonpickle", "subprocess", "pty", "commands", "ctypes")
)
WEAK_CHANCE = frozenset(("random",))
SPREADS_AND_HIDES_NOTHING = frozenset(("jobs/delivery.py",))
OLD_DIGESTS = frozenset(("md5", "sha1", "ECB", "TripleDES", "Blowfish", "ARC4", "PKCS1v15"))
OF_NOTHING_THAT_IS_SAID = {
    "store/bulk.py": "names of our own columns",
    "store/dump.py": "statements that Django makes of its tables",
}
"""The modules whose SQL is no constant, and what it is made of."""


@cache
def _modules() -> dict[str, ast.Module]:
    found = {str(one.relative_to(SERVER)): ast.parse(one.read_text(encoding="utf-8")) for one in SERVER.rglob("*.py")}
    assert len(found) > 100
    return found


def _imported(tree: ast.Module) -> set[str]:
    plain = {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    return {one.partition(".")[0] for one in plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}}


def _calls(tree: ast.Module) -> list[tuple[str, ast.Call]]:
    """Give every call with the last part of what is called, and what is called by its bare name with a dot before it."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(one.func.id if isinstance(one.func, ast.Name) else f".{one.func.attr}", one) for one in calls
            if isinstance(one.func, ast.Name | ast.Attribute)]  # fmt: skip


def test_no_text_is_run_and_no_program_is_started() -> None:
    for name, tree in _modules().items():
        assert not RUNS_TEXT & {called for called, _call in _calls(tree)}, name
        assert not MAKES_OBJECTS_OR_STARTS_PROGRAMS & _imported(tree), name
        assert not {".system", ".popen", ".spawnv", ".execv", ".from_string"} & {called for called, _call in _calls(tree)}, name


def test_sql_is_written_by_django_or_is_a_constant() -> None:
    for name, tree in _modules().items():
        for called, call in _calls(tree):
            assert called not in {".raw", ".extra", "RawSQL"}, f"{name}: {ast.unparse(call)}"
            if called in {".execute", ".executemany"} and ast.unparse(call.func).startswith("cursor."):
                constant = isinstance(call.args[0], ast.Constant)
                assert constant or name in OF_NOTHING_THAT_IS_SAID, f"{name}: {ast.unparse(call)}"


def test_chance_that_hides_something_is_the_systems() -> None:
    for name, tree in _modules().items():
        assert not WEAK_CHANCE & _imported(tree) or name in SPREADS_AND_HIDES_NOTHING, name
        assert not {".uuid1", ".uuid3", ".uuid5", "uuid1"} & {called for called, _call in _calls(tree)}, name


def test_no_old_digest_or_cipher_is_used() -> None:
    for name, tree in _modules().items():
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} | {
            node.id for node in ast.walk(tree) if isinstance(node, ast.Name)
        }
        assert not OLD_DIGESTS & names, name


def test_scripts_make_no_code_and_no_markup_of_text() -> None:
    assert SCRIPTS
    for one in SCRIPTS:
        text = one.read_text(encoding="utf-8")
        for made in (r"\beval\s*\(", r"\bnew\s+Function\b", r"\binnerHTML\b", r"\bouterHTML\b", r"insertAdjacentHTML", r"document\.write",
                     r"setTimeout\(\s*[\"']"):  # fmt: skip
            assert not re.search(made, text), f"{one.name} has {made}"


def test_a_browser_stores_how_pages_look_and_nothing_else() -> None:
    stored: set[str] = set()
    for one in SCRIPTS:
        text = one.read_text(encoding="utf-8")
        for other in ("sessionStorage", "indexedDB", "document.cookie", "caches.open", "serviceWorker"):
            assert other not in text, f"{one.name} has {other}"
        stored |= set(re.findall(r"(?:kept|localStorage\.[a-z]+Item)\(\s*([^,)]+)", text))
    assert stored == {"key", '"kybern-theme"', '"kybern-nav"', '"kybern-keys"'}


def test_no_secret_stands_in_the_source() -> None:
    """What opens a door is read from the environment or made at the first start."""
    for name, tree in _modules().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Constant):
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            said = node.value.value
            for one in targets:
                if isinstance(one, ast.Name) and re.search(r"(?i)(password|secret|api_key|private_key)$", one.id):
                    assert not isinstance(said, str) or len(said) < 8, f"{name}: {one.id}"
