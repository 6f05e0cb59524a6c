"""Own model packs: what an administrator must do to add one, what is refused, and what tampering comes to.

ENG-01, ENG-04, SEC-06.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests import networks
from tests.workflows.conftest import World

from custodes.config import Config
from custodes.engine import Manifest, OnnxFaceEngine
from custodes.engine.fake import FAKE_CONTRACT, FakeEngine
from custodes.engine.shelf import write_signature
from custodes.engine.signature import fingerprint, sign
from custodes.errors import Conflict, ContractMismatch, CustodesError, ModelPackError, Refused
from custodes.store import installation
from custodes.workflows import packs
from custodes.workflows.search import search

KEY, STRANGER = Ed25519PrivateKey.from_private_bytes(b"k" * 32), Ed25519PrivateKey.from_private_bytes(b"s" * 32)
Add = Callable[..., Manifest]


def trust(config: Config, key: Ed25519PrivateKey = KEY) -> None:
    """Put the public half of ``key`` into the folder of trusted keys."""
    config.pack_keys_dir.mkdir(parents=True, exist_ok=True)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (config.pack_keys_dir / "vendor.pem").write_bytes(pem)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """An own pack of tiny networks, as its maker hands it over: the manifest, and its weights in ``weights``."""
    detector, embedder = networks.tiny_detector(), networks.tiny_embedder()
    networks.write_weights(detector, embedder, tmp_path / "weights")
    path = tmp_path / "tiny.toml"
    path.write_text(networks.tiny_manifest(detector, embedder), "utf-8")
    return path


@pytest.fixture
def config(config: Config) -> Config:
    """An installation that is there: the tests' database stands in for its file."""
    config.data_dir.mkdir(parents=True)
    config.database_file.touch()
    return config


@pytest.fixture
def add(world: World, manifest: Path) -> Add:
    """``add(by=…, trust_unsigned=…)`` adds the own pack."""

    def run(by: str = "administrator", **how: object) -> Manifest:
        asked = {"manifest": manifest, "weights": manifest.parent / "weights", **how}
        return packs.add_pack(world.services, world.as_(by), **asked)

    return run


def sign_with(manifest: Path, key: Ed25519PrivateKey = KEY) -> None:
    write_signature(manifest, sign(manifest.read_bytes(), key))


def changed(manifest: Path, old: str, new: str) -> None:
    text = manifest.read_text("utf-8")
    assert old in text
    manifest.write_text(text.replace(old, new), "utf-8")


def nothing_was_installed(config: Config) -> bool:
    left = [path for path in config.models_dir.rglob("*") if path.is_file()] if config.models_dir.exists() else []
    return not left and not installation.added_packs()


class TestAdding:
    def test_a_signed_pack_is_installed_and_logged(
        self, world: World, config: Config, manifest: Path, add: Add
    ) -> None:
        trust(config)
        sign_with(manifest)
        added = add()
        done, intended = world.log(2)
        assert [(entry["kind"], entry["phase"]) for entry in (intended, done)] == [
            ("pack.added", "intended"),
            ("pack.added", "done"),
        ]
        assert done["actor"] == world.person("administrator").id
        assert world.private(done) == {"pack": "tiny"}
        assert done["facts"] == {
            "contract": added.pack.contract.id,
            "manifest_sha256": added.sha256,
            "signed_by": fingerprint(KEY.public_key()),
            "signature": "trusted",
        }
        assert packs.usable_pack(replace(config, pack="tiny")) == added.pack
        assert packs.verify_pack(config, "tiny").pack == "tiny"
        OnnxFaceEngine(added.pack, config.models_dir).load()
        assert {path.name for path in config.models_dir.iterdir()} == {"tiny", "packs"}

    def test_an_unsigned_one_is_refused_before_its_weights_are_looked_at(
        self, world: World, config: Config, add: Add
    ) -> None:
        with pytest.raises(Refused, match="unsigned-pack"):
            add()
        assert nothing_was_installed(config)
        assert world.log()[0]["facts"] == {"action": "add-pack", "code": "gate.unsigned-pack"}

    @pytest.mark.parametrize("trusted", [True, False])
    def test_one_that_a_stranger_signed_is_refused(
        self, config: Config, manifest: Path, add: Add, trusted: bool
    ) -> None:
        if trusted:
            trust(config)
        sign_with(manifest, STRANGER)
        with pytest.raises(Refused, match="wrong-signature"):
            add()
        assert nothing_was_installed(config)

    def test_one_that_was_changed_after_it_was_signed_is_refused(
        self, config: Config, manifest: Path, add: Add
    ) -> None:
        trust(config)
        sign_with(manifest)
        changed(manifest, "confidence = 0.6", "confidence = 0.5")
        with pytest.raises(Refused, match="wrong-signature"):
            add()

    @pytest.mark.parametrize("signed", [False, True])
    def test_an_administrator_may_answer_for_it_and_the_log_says_so(
        self, world: World, config: Config, manifest: Path, add: Add, signed: bool
    ) -> None:
        if signed:
            sign_with(manifest, STRANGER)
        add(trust_unsigned=True)
        facts = world.log()[0]["facts"]
        assert ("signed_by" in facts, facts["signature"]) == (False, "wrong" if signed else "none")
        assert packs.usable_pack(replace(config, pack="tiny")).name == "tiny"

    @pytest.mark.parametrize("name", ["searcher", "supervisor", "records officer", "auditor"])
    def test_iam_02_nobody_but_an_administrator(self, config: Config, add: Add, name: str) -> None:
        with pytest.raises(Refused, match=r"gate\.role"):
            add(by=name, trust_unsigned=True)
        assert nothing_was_installed(config)

    def test_eng_04_research_weights_are_refused_whoever_signed_them(
        self, config: Config, manifest: Path, add: Add
    ) -> None:
        changed(manifest, "operational_use = true", "operational_use = false")
        trust(config)
        sign_with(manifest)
        with pytest.raises(Refused, match="research-pack"):
            add(trust_unsigned=True)

    def test_eng_04_in_an_evaluation_installation_they_are_added_unsigned(
        self, world: World, config: Config, manifest: Path, add: Add
    ) -> None:
        changed(manifest, "operational_use = true", "operational_use = false")
        world.services.config = evaluation = replace(config, evaluation=True)
        add()
        assert packs.usable_pack(replace(evaluation, pack="tiny")).name == "tiny"
        with pytest.raises(ModelPackError, match="not-licensed-for-operation"):
            packs.usable_pack(replace(config, pack="tiny"))

    def test_the_same_again_changes_nothing_and_mends_what_is_missing(self, config: Config, add: Add) -> None:
        add(trust_unsigned=True)
        (config.models_dir / "packs" / "tiny.toml").unlink()
        next((config.models_dir / "tiny").iterdir()).unlink()
        add(trust_unsigned=True)
        assert packs.verify_pack(config, "tiny")

    def test_another_pack_of_the_same_name(self, config: Config, manifest: Path, add: Add) -> None:
        add(trust_unsigned=True)
        changed(manifest, "confidence = 0.6", "confidence = 0.5")
        with pytest.raises(Conflict, match=r"pack\.exists"):
            add(trust_unsigned=True)
        assert packs.verify_pack(config, "tiny")

    def test_another_installations_pack_of_the_same_name_in_a_shared_folder(
        self, config: Config, manifest: Path, add: Add
    ) -> None:
        (config.models_dir / "packs").mkdir(parents=True)
        other = manifest.read_text("utf-8").replace("confidence = 0.6", "confidence = 0.5")
        (config.models_dir / "packs" / "tiny.toml").write_text(other, "utf-8")
        with pytest.raises(Conflict, match=r"pack\.exists"):
            add(trust_unsigned=True)

    def test_the_name_of_one_that_ships(self, config: Config, manifest: Path, add: Add) -> None:
        changed(manifest, 'name = "tiny"', 'name = "opencv-zoo"')
        with pytest.raises(Conflict, match=r"pack\.exists"):
            add(trust_unsigned=True)
        assert nothing_was_installed(config)


class TestNothingHalfAdded:
    def test_weights_that_are_not_the_manifests(self, config: Config, manifest: Path, add: Add) -> None:
        (manifest.parent / "weights" / "face_recognition_sface_2021dec.onnx").write_bytes(b"other")
        with pytest.raises(ModelPackError, match="weights-truncated"):
            add(trust_unsigned=True)
        assert nothing_was_installed(config)

    @pytest.mark.parametrize(
        ("old", "new", "code"),
        [
            ("dimension = 128", "dimension = 512", "pack.graph-dimension"),
            ("input_size = 112", "input_size = 96", "pack.graph-input"),
        ],
    )
    def test_networks_that_are_not_what_the_manifest_says(
        self, world: World, config: Config, manifest: Path, add: Add, old: str, new: str, code: str
    ) -> None:
        changed(manifest, old, new)
        with pytest.raises(ModelPackError) as caught:
            add(trust_unsigned=True)
        assert caught.value.code == code
        assert nothing_was_installed(config)
        assert world.log()[0]["facts"] == {"action": "add-pack", "code": code}

    def test_a_models_folder_that_cannot_be_written(self, config: Config, add: Add) -> None:
        config.models_dir.write_text("a file where a folder should be")
        with pytest.raises(ModelPackError, match="folder-unusable"):
            add(trust_unsigned=True)

    def test_files_that_cannot_be_put_in_place_leave_a_failed_intent(
        self, world: World, config: Config, add: Add
    ) -> None:
        config.models_dir.mkdir()
        (config.models_dir / "packs").write_text("a file where a folder should be")
        with pytest.raises(ModelPackError, match="folder-unusable"):
            add(trust_unsigned=True)
        newest = world.log()[0]
        assert (newest["kind"], newest["phase"]) == ("pack.added", "failed")
        assert newest["facts"]["error"] == "pack.folder-unusable"
        assert not installation.added_packs()


class TestTampering:
    """What somebody with the models folder can do; the host's administrator is in SECURITY.md."""

    def test_a_manifest_that_merely_lies_there_is_not_used(self, world: World, config: Config, manifest: Path) -> None:
        (config.models_dir / "packs").mkdir(parents=True)
        (config.models_dir / "packs" / "tiny.toml").write_bytes(manifest.read_bytes())
        for attempt in (
            lambda: packs.usable_pack(replace(config, pack="tiny")),
            lambda: packs.verify_pack(config, "tiny"),
        ):
            with pytest.raises(ModelPackError, match="not-added"):
                attempt()

    def test_a_manifest_changed_since_it_was_added(self, config: Config, add: Add) -> None:
        add(trust_unsigned=True)
        changed(config.models_dir / "packs" / "tiny.toml", "confidence = 0.6", "confidence = 0.5")
        with pytest.raises(ModelPackError, match="manifest-altered"):
            packs.usable_pack(replace(config, pack="tiny"))

    def test_sec_06_a_key_that_is_no_longer_trusted_takes_its_packs_with_it(
        self, config: Config, manifest: Path, add: Add
    ) -> None:
        trust(config)
        sign_with(manifest)
        add()
        (config.pack_keys_dir / "vendor.pem").unlink()
        with pytest.raises(ModelPackError, match="signature-wrong"):
            packs.usable_pack(replace(config, pack="tiny"))

    def test_sec_06_a_signature_taken_away_is_missed(self, config: Config, manifest: Path, add: Add) -> None:
        trust(config)
        sign_with(manifest)
        add()
        (config.models_dir / "packs" / "tiny.toml.sig").unlink()
        with pytest.raises(ModelPackError, match="signature-wrong"):
            packs.usable_pack(replace(config, pack="tiny"))

    def test_weights_exchanged(self, config: Config, add: Add) -> None:
        added = add(trust_unsigned=True)
        path = config.models_dir / "tiny" / added.pack.file("embedder").filename
        path.chmod(0o644)
        path.write_bytes(networks.tiny_detector())
        with pytest.raises(ModelPackError, match="weights-"):
            OnnxFaceEngine(added.pack, config.models_dir).load()


class TestRemoving:
    def remove(self, world: World, name: str = "tiny", by: str = "administrator") -> None:
        packs.remove_pack(world.services, world.as_(by), name=name)

    def test_an_idle_pack_goes_with_everything_and_is_logged(self, world: World, config: Config, add: Add) -> None:
        added = add(trust_unsigned=True)
        self.remove(world)
        assert nothing_was_installed(config)
        done = world.log()[0]
        assert (done["kind"], done["phase"]) == ("pack.removed", "done")
        assert done["facts"]["contract"] == added.pack.contract.id
        with pytest.raises(ModelPackError, match=r"pack\.unknown"):
            packs.usable_pack(replace(config, pack="tiny"))

    def test_the_one_in_use_stays(self, world: World, config: Config, add: Add) -> None:
        add(trust_unsigned=True)
        world.services.config = replace(config, pack="tiny")
        with pytest.raises(Refused, match="pack-in-use"):
            self.remove(world)
        assert packs.verify_pack(config, "tiny")

    def test_one_whose_templates_are_in_the_gallery_stays(self, world: World, config: Config, add: Add) -> None:
        added = add(trust_unsigned=True)
        world.services.make_engine = lambda: FakeEngine(added.pack.contract)
        world.enrol(1)
        with pytest.raises(Refused, match="1 templates and 0 searches"):
            self.remove(world)
        assert packs.verify_pack(config, "tiny")

    def test_one_that_ships_stays(self, world: World) -> None:
        with pytest.raises(Conflict, match=r"pack\.built-in"):
            self.remove(world, "edgeface-s")

    @pytest.mark.parametrize("name", ["nothing", "../data", "packs", ""])
    def test_one_that_was_never_added(self, world: World, config: Config, name: str) -> None:
        kept = config.models_dir / "packs" / "kept.toml"
        kept.parent.mkdir(parents=True)
        kept.touch()
        with pytest.raises(ModelPackError, match="not-added"):
            self.remove(world, name)
        assert kept.exists()
        assert config.database_file.exists()

    def test_iam_02_nobody_but_an_administrator(self, world: World, config: Config, add: Add) -> None:
        add(trust_unsigned=True)
        with pytest.raises(Refused, match=r"gate\.role"):
            self.remove(world, by="records officer")

    def test_one_whose_files_are_gone_already(self, world: World, config: Config, add: Add) -> None:
        add(trust_unsigned=True)
        (config.models_dir / "packs" / "tiny.toml").unlink()
        self.remove(world)
        assert nothing_was_installed(config)


class TestListing:
    def test_what_ships_what_was_added_and_what_merely_lies_there(
        self, config: Config, manifest: Path, add: Add
    ) -> None:
        trust(config)
        sign_with(manifest)
        add()
        (config.models_dir / "packs" / "broken.toml").write_text("no manifest")
        other = manifest.read_text("utf-8").replace('name = "tiny"', 'name = "other"')
        (config.models_dir / "packs" / "other.toml").write_text(other, "utf-8")
        lines = {line.name: line for line in packs.list_packs(config)}
        assert set(lines) == {"opencv-zoo", "edgeface-s", "insightface-mbf", "tiny", "broken", "other"}
        zoo, tiny, broken, lying = (lines[name] for name in ("opencv-zoo", "tiny", "broken", "other"))
        assert (zoo.signature, zoo.state) == (None, "pack.not-pulled")
        assert (tiny.signature, tiny.signed_by, tiny.is_added, tiny.state) == ("trusted", "vendor", True, "verified")
        assert (broken.pack, broken.state) == (None, "pack.manifest-malformed")
        assert (lying.signature, lying.is_added, lying.state) == ("none", False, "pack.not-pulled")

    def test_a_manifest_that_changed_is_shown_as_such(self, config: Config, add: Add) -> None:
        add(trust_unsigned=True)
        changed(config.models_dir / "packs" / "tiny.toml", "confidence = 0.6", "confidence = 0.5")
        (line,) = (line for line in packs.list_packs(config) if line.name == "tiny")
        assert line.state == "pack.manifest-altered"


class TestOneContractAtATime:
    """ENG-01, SRCH-08: a gallery of another pack is never searched as if it were empty, nor added to."""

    OTHER = replace(FAKE_CONTRACT, id="another", pack="another")

    def change_pack(self, world: World) -> None:
        services = world.services
        services.__dict__.pop("engine", None)
        services.__dict__.pop("gallery", None)
        services.make_engine = lambda: FakeEngine(self.OTHER, allows_operational_use=True)

    def test_a_search_after_the_pack_was_exchanged_is_refused_and_logged(self, world: World) -> None:
        world.enrol(1)
        request = world.approved(1)
        self.change_pack(world)
        with pytest.raises(ContractMismatch, match="of-another-pack"):
            search(world.services, world.as_("searcher"), request=request)
        newest = world.log()[0]
        assert (newest["kind"], newest["phase"], newest["facts"]["error"]) == (
            "search",
            "failed",
            "contract.of-another-pack",
        )

    def test_the_approval_is_not_used_up_by_it(self, world: World) -> None:
        world.enrol(1)
        request = world.approved(1)
        self.change_pack(world)
        with pytest.raises(ContractMismatch):
            search(world.services, world.as_("searcher"), request=request)
        world.services.__dict__.pop("engine")
        world.services.make_engine = FakeEngine
        assert len(search(world.services, world.as_("searcher"), request=request).candidates) == 1

    def test_nothing_is_enrolled_beside_it(self, world: World, tmp_path: Path) -> None:
        from custodes.workflows.enrolment import enrol

        world.enrol(1)
        self.change_pack(world)
        with pytest.raises(ContractMismatch, match="of-another-pack"):
            enrol(world.services, world.as_("records officer"), manifest=tmp_path, mapping=tmp_path, images=tmp_path)

    def test_an_empty_gallery_is_nobodys(self, world: World) -> None:
        packs.require_one_contract(self.OTHER)

    def test_the_error_names_both_packs(self, world: World) -> None:
        world.enrol(1)
        with pytest.raises(CustodesError) as caught:
            packs.require_one_contract(self.OTHER)
        assert caught.value.values == {"gallery": "fake 1", "present": "another 1"}
