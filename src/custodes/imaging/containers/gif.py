"""GIF: blocks of up to 255 bytes.  Source: CompuServe, *Graphics Interchange Format*, version 89a, sections 18-27.

A decoder sees the first picture alone.  The canvas is the logical screen, or larger if the first picture is.
"""

from __future__ import annotations

from custodes.imaging import faults
from custodes.imaging.containers.base import Container, check_parts, check_size, unpack
from custodes.imaging.deadline import Deadline

_EXTENSION, _PICTURE, _TRAILER = 0x21, 0x2C, 0x3B
_GRAPHIC_CONTROL = 0xF9
_HAS_TABLE = 0x80


def read_gif(data: bytes, deadline: Deadline) -> Container:
    """Walk a GIF; see :func:`custodes.imaging.containers.read_container`."""
    width, height, flags = unpack("<6xHHB", data, 0)
    position = 13 + _table_bytes(flags)
    drawn = [data[:position]]
    control, frames = b"", 0
    while True:
        deadline.check()
        (kind,) = unpack("B", data, position)
        if kind == _TRAILER:
            break
        if kind == _EXTENSION:
            (label,) = unpack("B", data, position + 1)
            end = _after_blocks(data, position + 2, deadline)
            if label == _GRAPHIC_CONTROL:
                control = data[position:end]
        elif kind == _PICTURE:
            left, top, frame_width, frame_height, frame_flags = unpack("<HHHHB", data, position + 1)
            end = _after_blocks(data, position + 10 + _table_bytes(frame_flags) + 1, deadline)
            frames += 1
            check_parts(frames)
            if frames == 1:
                check_size(frame_width, frame_height)
                width, height = max(width, left + frame_width), max(height, top + frame_height)
                drawn += [control, data[position:end]]
        else:
            raise faults.damaged()
        position = end
    if not frames:
        raise faults.damaged()
    return Container(
        "GIF",
        width,
        height,
        1,
        len(data) - position - 1,
        b"".join([*drawn, bytes([_TRAILER])]),
        bytes_per_pixel=2,
        frames=frames,
    )


def _table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & _HAS_TABLE else 0


def _after_blocks(data: bytes, position: int, deadline: Deadline) -> int:
    """Return where the chain of blocks that begins at ``position`` ends."""
    while True:
        deadline.check()
        (length,) = unpack("B", data, position)
        position += 1 + length
        if not length:
            return position
