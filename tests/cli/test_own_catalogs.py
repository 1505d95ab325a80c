"""Catalogs of the user's own: named in `kybern.yaml`, used by every command, carried in the pack, told to whoever checks it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the helper module beside the tests

import own_world
from own_world import HEAD, control, run

from kybern.base import InputError
from kybern.catalog import load_catalog
from kybern.cli._shared import cache_folder
from kybern.report.pack import verify
from kybern.workspace import Settings, catalogs_of

HOUSE = f"""\
id: HOUSE
title: House rules
{HEAD}\
  - {{id: "1", kind: rule, title: Say it, statement: Say that it is a machine.}}
"""
CONTROL = control("HOUSE:1")
SETTINGS = "kybern: 1\nframeworks: [HOUSE, ISO42001]\ncatalogs: [catalogs/house]\n"
AS_OF = ("--as-of", "2026-11-20")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = {
        "kybern.yaml": SETTINGS,
        "catalogs/house/frameworks/house.yaml": HOUSE,
        "catalogs/house/controls/house.yaml": CONTROL,
    }
    return own_world.workspace(tmp_path_factory.mktemp("workspace"), texts)


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "workspace"))


def test_every_command_knows_the_framework(made: Path, tmp_path: Path) -> None:
    told = json.loads(run("assess", "--json", *AS_OF, "-C", made).stdout)
    assert told["frameworks"] == ["HOUSE", "ISO42001"]
    assert "met" in run("explain", "HOUSE:1", *AS_OF, "-C", made).stdout
    assert run("gaps", "--framework", "HOUSE", *AS_OF, "-C", made).exit_code == 0
    assert run("lint", *AS_OF, "-C", made).exit_code == 0
    run("report", "--html", tmp_path / "r.html", *AS_OF, "-C", made)
    assert "House rules" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "HOUSE" in run("catalog", "list", "-C", made).stdout
    assert "Say that it is a machine." in run("catalog", "show", "HOUSE:1", "-C", made).stdout
    assert f"{len(load_catalog().frameworks) + 1} frameworks" in run("catalog", "lint", "-C", made).stdout


def test_commands_inside_the_workspace_need_no_option(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made / "records")
    assert "HOUSE" in run("catalog", "list").stdout
    monkeypatch.chdir(made.parent)
    assert "HOUSE" not in run("catalog", "list").stdout


def test_the_digest_of_the_catalog_covers_it(workspace: Path) -> None:
    def digest() -> str:
        return str(json.loads(run("assess", "--json", *AS_OF, "-C", workspace).stdout)["digests"]["catalog"])

    before = digest()
    control = workspace / "catalogs/house/controls/house.yaml"
    control.write_text(CONTROL.replace("value: true", "value: false"), encoding="utf-8")
    assert len({before, digest(), load_catalog().digest}) == 3


def test_an_assessment_is_recomputed_with_it(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(run("assess", "--json", *AS_OF, "-C", workspace).stdout, encoding="utf-8")
    run("verify-assessment", file, "-C", workspace)
    (workspace / "catalogs/house/controls/house.yaml").write_text(CONTROL.replace("value: true", "value: false"), encoding="utf-8")
    assert "catalog" in run("verify-assessment", file, "-C", workspace, code=1).stdout


def test_a_pack_carries_it_and_is_recomputed_without_the_workspace(workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.zip"
    run("pack", *AS_OF, "--out", out, "-C", workspace)
    shutil.rmtree(workspace)
    assert verify.unzip(out.read_bytes())["catalogs/house/controls/house.yaml"].decode() == CONTROL
    told = json.loads(run("verify", out, "--json").stdout)
    assert (told["holds"], told["recomputed"]) == (True, True)
    assert any("catalogs of the organisation's own" in note and "catalogs/house" in note for note in told["noted"])


@pytest.mark.parametrize("way", ["changed", "gone", "more", "broken"])
def test_a_pack_whose_catalog_was_touched_does_not_hold(workspace: Path, tmp_path: Path, way: str) -> None:
    out = tmp_path / "audit.zip"
    run("pack", *AS_OF, "--out", out, "-C", workspace)
    files = verify.unzip(out.read_bytes())
    name = "catalogs/house/controls/house.yaml"
    if way == "gone":
        del files[name]
    elif way == "more":
        files["catalogs/other/frameworks/a.yaml"] = HOUSE.encode()
    else:
        files[name] = CONTROL.replace("value: true", "value: false" if way == "changed" else "value: [").encode()
    manifest = json.loads(files[verify.MANIFEST])
    content = {key: data for key, data in files.items() if key not in {verify.MANIFEST, verify.SUMS}}
    listed = [{"path": key, "sha256": verify.sha256(content[key]), "size": len(content[key])} for key in sorted(content)]
    raw = json.dumps({**manifest, "files": listed}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    files |= {verify.MANIFEST: raw, verify.SUMS: verify.sums(raw, listed)}
    out.write_bytes(b"".join(verify.chunks(files)))
    told = json.loads(run("verify", out, "--json", code=1).stdout)
    assert not told["holds"]
    assert told["failed"] or not told["recomputed"]


def test_a_pack_without_records_leaves_the_catalog_out(workspace: Path, tmp_path: Path) -> None:
    run("pack", *AS_OF, "--out", tmp_path / "a.zip", "--without-records", "-C", workspace)
    assert not any(name.startswith("catalogs/") for name in verify.unzip((tmp_path / "a.zip").read_bytes()))


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("[catalogs/none]", "no-folder"),
        ("[catalogs/empty]", "no-catalog"),
        ("[catalogs/../records]", "invalid-value"),
        ("[records]", "invalid-value"),
        ("[catalogs]", "invalid-value"),
        ("[/etc]", "invalid-value"),
        ("[catalogs//house]", "invalid-value"),
        ("['catalogs/a\\b']", "invalid-value"),
        ("[catalogs/link]", "symlink"),
        ("[catalogs/house, catalogs/house]", "duplicate-framework"),
        ("catalogs/house", "wrong-type"),
    ],
)
def test_a_catalog_that_cannot_be_used_is_told_where_it_is_named(workspace: Path, setting: str, rule: str) -> None:
    (workspace / "catalogs/link").symlink_to(workspace / "catalogs/house")
    (workspace / "catalogs/empty").mkdir()
    (workspace / "kybern.yaml").write_text(f"kybern: 1\ncatalogs: {setting}\n", encoding="utf-8")
    for words in (("assess",), ("lint",), ("catalog", "list")):
        said = run(*words, "-C", workspace, code=2).stderr
        assert f"[{rule}]" in said
        assert "kybern.yaml:2:" in said or rule == "duplicate-framework"


def test_a_fault_in_it_is_told_with_its_place_in_the_workspace(workspace: Path) -> None:
    (workspace / "catalogs/house/controls/house.yaml").write_text(CONTROL.replace("HOUSE:1", "HOUSE:7"), encoding="utf-8")
    said = run("assess", *AS_OF, "-C", workspace, code=2).stderr
    assert "catalogs/house/controls/house.yaml:9:29" in said
    assert "Did you mean HOUSE:1?" in said


def test_a_catalog_of_too_many_files_is_refused_from_a_workspace_and_from_a_pack(workspace: Path) -> None:
    files = {f"catalogs/house/frameworks/{number}.yaml": b"" for number in range(1001)}
    with pytest.raises(InputError, match="too-large"):
        catalogs_of(files, SETTINGS.encode())
    for name in files:
        (workspace / name).touch()
    assert "[too-large]" in run("assess", "-C", workspace, code=2).stderr


def test_a_file_behind_a_link_is_not_read(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(HOUSE.replace("id: HOUSE", "id: SECRET"), encoding="utf-8")
    (workspace / "catalogs/house/frameworks/secret.yaml").symlink_to(tmp_path / "secret.yaml")
    assert "[outside]" in run("assess", "-C", workspace, code=2).stderr


def test_a_workspace_without_catalogs_keeps_its_digest() -> None:
    assert Settings(kybern=1).content == {"kybern": 1, "frameworks": ["ISO42001", "NIST_AI_RMF"]}
    assert Settings(kybern=1, catalogs=("catalogs/house",)).content["catalogs"] == ["catalogs/house"]


@pytest.mark.parametrize(
    ("set_", "wanted"),
    [
        ({"KYBERN_CACHE": "/somewhere"}, "/somewhere/catalog"),
        ({"KYBERN_CACHE": ""}, None),
        ({"KYBERN_CACHE": "off"}, None),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/kybern/catalog"),
        ({"XDG_CACHE_HOME": "not/absolute", "HOME": "/h"}, "/h/.cache/kybern/catalog"),
        ({"HOME": "/h"}, "/h/.cache/kybern/catalog"),
    ],
)
def test_where_compiled_catalogs_lie(monkeypatch: pytest.MonkeyPatch, set_: dict[str, str], wanted: str | None) -> None:
    for name in ("KYBERN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in set_.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == (Path(wanted) if wanted else None)


def test_commands_keep_the_compiled_form_and_do_without_it(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYBERN_CACHE", str(tmp_path / "cache"))
    first = run("assess", "--json", *AS_OF, "-C", made).stdout
    assert len(list((tmp_path / "cache" / "catalog").iterdir())) == 1
    assert run("assess", "--json", *AS_OF, "-C", made).stdout == first
    monkeypatch.setenv("KYBERN_CACHE", "off")
    assert run("assess", "--json", *AS_OF, "-C", made).stdout == first
