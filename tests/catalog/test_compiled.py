"""The compiled form gives what the sources give, is never stale, and is never trusted where somebody else can have written it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kybern.base import InputError
from kybern.catalog import Catalog, CatalogFolder, load_catalog
from kybern.catalog import _compiled as compiled
from kybern.catalog import _load as loading
from kybern.records import Record

on_files = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def read_sources(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each time that the sources were parsed."""
    told: list[bool] = []
    real = loading._from_sources

    def count(*arguments: object) -> Catalog:
        told.append(True)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loading, "_from_sources", count)
    return told


def only(cache: Path) -> Path:
    (file,) = cache.iterdir()
    return file


def test_the_shipped_catalog_is_the_same_from_its_compiled_form(cache: Path, read_sources: list[bool]) -> None:
    first, second = (load_catalog(record_kinds=Record.registry, cache=cache) for _ in range(2))
    assert len(read_sources) == 1
    assert (first, first.digest) == (second, second.digest)
    assert [*first.requirements] == [*second.requirements]


def test_only_the_owner_can_read_or_write_it(texts: dict[str, str], folder: Callable, cache: Path) -> None:
    load_catalog(folder(texts), cache=cache)
    assert (cache.stat().st_mode & 0o777, only(cache).stat().st_mode & 0o777) == (0o700, 0o600)


def outcome(texts: dict[str, bytes], cache: Path | None) -> object:
    """The catalog, or its problems."""
    try:
        found = load_catalog(CatalogFolder("own", texts), cache=cache)
    except InputError as error:
        return error.problems
    return found, found.digest


@on_files
@given(data=st.data())
def test_one_byte_changed_in_a_source_is_never_overlooked(texts: dict[str, str], cache: Path, data: st.DataObject) -> None:
    files = {name: text.encode() for name, text in texts.items()}
    assert outcome(files, cache) == outcome(files, None)
    name = data.draw(st.sampled_from(sorted(files)))
    at, new = data.draw(st.integers(0, len(files[name]) - 1)), data.draw(st.integers(0, 255))
    changed = {**files, name: files[name][:at] + bytes([new]) + files[name][at + 1 :]}
    assert outcome(changed, cache) == outcome(changed, None)
    assert outcome(files, cache) == outcome(files, None)


@on_files
@given(data=st.data())
def test_a_broken_compiled_form_is_not_used(texts: dict[str, str], folder: Callable, cache: Path, data: st.DataObject) -> None:
    wanted = load_catalog(folder(texts), cache=cache)
    file = only(cache)
    whole = file.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = data.draw(st.sampled_from([whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], whole + b" ", b""]))
    file.write_bytes(broken)
    assert compiled.read_compiled(cache, file.stem) is None
    assert load_catalog(folder(texts), cache=cache) == wanted
    assert file.read_bytes() == whole, "it is written anew"


def test_a_compiled_form_of_other_sources_is_not_taken_under_another_name(texts: dict[str, str], folder: Callable, cache: Path) -> None:
    load_catalog(folder(texts), cache=cache)
    file = only(cache)
    other = "0" * 64
    file.rename(cache / f"{other}.json")
    assert compiled.read_compiled(cache, other) is None


def test_record_kinds_and_code_are_part_of_its_name(texts: dict[str, str], folder: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = [loading.Files.read(folder(texts))]
    names = {compiled.key_of(roots, None), compiled.key_of(roots, ["role"]), compiled.key_of(roots, [])}
    monkeypatch.setattr(compiled, "_code", lambda: "another version")
    assert len({*names, compiled.key_of(roots, None)}) == 4


def test_a_kind_that_is_gone_is_told_though_a_compiled_form_is_there(texts: dict[str, str], folder: Callable, cache: Path) -> None:
    load_catalog(folder(texts), record_kinds=["role", "ai_system"], cache=cache)
    with pytest.raises(InputError) as caught:
        load_catalog(folder(texts), record_kinds=["ai_system"], cache=cache)
    assert [problem.rule for problem in caught.value.problems] == ["unknown-kind"]


def spoil_file_mode(cache: Path) -> None:
    only(cache).chmod(0o620)


def spoil_folder_mode(cache: Path) -> None:
    cache.chmod(0o770)


def spoil_file_by_link(cache: Path) -> None:
    file = only(cache)
    file.rename(cache.with_name("elsewhere"))
    file.symlink_to(cache.with_name("elsewhere"))


def spoil_folder_by_link(cache: Path) -> None:
    cache.rename(cache.with_name("elsewhere"))
    cache.symlink_to(cache.with_name("elsewhere"))


def spoil_by_folder(cache: Path) -> None:
    file = only(cache)
    file.unlink()
    file.mkdir()


def spoil_by_pipe(cache: Path) -> None:
    file = only(cache)
    file.unlink()
    os.mkfifo(file)


SPOILERS = [spoil_file_mode, spoil_folder_mode, spoil_file_by_link, spoil_folder_by_link, spoil_by_folder, spoil_by_pipe]


@pytest.mark.parametrize("spoil", SPOILERS)
def test_what_somebody_else_can_have_written_is_not_trusted(
    texts: dict[str, str], folder: Callable, cache: Path, spoil: Callable[[Path], None]
) -> None:
    wanted = load_catalog(folder(texts), cache=cache)
    key = only(cache).stem
    assert compiled.read_compiled(cache, key) == wanted
    spoil(cache)
    assert compiled.read_compiled(cache, key) is None
    assert load_catalog(folder(texts), cache=cache) == wanted


@pytest.mark.parametrize("user", [1, None])
def test_a_folder_of_another_user_is_not_trusted_nor_written(
    texts: dict[str, str], folder: Callable, cache: Path, monkeypatch: pytest.MonkeyPatch, user: int | None
) -> None:
    load_catalog(folder(texts), cache=cache)
    file = only(cache)
    before = file.stat().st_mtime_ns
    if user is None:
        monkeypatch.delattr(os, "geteuid")
    else:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + user)
    assert compiled.read_compiled(cache, file.stem) is None
    load_catalog(folder(texts), cache=cache)
    assert only(cache).stat().st_mtime_ns == before


def test_where_nothing_can_be_written_the_sources_serve(texts: dict[str, str], folder: Callable, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert load_catalog(folder(texts), cache=tmp_path / "file") == load_catalog(folder(texts))
    assert load_catalog(folder(texts), cache=tmp_path / "file" / "below") == load_catalog(folder(texts))


def test_a_full_disk_leaves_nothing_half_written(
    texts: dict[str, str], folder: Callable, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert load_catalog(folder(texts), cache=cache) == load_catalog(folder(texts))
    assert list(cache.iterdir()) == []


def test_a_catalog_with_an_error_is_not_kept(texts: dict[str, str], folder: Callable, cache: Path) -> None:
    texts["controls/look.yaml"] = texts["controls/look.yaml"].replace("LAW:1.1", "LAW:7")
    for _ in range(2):
        with pytest.raises(InputError):
            load_catalog(folder(texts), cache=cache)
    assert not cache.exists()


def test_a_source_that_cannot_be_read_is_told(texts: dict[str, str], cache: Path, tmp_path: Path) -> None:
    for name, text in texts.items():
        file = tmp_path / "own" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "own" / "frameworks" / "gone.yaml").symlink_to("nowhere")
    with pytest.raises(InputError) as caught:
        load_catalog(tmp_path / "own", cache=cache)
    assert [problem.rule for problem in caught.value.problems] == ["unreadable"]


def test_old_compiled_forms_are_forgotten(texts: dict[str, str], folder: Callable, cache: Path) -> None:
    for number in range(12):
        text = texts["frameworks/law.yaml"].replace("A law", f"A law {number}")
        load_catalog(folder({**texts, "frameworks/law.yaml": text}), cache=cache)
    assert len(list(cache.iterdir())) == 8


def test_the_name_tells_files_apart_however_their_bytes_are_cut(cache: Path) -> None:
    def key(files: dict[str, bytes]) -> str | None:
        return compiled.key_of([loading.Files.read(CatalogFolder("own", files))], None)

    one, two = "frameworks/a.yaml", "frameworks/b.yaml"
    keys = [key({one: b"ab", two: b"c"}), key({one: b"a", two: b"bc"}), key({one: b"abc"}), key({"controls/a.yaml": b"abc"}), key({})]
    assert len(set(keys)) == len(keys)
    assert all(name and len(name) == len(hashlib.sha256().hexdigest()) for name in keys)
    assert not cache.exists()
