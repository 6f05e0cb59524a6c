"""Time stamps of checkpoints by an authority that is none of ours: RFC 3161, over HTTP (its section 3.4).

A checkpoint says how much was in the log, and its log's own clock says when.  An authority's token over the SHA-256 of
the signed note says that it existed by then, whatever that clock said (AUD-11).  Nothing but that hash leaves, and
nothing at all unless an authority is configured.  The whole response is kept beside the checkpoint as
``checkpoint-stamps/<size>.tsr``, which ``openssl ts -verify`` reads too.

Every failure is one of our errors.  Whoever seals catches them: a log waits for no authority.

What it is not: it decides no trust; whose root certificates are believed is configured.  Parsing and verification are
the library's (`rfc3161-client`, an extra).  What the authority answers is trusted for nothing before that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from custodes.errors import InputError, SetupError
from custodes.keyfile import replace_file
from custodes.text import N_

FOLDER = "checkpoint-stamps"
_MAX_RESPONSE_BYTES = 100_000
_MOST_READS = 50
_TIMEOUT_S = 10.0
Post = Callable[[str, bytes], bytes]
"""``post(url, request)`` returns the response's body; raises SetupError ``stamp.unreachable``."""


@dataclass(frozen=True, slots=True)
class Authority:
    """``url``: where it answers, ``http`` or ``https``; ``roots``: certificates of whom its own must descend."""

    url: str
    roots: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class Stamp:
    """``at``: when, by the authority's clock, aware; ``serial``: its number there; ``response``: DER, as received."""

    at: datetime
    serial: int
    response: bytes


def read_roots(path: Path) -> tuple[x509.Certificate, ...]:
    """Return the certificates in a PEM file.

    Raises:
        SetupError: ``stamp.roots-unreadable``.
    """
    try:
        found = tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise SetupError(
            "stamp.roots-unreadable",
            N_("The root certificates of the time-stamping authority cannot be read."),
            hint=N_("Name a PEM file with at least one certificate."),
        ) from error
    return found


def stamp_path(folder: Path, size: int) -> Path:
    """Return where the stamp of the checkpoint of ``size`` entries lies in a log's ``folder``."""
    return folder / FOLDER / f"{size}.tsr"


def stamp_checkpoint(folder: Path, note: bytes, size: int, authority: Authority, *, post: Post | None = None) -> Stamp:
    """Have ``note``, the checkpoint of ``size`` entries, stamped, verify the answer, and keep it in ``folder``.

    Raises:
        SetupError: ``stamp.unreachable``, ``stamp.not-installed`` or ``keys.not-written``.
        InputError: ``stamp.malformed``, ``stamp.not-granted`` or ``stamp.wrong``.
    """
    library = _library()
    builder = library.TimestampRequestBuilder().data(note).hash_algorithm(library.HashAlgorithm.SHA256)
    request = builder.build()
    response = (post or _post)(authority.url, request.as_bytes())
    stamp = verify_stamp(response, note, authority.roots, nonce=request.nonce)
    replace_file(stamp_path(folder, size), response)
    return stamp


def read_stamp(folder: Path, size: int) -> bytes | None:
    """Return the kept response for the checkpoint of ``size`` entries, None if there is none.

    Raises:
        InputError: ``stamp.malformed``, it is longer than any.
    """
    try:
        with stamp_path(folder, size).open("rb") as file:
            content = file.read(_MAX_RESPONSE_BYTES + 1)
    except OSError:
        return None
    if len(content) > _MAX_RESPONSE_BYTES:
        raise _malformed()
    return content


def verify_stamp(response: bytes, note: bytes, roots: Sequence[x509.Certificate], *, nonce: int | None = None) -> Stamp:
    """Return the stamp in ``response`` after it proved to be one of ``note`` by an authority under ``roots``.

    ``nonce``: the request's, where it is the answer to one just made.

    Raises:
        InputError: ``stamp.malformed``, ``stamp.not-granted`` or ``stamp.wrong``.
        SetupError: ``stamp.not-installed`` or ``stamp.no-roots``.
    """
    library = _library()
    if not roots:
        raise SetupError(
            "stamp.no-roots",
            N_("There is no root certificate by which to judge a time stamp."),
            hint=N_("Name a PEM file with at least one certificate."),
        )
    try:
        parsed = library.decode_timestamp_response(response)
        granted = parsed.status == library.PKIStatus.GRANTED
        info = parsed.tst_info if granted else None
        facts = (info.message_imprint.message, info.nonce, info.gen_time, info.serial_number) if info else None
    except Exception as error:  # a parser in another language: whatever it says, it is not a response
        raise _malformed() from error
    if facts is None:
        raise InputError(
            "stamp.not-granted",
            N_("The time-stamping authority refused to stamp the checkpoint."),
            hint=N_("Ask it why; the log goes on without."),
        )
    imprint, answered, at, serial = facts
    digest = hashlib.sha256(note).digest()
    if imprint != digest:
        raise _wrong(N_("It is a stamp of something else."))
    if nonce is not None and answered != nonce:
        raise _wrong(N_("It is an answer to another request, perhaps an old one."))
    builder = library.VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify(parsed, digest)
    except Exception as error:  # of several classes, all of which say that it does not verify
        raise _wrong(N_("It is not signed, or not by an authority that is trusted here.")) from error
    return Stamp(at, serial, response)


def _post(url: str, request: bytes) -> bytes:
    """Return what ``url`` answers: no redirection is followed, no proxy asked, no answer waited for without end."""
    try:
        parts = urlsplit(url)
        kinds = {"http": HTTPConnection, "https": HTTPSConnection}
        connection = kinds[parts.scheme](parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, request, {"Content-Type": "application/timestamp-query"})
            with connection.getresponse() as answer:
                body, reads = b"", 0
                while len(body) <= _MAX_RESPONSE_BYTES and reads < _MOST_READS and (part := answer.read1(65_536)):
                    body, reads = body + part, reads + 1
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError, KeyError) as error:
        raise _unreachable(type(error).__name__) from error
    if answer.status != 200:
        raise _unreachable(f"HTTP {answer.status}")
    if len(body) > _MAX_RESPONSE_BYTES:
        raise _malformed()
    return body


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise SetupError(
            "stamp.not-installed",
            N_("Time stamps need a library that is not installed."),
            hint=N_("Install it: pip install 'custodes[timestamps]'."),
        ) from error
    return rfc3161_client


def _unreachable(reason: str) -> SetupError:
    return SetupError(
        "stamp.unreachable",
        N_("The time-stamping authority does not answer (%(reason)s)."),
        hint=N_("Check CUSTODES_TIMESTAMP_URL and the way there; the log goes on without."),
        reason=reason,
    )


def _malformed() -> InputError:
    return InputError("stamp.malformed", N_("This is not a response of a time-stamping authority (RFC 3161)."))


def _wrong(why: str) -> InputError:
    return InputError("stamp.wrong", N_("This time stamp does not hold for the checkpoint."), why=why)
