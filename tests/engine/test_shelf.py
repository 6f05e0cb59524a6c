"""The operator's own packs in the models folder: found by name, put there whole, taken away whole."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from custodes.engine import Manifest, builtin_packs, find_pack
from custodes.engine.shelf import find_manifest, own_names, put, read_manifest, take_away, write_signature
from custodes.errors import ModelPackError


@pytest.fixture
def manifest(tmp_path: Path, manifest_text: str) -> Path:
    """A manifest of the operator's own."""
    path = tmp_path / "own.toml"
    path.write_text(manifest_text.replace('name = "opencv-zoo"', 'name = "own"'), "utf-8")
    return path


def code(call: object, *arguments: object) -> str:
    with pytest.raises(ModelPackError) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.code


def staged(found: Manifest, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for file in found.pack.files:
        (folder / file.filename).write_bytes(file.role.encode())
    return folder


class TestReading:
    def test_bytes_hash_and_signature_are_those_of_the_files(self, manifest: Path) -> None:
        write_signature(manifest, b"signed\n")
        found = read_manifest(manifest)
        assert (found.pack.name, found.content, found.signature) == ("own", manifest.read_bytes(), b"signed\n")
        assert not found.is_built_in

    def test_without_a_signature_there_is_none(self, manifest: Path) -> None:
        assert read_manifest(manifest).signature is None

    @pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"\x00" * 50, b"#" * 200_000, None])
    def test_a_manifest_that_cannot_be_read(self, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "own.toml"
        if content is not None:
            path.write_bytes(content)
        assert code(read_manifest, path) == "pack.manifest-malformed"

    def test_deeply_nested_toml_is_malformed_and_no_crash(self, tmp_path: Path) -> None:
        path = tmp_path / "own.toml"
        path.write_text("a = " + "[" * 40_000 + "]" * 40_000)
        assert code(read_manifest, path) == "pack.manifest-malformed"

    def test_the_manifest_is_read_with_any_line_ends_and_hashed_as_it_is(self, manifest: Path) -> None:
        before = read_manifest(manifest)
        manifest.write_bytes(manifest.read_bytes().replace(b"\n", b"\r\n"))
        after = read_manifest(manifest)
        assert after.pack.contract == before.pack.contract
        assert after.sha256 != before.sha256


class TestFinding:
    def test_a_pack_of_the_operators_is_found_by_its_name(self, manifest: Path, tmp_path: Path) -> None:
        found = read_manifest(manifest)
        put(found, staged(found, tmp_path / "m" / ".add"), tmp_path / "m")
        assert find_pack("own", tmp_path / "m") == found.pack
        assert own_names(tmp_path / "m") == ["own"]

    def test_without_the_folder_only_what_ships_is_known(self) -> None:
        with pytest.raises(ModelPackError) as caught:
            find_pack("own")
        assert caught.value.code == "pack.unknown"
        assert all(name in str(caught.value.hint) for name in builtin_packs())

    @pytest.mark.parametrize("name", ["../own", "/etc/passwd", "own.toml", "", ".", "own\x00"])
    def test_a_name_that_is_a_path(self, manifest: Path, tmp_path: Path, name: str) -> None:
        (tmp_path / "packs").mkdir()
        assert code(find_pack, name, tmp_path) == "pack.unknown"

    def test_what_ships_cannot_be_shadowed(self, manifest_text: str, tmp_path: Path) -> None:
        (tmp_path / "packs").mkdir()
        forged = manifest_text.replace("scale = 1.0", "scale = 0.5")
        (tmp_path / "packs" / "opencv-zoo.toml").write_text(forged)
        assert find_manifest("opencv-zoo", tmp_path).is_built_in

    def test_a_manifest_under_another_packs_name(self, manifest: Path, tmp_path: Path) -> None:
        (tmp_path / "packs").mkdir()
        (tmp_path / "packs" / "alias.toml").write_bytes(manifest.read_bytes())
        assert code(find_manifest, "alias", tmp_path) == "pack.manifest-malformed"


class TestPutting:
    def test_manifest_signature_and_weights_arrive_together(self, manifest: Path, tmp_path: Path) -> None:
        write_signature(manifest, b"signed\n")
        found = read_manifest(manifest)
        put(found, staged(found, tmp_path / "m" / ".add"), tmp_path / "m")
        assert (tmp_path / "m/packs/own.toml").read_bytes() == manifest.read_bytes()
        assert (tmp_path / "m/packs/own.toml.sig").read_bytes() == b"signed\n"
        assert {path.name for path in (tmp_path / "m/own").iterdir()} == {file.filename for file in found.pack.files}
        assert stat.S_IMODE((tmp_path / "m/packs/own.toml").stat().st_mode) == 0o644

    def test_a_signature_that_is_no_longer_there_goes(self, manifest: Path, tmp_path: Path) -> None:
        write_signature(manifest, b"signed\n")
        found = read_manifest(manifest)
        put(found, staged(found, tmp_path / "m" / ".one"), tmp_path / "m")
        manifest.with_name("own.toml.sig").unlink()
        found = read_manifest(manifest)
        put(found, staged(found, tmp_path / "m" / ".two"), tmp_path / "m")
        assert not (tmp_path / "m/packs/own.toml.sig").exists()

    def test_a_folder_that_cannot_be_written_is_our_error(self, manifest: Path, tmp_path: Path) -> None:
        found = read_manifest(manifest)
        (tmp_path / "m").mkdir()
        (tmp_path / "m" / "packs").write_text("a file where a folder should be")
        assert code(put, found, staged(found, tmp_path / "m" / ".add"), tmp_path / "m") == "pack.folder-unusable"


def test_taking_away_leaves_nothing_of_it_and_all_of_the_others(manifest: Path, tmp_path: Path) -> None:
    found = read_manifest(manifest)
    put(found, staged(found, tmp_path / "m" / ".add"), tmp_path / "m")
    (tmp_path / "m" / "opencv-zoo").mkdir()
    for _ in range(2):
        take_away("own", tmp_path / "m")
    left = sorted(str(path.relative_to(tmp_path / "m")) for path in (tmp_path / "m").rglob("*"))
    assert left == [".add", "opencv-zoo", "packs"]
