"""The commit of the repository that a folder lies in, wherever that is and whatever is set."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from crossres.benchmark.records.commit import Commit, commit_at


def git(folder: Path, *arguments: str) -> str:
    author = ["-c", "user.name=A", "-c", "user.email=a@b"]
    command = ["git", "-C", str(folder), *author, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def put_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, lines: str) -> None:
    """Let `git` be a script of these lines."""
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{lines}\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit of one file, and a folder in it."""
    folder = tmp_path / "repository"
    (folder / "methods").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "mine.py").write_text("a = 1\n")
    git(folder, "add", "mine.py")
    git(folder, "commit", "--quiet", "-m", "one")
    return folder


def test_it_is_that_of_the_whole_tree(repository: Path) -> None:
    commit = commit_at(repository / "methods")
    assert commit == Commit(git(repository, "rev-parse", "HEAD"), changed=False)
    assert commit.short == commit.hash[:7]
    assert commit.words == f"commit {commit.hash[:12]}"


@pytest.mark.parametrize("staged", [False, True])
def test_changed_is_a_tree_whose_tracked_files_differ(repository: Path, staged: bool) -> None:
    (repository / "results.json").write_text("{}")  # what git does not track is no change
    assert commit_at(repository) == Commit(git(repository, "rev-parse", "HEAD"), changed=False)
    (repository / "mine.py").write_text("a = 2\n")
    if staged:
        git(repository, "add", "mine.py")
    commit = commit_at(repository)
    assert commit is not None
    assert commit.short == f"{commit.hash[:7]}+"
    assert commit.words.endswith(", with changes")


def test_there_is_none_outside_of_a_repository_and_before_the_first_commit(tmp_path: Path) -> None:
    assert commit_at(tmp_path) is None
    assert commit_at(tmp_path / "nowhere") is None
    git(tmp_path, "init", "--quiet")
    assert commit_at(tmp_path) is None


def test_a_detached_head_and_a_worktree_have_their_own(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "two")
    second = git(repository, "rev-parse", "HEAD")
    tree = tmp_path / "tree"
    git(repository, "worktree", "add", "--quiet", "--detach", str(tree), first)
    assert (tree / ".git").is_file()
    assert commit_at(tree) == Commit(first, changed=False)
    assert commit_at(repository) == Commit(second, changed=False)
    git(repository, "checkout", "--quiet", "--detach", first)
    git(repository, "pack-refs", "--all")
    assert commit_at(repository) == Commit(first, changed=False)


def test_what_a_hook_of_another_repository_sets_does_not_matter(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Commit(git(repository, "rev-parse", "HEAD"), changed=False)
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", "nothing")
    assert commit_at(repository) == expected


def test_of_a_repository_of_another_user_no_program_is_run(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    program.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(program))
    assert commit_at(repository) is not None
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    as_of_another_user = (
        f'export GIT_TEST_ASSUME_DIFFERENT_OWNER=1\nexec {shutil.which("git")} "$@"'
    )
    put_on_path(monkeypatch, tmp_path / "bin", as_of_another_user)
    commit = commit_at(repository)
    assert commit is not None
    assert commit.changed is None
    assert commit.short.endswith("?")
    assert commit.words.endswith(", changes unknown")
    assert not (tmp_path / "ran").exists()


def test_without_git_and_with_one_that_hangs_there_is_none_soon(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert commit_at(repository) is None
    put_on_path(monkeypatch, tmp_path / "bin", "exec /bin/sleep 60")
    monkeypatch.setattr("crossres.benchmark.records.commit.TIMEOUT", 0.2)
    start = time.monotonic()
    assert commit_at(repository) is None
    assert time.monotonic() - start < 5
