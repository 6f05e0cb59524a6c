"""Nobody else's folder is taken for the templates, and nobody else may enter ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from custodes.errors import SetupError
from custodes.ranking.segments.place import make_private


def test_a_new_folder_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_private(tmp_path / "segments")
    finally:
        os.umask(before)
    assert (tmp_path / "segments").stat().st_mode & 0o777 == 0o700


def test_one_that_others_could_enter_is_closed(tmp_path: Path) -> None:
    (tmp_path / "segments").mkdir(mode=0o777)
    make_private(tmp_path / "segments")
    assert (tmp_path / "segments").stat().st_mode & 0o777 == 0o700


def test_a_link_that_was_laid_in_its_place_is_not_followed(tmp_path: Path) -> None:
    """Attack: lay a link in /dev/shm, under the name that the installation will use."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "segments").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SetupError, match=r"gallery\.folder-unusable"):
        make_private(tmp_path / "segments")


def test_somebody_elses_folder_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: make the folder first, and read what is put into it."""
    (tmp_path / "segments").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(SetupError, match=r"gallery\.folder-unusable"):
        make_private(tmp_path / "segments")


def test_a_file_in_its_place_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "segments").write_bytes(b"")
    with pytest.raises(SetupError, match=r"gallery\.folder-unusable"):
        make_private(tmp_path / "segments")
