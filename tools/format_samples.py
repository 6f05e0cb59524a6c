# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "numpy", "pillow", "pyvips-binary==8.18.*", "pyvips==3.*", "tifffile==2026.3.*", "imagecodecs==2026.3.*",
#   "pillow-heif==1.8.*",
# ]
# ///
"""Make one picture into a file of every format and variant, with other programs.

    uv run tools/format_samples.py FOLDER

The programs are installed for this run alone (some are under the GPL) and are no part of Custodes.  The picture is a
gradient, so that the files show nobody.  ``tools/format_table.py FOLDER`` then says what Custodes makes of them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
import pyvips
import tifffile
from PIL import Image

_WIDTH, _HEIGHT = 200, 240


def _picture() -> np.ndarray:
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    return np.stack([x * 255 // _WIDTH, y * 255 // _HEIGHT, 255 - x * 255 // _WIDTH], axis=2).astype(np.uint8)


RGB = _picture()
GREY = RGB.mean(axis=2).astype(np.uint8)
WIDE = RGB.astype(np.uint16) * 257
ALPHA = np.dstack([RGB, np.where(np.arange(_WIDTH) < 50, 0, 255)[None, :].repeat(_HEIGHT, 0)]).astype(np.uint8)


def by_libvips(folder: Path) -> None:
    def image(pixels: np.ndarray, kind: str) -> Any:
        return pyvips.Image.new_from_array(pixels).copy(interpretation=kind)

    rgb, grey, wide, alpha = image(RGB, "srgb"), image(GREY, "b-w"), image(WIDE, "rgb16"), image(ALPHA, "srgb")
    turned = rgb.copy()
    turned.set_type(pyvips.GValue.gint_type, "orientation", 6)
    pages = pyvips.Image.arrayjoin([rgb, rgb.invert(), rgb], across=1).copy()
    pages.set_type(pyvips.GValue.gint_type, "page-height", _HEIGHT)
    cmyk = rgb.icc_transform("cmyk", input_profile="srgb")
    p3 = rgb.icc_transform("p3", input_profile="srgb")
    srgb = rgb.icc_transform("srgb", input_profile="srgb")
    made: list[tuple[str, Any, dict[str, Any]]] = [
        ("jpeg plain.jpg", rgb, {}),
        ("jpeg progressive.jpg", rgb, {"interlace": True}),
        ("jpeg grey.jpg", grey, {}),
        ("jpeg turned by EXIF.jpg", turned, {}),
        ("jpeg CMYK with profile.jpg", cmyk, {"Q": 95}),
        ("jpeg Display P3.jpg", p3, {"Q": 95}),
        ("jpeg with sRGB profile.jpg", srgb, {"Q": 95}),
        ("png plain.png", rgb, {}),
        ("png 16 bits.png", wide, {}),
        ("png alpha.png", alpha, {}),
        ("png palette.png", rgb, {"palette": True}),
        ("png Display P3.png", p3, {}),
        ("tiff plain.tif", rgb, {}),
        ("tiff LZW.tif", rgb, {"compression": "lzw"}),
        ("tiff JPEG.tif", rgb, {"compression": "jpeg"}),
        ("tiff PackBits.tif", rgb, {"compression": "packbits"}),
        ("tiff deflate in tiles.tif", rgb, {"compression": "deflate", "tile": True, "predictor": "horizontal"}),
        ("tiff pyramid.tif", rgb, {"pyramid": True, "tile": True, "compression": "jpeg"}),
        ("tiff 16 bits.tif", wide, {}),
        ("tiff alpha.tif", alpha, {}),
        ("tiff CMYK with profile.tif", cmyk, {}),
        ("tiff Display P3.tif", p3, {}),
        ("tiff turned.tif", turned, {}),
        ("tiff three pages.tif", pages, {}),
        ("webp lossy.webp", rgb, {}),
        ("webp lossless.webp", rgb, {"lossless": True}),
        ("webp alpha.webp", alpha, {}),
        ("webp animated.webp", pages, {}),
        ("webp Display P3.webp", p3, {"lossless": True}),
        ("gif plain.gif", rgb, {}),
        ("gif transparent.gif", alpha, {}),
        ("gif animated.gif", pages, {}),
        ("avif plain.avif", rgb, {}),
    ]
    for name, picture, options in made:
        picture.write_to_file(str(folder / f"libvips {name}"), **options)


def by_tifffile(folder: Path) -> None:
    def write(name: str, pixels: np.ndarray, **options: Any) -> None:
        tifffile.imwrite(folder / f"tifffile tiff {name}.tif", pixels, **options)

    planes = np.ascontiguousarray(RGB.transpose(2, 0, 1))
    write("plain", RGB, photometric="rgb")
    write("16 bits big-endian", WIDE, photometric="rgb", byteorder=">")
    write("in planes", planes, photometric="rgb", planarconfig="separate")
    write("BigTIFF deflate", RGB, photometric="rgb", bigtiff=True, compression="deflate", predictor=True)
    write("grey 16 bits", GREY.astype(np.uint16) * 257, photometric="minisblack")
    write("grey 16 bits, white is zero", 65535 - GREY.astype(np.uint16) * 257, photometric="miniswhite")
    write("two pages", np.stack([RGB, RGB[::-1]]), photometric="rgb")
    write("zstd", RGB, photometric="rgb", compression="zstd")
    write("floating point", RGB.astype(np.float32) / 255, photometric="rgb")


def by_imagecodecs(folder: Path) -> None:
    encode = imagecodecs.jpeg2k_encode
    for name, data in {
        "jpeg 2000 lossless.jp2": encode(RGB, level=0),
        "jpeg 2000 lossy.jp2": encode(RGB, level=40),
        "jpeg 2000 grey.jp2": encode(GREY, level=0),
        "jpeg 2000 alpha.jp2": encode(ALPHA, level=0),
        "jpeg 2000 16 bits.jp2": encode(WIDE, level=0),
        "jpeg 2000 codestream, 12 bits.j2k": encode(
            GREY.astype(np.uint16) * 16, bitspersample=12, codecformat="j2k", level=0
        ),
        "jpeg lossless.jpg": imagecodecs.ljpeg_encode(GREY),
        "jpeg 12 bits.jpg": imagecodecs.jpeg_encode(GREY.astype(np.uint16) * 16, bitspersample=12),
        "bmp plain.bmp": imagecodecs.bmp_encode(RGB),
        "png animated.png": imagecodecs.apng_encode(np.stack([RGB, 255 - RGB]), delay=100),
        "jpeg xl plain.jxl": imagecodecs.jpegxl_encode(RGB),
    }.items():
        (folder / f"imagecodecs {name}").write_bytes(data)


def by_pillow_heif(folder: Path, profile: bytes) -> None:
    def write(name: str, *pictures: Image.Image, **options: Any) -> None:
        file = pillow_heif.HeifFile()
        for picture in pictures:
            file.add_from_pillow(picture)
        file.save(folder / f"pillow-heif heic {name}.heic", quality=90, chroma=444, **options)

    rgb = Image.fromarray(RGB)
    write("plain", rgb)
    write("alpha", Image.fromarray(ALPHA))
    write("three, second is main", rgb, Image.fromarray(255 - RGB), rgb, primary_index=1)
    turned = Image.Exif()
    turned[0x0112] = 6
    pillow_heif.from_pillow(rgb).save(folder / "pillow-heif heic turned.heic", quality=90, exif=turned.tobytes())
    pillow_heif.from_bytes("RGB;16", rgb.size, WIDE.tobytes()).save(
        folder / "pillow-heif heic 10 bits.heic", quality=90
    )
    rgb.info["icc_profile"] = profile
    write("Display P3", rgb)


def main() -> None:
    """Write every file into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    by_libvips(folder)
    by_tifffile(folder)
    by_imagecodecs(folder)
    by_pillow_heif(folder, Image.open(folder / "libvips png Display P3.png").info["icc_profile"])
    print(f"{len(list(folder.iterdir()))} files in {folder}")


if __name__ == "__main__":
    main()
