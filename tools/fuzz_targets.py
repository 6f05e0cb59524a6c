"""What the fuzzer feeds and how it judges: one target per image format, the manifest reader, the wire, the ledger.

A target has seeds, made here by Pillow's encoders or read from the corpus, and a function that runs one input and
names what became of it.  Anything but a picture within its limits, or an error of ours, is a finding.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from custodes.errors import CustodesError
from custodes.imaging import Decoder, DecodingPool, Limits, LocalDecoder
from custodes.imaging.sniff import FORMATS
from custodes.imaging.worker.samples import SAMPLES
from custodes.imaging.worker.wire import FRAME, Header, Request, Task, believable, fault_in, packed_fault
from fuzz_ledger import ledger_targets

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests" / "imaging" / "corpus"
LIMITS = Limits(max_bytes=200_000, max_pixels=1_000_000, max_seconds=2.0, max_decoded_bytes=16_000_000)
SEPARATOR = b"\x00=====\x00"
"""Between a mapping file and a manifest in one input."""

# some of Pillow's complaints are nothing but bytes of the file, of which there are as many as there are inputs
_QUOTED = re.compile(r"""b?'[^']*'?|b?"[^"]*"?""")
_DEMO = ROOT / "src" / "custodes" / "cli" / "demo_data"
_FOLDERS = {name: name.lower().replace(" ", "-") for name in FORMATS}
_PIL: dict[str, tuple[str, tuple[str, ...], tuple[dict[str, Any], ...]]] = {
    "JPEG": ("JPEG", ("RGB", "L", "CMYK"), ({}, {"progressive": True}, {"restart_marker_rows": 1})),
    "PNG": ("PNG", ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"), ({},)),
    "TIFF": (
        "TIFF",
        ("RGB", "RGBA", "L", "P", "1", "I;16", "CMYK"),
        ({}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}, {"compression": "packbits"}),
    ),
    "BMP": ("BMP", ("RGB", "L", "P", "1", "RGBA"), ({},)),
    "GIF": ("GIF", ("RGB", "L", "P"), ({}, {"save_all": True, "append_images": [Image.new("RGB", (9, 9))]})),
    "WebP": (
        "WEBP",
        ("RGB", "RGBA"),
        ({}, {"lossless": True}, {"save_all": True, "append_images": [Image.new("RGB", (24, 16))]}),
    ),
    "JPEG 2000": ("JPEG2000", ("RGB", "RGBA", "L", "I;16"), ({}, {"no_jp2": True}, {"tile_size": (16, 16)})),
}


@dataclass(frozen=True, slots=True)
class Target:
    """``run`` returns what became of an input, in a few words; the same words for the same kind of fate."""

    name: str
    seeds: Callable[[], list[bytes]]
    run: Callable[[bytes], str]
    folder: str


def targets(*, through_workers: bool = False) -> dict[str, Target]:
    """Return every target by its name on the command line; with workers, those that a worker decodes."""
    decoded = _decoded_by_worker if through_workers else partial(_decoded, LocalDecoder())
    images = [Target(folder, _seeds(name), decoded, folder) for name, folder in _FOLDERS.items()]
    if through_workers:
        return {target.name: target for target in images}
    others = [
        Target("manifest", _manifest_seeds, _manifest_read, "manifest"),
        Target("wire", _wire_seeds, _wire_read, "wire"),
        *(Target(name, seeds, run, "ledger") for name, (seeds, run) in ledger_targets().items()),
    ]
    return {target.name: target for target in [*images, *others]}


# --- images -------------------------------------------------------------------------------------------


def _seeds(name: str) -> Callable[[], list[bytes]]:
    def seeds() -> list[bytes]:
        kept = [path.read_bytes() for path in sorted((CORPUS / _FOLDERS[name]).glob("*"))]
        return [SAMPLES[name], *_encoded(name), *kept]

    return seeds


def _encoded(name: str) -> list[bytes]:
    if name not in _PIL:
        return []
    kind, modes, variants = _PIL[name]
    noise = np.random.default_rng(7).integers(0, 255, (16, 24, 3), np.uint8)
    profile = _srgb_profile()
    made = []
    for mode in modes:
        wide = Image.fromarray(noise[:, :, 0].astype(np.uint16) * 257)
        image = wide if mode == "I;16" else Image.fromarray(noise).convert(mode)
        for variant in variants:
            made.append(_saved(image, kind, **variant))
            made.append(_saved(image, kind, icc_profile=profile, **variant))
    return [data for data in made if data]


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    try:
        image.save(out, kind, **options)
    except (OSError, ValueError, TypeError):
        return b""
    return out.getvalue()


def _srgb_profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@cache
def _pool() -> DecodingPool:
    return DecodingPool(LIMITS)


def _decoded_by_worker(data: bytes) -> str:
    fate = _decoded(_pool(), data)
    if fate == "image.decoder-died":
        raise AssertionError("the worker died")
    return fate


def _decoded(decoder: Decoder, data: bytes) -> str:
    try:
        picture = decoder.decode(data, name=None, limits=LIMITS)
    except CustodesError as error:
        return f"{error.code} {_cause(error.__cause__)}".strip()
    if picture.pixels.shape != (picture.height, picture.width, 3) or picture.pixels.dtype != np.uint8:
        raise AssertionError("pixels of another shape than stated")
    if picture.width * picture.height > LIMITS.max_pixels:
        raise AssertionError("more pixels than allowed")
    return f"picture {picture.format} {','.join(picture.notes)}"


def _cause(error: BaseException | None) -> str:
    """Return the kind and the first words of what a decoder raised, without its numbers and what it quotes."""
    if error is None:
        return ""
    words = re.findall(r"[A-Za-z]+", _QUOTED.sub("", str(error)))
    return " ".join([type(error).__name__, *words[:4]])


# --- the manifest reader ------------------------------------------------------------------------------


def _manifest_seeds() -> list[bytes]:
    seeds = [path.read_bytes() for path in sorted((CORPUS / "manifest").glob("*"))]
    for mapping in sorted(_DEMO.glob("*.toml")):
        for manifest in (*sorted(_DEMO.glob(f"{mapping.stem}.csv")), *sorted(_DEMO.glob(f"{mapping.stem}.jsonl"))):
            lines = manifest.read_bytes().splitlines(keepends=True)
            head = manifest.suffix.encode() + SEPARATOR + mapping.read_bytes() + SEPARATOR
            seeds += [head + b"".join(lines[:4]), head + b"".join(lines[:20])]
    return seeds


def _manifest_read(data: bytes) -> str:
    _set_up_django()
    from custodes.workflows.enrolment.manifest import Problem, load_mapping, open_manifest

    suffix, _, rest = data.partition(SEPARATOR)
    mapping, _, manifest = rest.partition(SEPARATOR)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "mapping.toml").write_bytes(mapping)
        export = place / ("export.jsonl" if b"json" in suffix else "export.csv")
        export.write_bytes(manifest)
        try:
            opened = open_manifest(export, load_mapping(place / "mapping.toml"))
            rows = list(opened.rows(date(2026, 11, 22)))
        except CustodesError as error:
            return error.code
    problems = sorted({row.error.code for row in rows if isinstance(row, Problem)})
    return f"rows {','.join(problems)}"


@cache
def _set_up_django() -> None:
    """The reader itself needs no database; the room it lies in is loaded with it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "custodes.settings")
    import django

    django.setup()


# --- what a worker says -------------------------------------------------------------------------------


def _wire_seeds() -> list[bytes]:
    from custodes.imaging import faults

    return [
        Header("GIF", 4, 2, 4, 2, 1, 0, 1, ()).packed(),
        packed_fault(faults.too_many_pixels(70_000, 70_000, 1)),
        packed_fault(faults.two_kinds("JPEG", "PDF")),
    ]


def _wire_read(data: bytes) -> str:
    body = data[1:FRAME].ljust(FRAME, b"\x00")
    request = Request(Task.DECODE, "", 1000, LIMITS)
    header = believable(body, request, "GIF")
    error = fault_in(body)
    if header is not None and header.width * header.height > LIMITS.max_pixels:
        raise AssertionError("more pixels than allowed")
    return f"{header is not None} {error.code if error else ''}"
