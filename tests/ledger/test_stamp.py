"""RFC 3161 stamps of checkpoints (AUD-11), asked of a real authority over HTTP that these tests run with OpenSSL."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from custodes.errors import CustodesError, InputError, SetupError
from custodes.ledger import stamp as stamping
from custodes.ledger.stamp import Authority, read_roots, read_stamp, stamp_checkpoint, stamp_path, verify_stamp

pytest.importorskip("rfc3161_client", reason="the extra “timestamps” is not installed")
_OPENSSL = shutil.which("openssl")
if _OPENSSL is None:
    pytest.skip("there is no openssl to make an authority of", allow_module_level=True)

NOTE = b"log.police.example/custodes\n3\nAAAA\n\n\xe2\x80\x94 log.police.example/custodes AAAA\n"
_CONFIG = """
[tsa]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


def _certificate(
    name: str, issuer: tuple[str, ec.EllipticCurvePrivateKey] | None, key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    by, signed_with = issuer or (name, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(by))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(purpose, critical=True)
    return builder.sign(signed_with, hashes.SHA256())


class LocalAuthority:
    """An authority with a root of its own; ``answer`` can be replaced by an attack on what it says."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = _certificate("root", None, root_key)
        own = _certificate("authority", ("root", root_key), key)
        (folder / "tsa.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        (folder / "tsa.key").write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        )
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
        self.answer: Callable[[bytes], bytes] = self.real
        self.status = 200
        self.asked: list[tuple[str, bytes]] = []

    def real(self, request: bytes) -> bytes:
        (self.folder / "q").write_bytes(request)
        command = [_OPENSSL, "ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "q", "-out", "r"]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)  # type: ignore[arg-type]
        return (self.folder / "r").read_bytes()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalAuthority, str]]:
    local = LocalAuthority(tmp_path_factory.mktemp("stamps") / "authority")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            local.asked.append((self.headers["Content-Type"], request))
            body = local.answer(request)
            self.send_response(local.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # whoever reads no further hangs up
                super().handle()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield local, f"http://127.0.0.1:{server.server_port}/tsa?x=1"
        server.shutdown()
        thread.join()


@pytest.fixture
def local(running: tuple[LocalAuthority, str]) -> LocalAuthority:
    running[0].answer, running[0].status = running[0].real, 200
    running[0].asked.clear()
    return running[0]


@pytest.fixture
def authority(running: tuple[LocalAuthority, str]) -> Authority:
    return Authority(running[1], (running[0].root,))


def _refused(tmp_path: Path, authority: Authority, note: bytes = NOTE) -> CustodesError:
    with pytest.raises(CustodesError) as caught:
        stamp_checkpoint(tmp_path, note, 3, authority)
    assert not stamp_path(tmp_path, 3).exists(), "what does not verify is not kept"
    return caught.value


def test_a_checkpoint_is_stamped_verified_and_kept(tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    """AUD-11."""
    made = stamp_checkpoint(tmp_path, NOTE, 3, authority)
    assert abs(made.at - datetime.now(UTC)) < timedelta(hours=1)
    kept = read_stamp(tmp_path, 3)
    assert kept == made.response
    assert verify_stamp(kept, NOTE, authority.roots) == made
    assert stamp_path(tmp_path, 3).parent.name == "checkpoint-stamps"


def test_nothing_but_the_notes_hash_leaves(tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    stamp_checkpoint(tmp_path, NOTE, 3, authority)
    ((kind, request),) = local.asked
    assert kind == "application/timestamp-query"
    assert b"police" not in request
    assert len(request) < 100


def test_openssl_verifies_what_is_kept(tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    stamp_checkpoint(tmp_path, NOTE, 3, authority)
    (tmp_path / "note").write_bytes(NOTE)
    (tmp_path / "root.pem").write_bytes(local.root.public_bytes(serialization.Encoding.PEM))
    command = [_OPENSSL, "ts", "-verify", "-data", "note", "-in", stamp_path(tmp_path, 3), "-CAfile", "root.pem"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)  # type: ignore[arg-type]
    assert "Verification: OK" in said.stdout + said.stderr


# --- what must fail ----------------------------------------------------------------------------------


def test_a_stamp_of_another_checkpoint_is_refused(tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    made = stamp_checkpoint(tmp_path, NOTE, 3, authority)
    with pytest.raises(InputError, match=r"stamp\.wrong.*something else"):
        verify_stamp(made.response, NOTE + b"x", authority.roots)


def test_an_old_answer_is_no_answer(tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    """Attack: replay an earlier stamp of the same checkpoint, to date it back."""
    old = stamp_checkpoint(tmp_path / "then", NOTE, 3, authority).response
    local.answer = lambda _: old
    error = _refused(tmp_path, authority)
    assert error.code == "stamp.wrong"
    assert "another request" in str(error.why)


def test_an_answer_for_another_hash_is_refused(tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    local.answer = lambda request: local.real(request[:-40] + bytes([request[-40] ^ 1]) + request[-39:])
    assert _refused(tmp_path, authority).code in {"stamp.wrong", "stamp.not-granted", "stamp.malformed"}


def test_an_authority_under_another_root_is_not_believed(
    tmp_path: Path, local: LocalAuthority, authority: Authority
) -> None:
    """Attack: an authority of one's own, with a clock of one's own."""
    own = LocalAuthority(tmp_path / "own")
    local.answer = own.real
    error = _refused(tmp_path, authority)
    assert error.code == "stamp.wrong"
    assert "trusted here" in str(error.why)


def test_every_changed_byte_of_a_stamp_is_noticed(tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    response = stamp_checkpoint(tmp_path, NOTE, 3, authority).response
    unnoticed = []
    for place in range(0, len(response), 7):
        altered = response[:place] + bytes([response[place] ^ 1]) + response[place + 1 :]
        try:
            made = verify_stamp(altered, NOTE, authority.roots)
        except InputError:
            continue
        unnoticed.append((place, made.at))
    true = verify_stamp(response, NOTE, authority.roots).at
    assert [place for place, at in unnoticed if at != true] == [], "a change outside what is signed changes no time"


@pytest.mark.parametrize("answer", [b"", b"0", b"\x30\x03\x02\x01\x02", b"<html>", b"\x30" * 5000], ids=repr)
def test_garbage_is_one_clear_error(answer: bytes, tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    local.answer = lambda _: answer
    assert _refused(tmp_path, authority).code in {"stamp.malformed", "stamp.not-granted"}


def test_an_endless_answer_is_not_read_to_its_end(tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    local.answer = lambda _: bytes(1_000_000)
    assert _refused(tmp_path, authority).code in {"stamp.malformed", "stamp.unreachable"}


def test_a_refusal_by_the_authority_is_said(tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    local.answer = lambda _: bytes.fromhex("30053003020102")
    assert _refused(tmp_path, authority).code == "stamp.not-granted"


def test_an_authority_in_trouble_is_said(tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    local.status = 302
    error = _refused(tmp_path, authority)
    assert (error.code, "HTTP 302" in str(error)) == ("stamp.unreachable", True)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "file:///etc/passwd", "ftp://127.0.0.1/", "http://[", "", "http://127.0.0.1:99999/"]
)
def test_an_authority_that_is_not_there_is_one_clear_error(url: str, tmp_path: Path, authority: Authority) -> None:
    assert _refused(tmp_path, Authority(url, authority.roots)).code == "stamp.unreachable"


def test_without_roots_nothing_is_believed(tmp_path: Path, local: LocalAuthority, authority: Authority) -> None:
    assert _refused(tmp_path, Authority(authority.url, ())).code == "stamp.no-roots"


def test_without_the_library_the_error_says_what_to_install(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rfc3161_client", None)
    assert _refused(tmp_path, authority).code == "stamp.not-installed"


def test_roots_are_read_from_a_pem_file(tmp_path: Path, local: LocalAuthority) -> None:
    path = tmp_path / "roots.pem"
    path.write_bytes(local.root.public_bytes(serialization.Encoding.PEM))
    assert read_roots(path) == (local.root,)
    path.write_bytes(b"nothing")
    for wrong in (path, tmp_path / "nowhere"):
        with pytest.raises(SetupError, match=r"stamp\.roots-unreadable"):
            read_roots(wrong)


def test_a_checkpoint_without_a_stamp_has_none(tmp_path: Path) -> None:
    assert read_stamp(tmp_path, 3) is None
    stamp_path(tmp_path, 3).parent.mkdir()
    stamp_path(tmp_path, 3).write_bytes(bytes(stamping._MAX_RESPONSE_BYTES + 1))
    with pytest.raises(InputError, match=r"stamp\.malformed"):
        read_stamp(tmp_path, 3)
