"""Whether a manifest is in the encoding that its mapping file names: found out before its first row is handed out."""

from __future__ import annotations

import codecs
from pathlib import Path

from custodes.errors import ManifestError
from custodes.text import N_
from custodes.workflows.enrolment.manifest.mapping import Mapping

_CHUNK = 1 << 20
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def codec(mapping: Mapping) -> str:
    """Return the name under which Python decodes the manifest's encoding."""
    # utf-8-sig reads UTF-8 with and without a byte order mark.
    return "utf-8-sig" if codecs.lookup(mapping.encoding).name == "utf-8" else mapping.encoding


def check_encoding(path: Path, mapping: Mapping) -> int:
    """Decode the whole file once; return how many lines it has, 0 if it is empty.

    Raises:
        ManifestError: ``manifest.encoding`` or ``manifest.unreadable``.
    """
    decoder = codecs.getincrementaldecoder(codec(mapping))()
    # Single-byte encodings decode anything, so a file that is valid UTF-8 beyond ASCII betrays them.
    utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    is_single_byte = codecs.lookup(mapping.encoding).name in ("cp1252", "iso8859-1", "iso8859-15", "latin-1")
    is_latin_1 = codecs.lookup(mapping.encoding).name == "iso8859-1"
    lines, seen, beyond_ascii, last = 0, 0, False, b"\n"
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if seen == 0:
                    _check_mark(chunk, mapping)
                text = decoder.decode(chunk)
                # C1 control characters are in no text: bytes 80-9F mean the file is windows-1252.
                if is_latin_1 and any("\x80" <= character <= "\x9f" for character in set(text)):
                    raise _lies(mapping, lines + 1)
                beyond_ascii = beyond_ascii or not chunk.isascii()
                utf8 = _still_decodes(utf8, chunk)
                lines += chunk.count(b"\n")
                seen += len(chunk)
                last = chunk[-1:]
                if b"\0" in chunk and "16" not in mapping.encoding:
                    raise _lies(mapping, lines)
            decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise _lies(mapping, lines + 1) from error
    except OSError as error:
        raise ManifestError(
            "manifest.unreadable",
            N_("The manifest cannot be read (%(reason)s)."),
            reason=error.strerror or type(error).__name__,
        ) from error
    if seen == 0:
        return 0
    if is_single_byte and beyond_ascii and utf8 is not None:
        raise _lies(mapping, 1)
    return lines + (last != b"\n")


def _check_mark(chunk: bytes, mapping: Mapping) -> None:
    for mark, encoding in _BOMS.items():
        if chunk.startswith(mark) and not codecs.lookup(mapping.encoding).name.startswith(encoding):
            raise _lies(mapping, 1)


def _still_decodes(decoder: codecs.IncrementalDecoder | None, chunk: bytes) -> codecs.IncrementalDecoder | None:
    try:
        if decoder is not None:
            decoder.decode(chunk)
    except UnicodeDecodeError:
        return None
    return decoder


def _lies(mapping: Mapping, line: int) -> ManifestError:
    return ManifestError(
        "manifest.encoding",
        N_("The manifest is not in the encoding that the mapping file names (%(encoding)s); see about line %(line)d."),
        hint=N_("Ask how the export was written; often it is utf-8, utf-16 or windows-1252. Nothing was enrolled."),
        encoding=mapping.encoding,
        line=line,
    )
