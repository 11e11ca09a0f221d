from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from assay_reports.files import append, opened_alone, replaced


def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("old")
    old.chmod(0o640)
    umask = os.umask(0o022)
    try:
        for path in (new, old):
            os.close(replaced(path, "text"))
    finally:
        os.umask(umask)

    assert [stat.S_IMODE(path.stat().st_mode) for path in (new, old)] == [0o644, 0o640]
    assert [path.read_text() for path in (new, old)] == ["text", "text"]


def test_the_file_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")

    os.close(replaced(tmp_path / "link", "new"))

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


def test_what_a_killed_process_left_beside_a_file_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / f".file.{os.getpid()}").write_text("a longer text than the new one")

    os.close(replaced(tmp_path / "file", "new"))

    assert (tmp_path / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_is_replaced_is_locked_still(tmp_path: Path) -> None:
    descriptor = replaced(tmp_path / "file", "text")

    with pytest.raises(BlockingIOError):
        opened_alone(tmp_path / "file")
    os.close(descriptor)

    os.close(opened_alone(tmp_path / "file"))


def test_a_file_that_was_replaced_while_it_was_opened_is_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lock = tmp_path / "file", fcntl.flock
    path.write_text("old")

    def slow(descriptor: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        os.close(replaced(path, "new"))
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    descriptor = opened_alone(path)

    assert os.read(descriptor, 10) == b"new"
    os.close(descriptor)


def test_a_file_system_without_locks_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unlocked(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unlocked)

    os.close(replaced(tmp_path / "file", "text"))

    assert (tmp_path / "file").read_text() == "text"


def test_a_text_is_added_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, path = os.write, tmp_path / "file"
    descriptor = replaced(path, "one\n")
    append(descriptor, "two\n")

    def half(descriptor: int, data: Any) -> int:
        if len(data) < 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:3])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space left"):
        append(descriptor, "three\n four")
    os.close(descriptor)

    assert path.read_text() == "one\ntwo\n"


def test_a_lone_surrogate_is_written_as_its_escape(tmp_path: Path) -> None:
    os.close(replaced(tmp_path / "file", '"\udc80 größer"'))

    assert (tmp_path / "file").read_bytes() == b'"\\udc80 gr\xc3\xb6\xc3\x9fer"'
