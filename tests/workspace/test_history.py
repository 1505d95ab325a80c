"""Versions of records from Git: what changed when, and how often Git is asked."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from kybern.workspace import History, _history, load_workspace

if TYPE_CHECKING:
    from conftest import Repository

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(repo: Repository, *arguments: str) -> None:
    settings = ["-c", "user.name=Ada Quinn", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["/usr/bin/env", "git", "-C", str(repo.root), *settings, *arguments], check=True, capture_output=True)


def commit(repo: Repository, title: str, text: str) -> None:
    repo.write("records/people/people.yml", text)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", title)


def digest(repo: Repository, ref: str) -> str:
    record = load_workspace(repo.root).records.get(ref)
    assert record is not None
    return record.digest


@pytest.fixture
def told(repo: Repository) -> Repository:
    """Ada changes twice, Bob never, and one state of the file cannot be read."""
    git(repo, "init", "-q")
    commit(repo, "first", "- {kind: person, id: ada, title: Ada}\n- {kind: person, id: bob, title: Bob}\n")
    commit(repo, "broken", "- {kind: person, id: ada\n")
    commit(repo, "second", "- {kind: person, id: ada, title: Ada Quinn}\n- {kind: person, id: bob, title: Bob}\n")
    return repo


def test_a_commit_that_left_the_record_as_it_was_is_no_version_of_it(told: Repository) -> None:
    history = History(told.root)
    ada = history.versions("records/people/people.yml", "person:ada", digest(told, "person:ada"))
    bob = history.versions("records/people/people.yml", "person:bob", digest(told, "person:bob"))
    assert [one.subject for one in ada] == ["second", "first"]
    assert [one.subject for one in bob] == ["first"]
    assert {one.author for one in ada} == {"Ada Quinn"}


def test_what_is_not_committed_is_a_version_without_a_commit(told: Repository) -> None:
    told.write("records/people/people.yml", "- {kind: person, id: ada, title: Ada Q.}\n")
    newest = History(told.root).versions("records/people/people.yml", "person:ada", digest(told, "person:ada"))[0]
    assert (newest.digest, newest.commit, newest.date) == (digest(told, "person:ada"), None, None)


def test_git_is_asked_once_for_a_file_however_many_records_it_holds(told: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask = _history._git
    monkeypatch.setattr(_history, "_git", lambda root, *arguments: asked.append(arguments[0]) or ask(root, *arguments))
    history = History(told.root)
    for ref in ("person:ada", "person:bob", "person:ada"):
        history.versions("records/people/people.yml", ref, "")
    assert asked == ["log", "show", "show", "show"]


def test_without_a_history_there_is_no_version(repo: Repository) -> None:
    assert History(repo.root).versions("records/people/people.yml", "person:ada", digest(repo, "person:ada")) == ()
