"""`custodes models`: what each command says, and that own packs are an administrator's affair (SEC-06)."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from tests import networks
from tests.cli.conftest import Terminal

from custodes.cli.main import command

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """An own pack of tiny networks: its manifest, and its weights in ``weights``."""
    detector, embedder = networks.tiny_detector(), networks.tiny_embedder()
    networks.write_weights(detector, embedder, tmp_path / "weights")
    path = tmp_path / "tiny.toml"
    path.write_text(networks.tiny_manifest(detector, embedder), "utf-8")
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key without a passphrase."""
    path = tmp_path / "maker.pem"
    path.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture(autouse=True)
def own_models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs that these tests add must not reach the folder that CUSTODES_MODELS_DIR names for the suite."""
    monkeypatch.setenv("CUSTODES_MODELS_DIR", str(tmp_path / "models"))


def trust(terminal: Terminal) -> None:
    terminal.config.pack_keys_dir.mkdir()
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (terminal.config.pack_keys_dir / "vendor.pem").write_bytes(pem)


def line(output: str, name: str) -> str:
    return next(line for line in output.splitlines() if line.startswith(name))


def test_a_pack_from_its_maker_to_the_installation_and_away(terminal: Terminal, manifest: Path, key: Path) -> None:
    trust(terminal)
    terminal.ok("models", "sign", str(manifest), "--key", str(key))
    boss = terminal.as_("administrator")
    boss.ok("models", "add", str(manifest), "--weights", str(manifest.parent / "weights"))
    shown = line(terminal.ok("models", "list"), "tiny")
    assert all(word in shown for word in ("casework", "verified", "signed by vendor", "added"))
    assert terminal.ok("models", "verify", "tiny").count("verified") == 2
    assert "tiny" in boss.ok("models", "remove", "tiny")
    assert "tiny" not in terminal.ok("models", "list")


def test_an_unsigned_pack_says_what_can_be_done(terminal: Terminal, manifest: Path) -> None:
    boss = terminal.as_("administrator")
    weights = ("--weights", str(manifest.parent / "weights"))
    refused = boss.run("models", "add", str(manifest), *weights)
    assert refused.exit_code == 77
    assert "gate.unsigned-pack" in refused.output
    assert "--trust-unsigned" in refused.output
    boss.ok("models", "add", str(manifest), *weights, "--trust-unsigned")
    assert "unsigned, added" in line(terminal.ok("models", "list"), "tiny")


@pytest.mark.parametrize("arguments", [("add", "MANIFEST"), ("remove", "tiny")])
def test_nobody_who_is_not_signed_in_changes_packs(
    terminal: Terminal, manifest: Path, arguments: tuple[str, str]
) -> None:
    asked = [str(manifest) if word == "MANIFEST" else word for word in arguments]
    refused = terminal.run("models", *asked)
    assert refused.exit_code == 77
    assert "session.none" in refused.output


def test_the_list_needs_no_sign_in_and_says_what_each_pack_is_for(terminal: Terminal) -> None:
    output = terminal.ok("models", "list")
    assert "casework" in line(output, "opencv-zoo")
    for name in ("edgeface-s", "insightface-mbf"):
        assert "research only" in line(output, name)
        assert "weights not here" in line(output, name)


def test_the_list_in_french(terminal: Terminal) -> None:
    output = terminal.ok("models", "list", CUSTODES_LANGUAGE="fr")
    assert "research only" not in output
    assert "built in" not in output


def test_a_key_with_a_passphrase_is_asked_for_it(terminal: Terminal, manifest: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked.pem"
    locked.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sesame")))
    arguments = ["models", "sign", str(manifest), "--key", str(locked)]
    wrong = CliRunner().invoke(command, arguments, input="wrong\n")
    assert wrong.exit_code == 69
    assert not manifest.with_name("tiny.toml.sig").exists()
    right = CliRunner().invoke(command, arguments, input="sesame\n")
    assert right.exit_code == 0, right.output
    assert "sesame" not in right.output
    assert manifest.with_name("tiny.toml.sig").exists()


def test_what_is_no_manifest_is_not_signed(terminal: Terminal, key: Path, tmp_path: Path) -> None:
    other = tmp_path / "notes.toml"
    other.write_text("no manifest")
    refused = terminal.run("models", "sign", str(other), "--key", str(key))
    assert refused.exit_code == 69
    assert not other.with_name("notes.toml.sig").exists()


def test_several_packs_are_pulled_at_once(terminal: Terminal, all_weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "carrier"
    folder.mkdir()
    for path in [*(all_weights / "edgeface-s").iterdir(), *(all_weights / "insightface-mbf").iterdir()]:
        (folder / path.name).write_bytes(path.read_bytes())
    output = terminal.ok("models", "pull", "edgeface-s", "insightface-mbf", "--from-folder", str(folder))
    assert output.count(": verified (") == 4
    assert terminal.ok("models", "verify", "edgeface-s", "insightface-mbf").count(": verified (") == 4


def test_an_evaluation_installation_says_so_in_the_doctors_report(terminal: Terminal) -> None:
    assert "Casework." in terminal.run("doctor").output
    refused = terminal.run("whoami", CUSTODES_EVALUATION="1")
    assert refused.exit_code == 78
    assert "installation.operational" in refused.output
    assert "correct it" in terminal.run("doctor", CUSTODES_EVALUATION="1").output
