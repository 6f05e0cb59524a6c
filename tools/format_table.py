"""Say, as a table for ``docs/formats.md``, what Custodes makes of every file in a folder: ``format_table.py FOLDER``.

Files are named ``PROGRAM FORMAT VARIANT.EXT`` as ``tools/format_samples.py`` names them.  Each is decoded in a worker,
as the product does it.  With ``--damage`` each is also cut to half its length.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from custodes.errors import ImageError
from custodes.imaging import DecodingPool, Limits


def fate(pool: DecodingPool, data: bytes, name: str) -> str:
    """Return what became of a file: its notes, or the code with which it was refused."""
    try:
        picture = pool.decode(data, name=name, limits=Limits())
    except ImageError as error:
        return f"refused: `{error.code}`"
    size = f"{picture.format}, {picture.width} × {picture.height}"
    return f"{size}: {', '.join(f'`{note}`' for note in picture.notes) or 'nothing was done'}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--damage", action="store_true", help="cut each file in half as well")
    asked = parser.parse_args()
    pool = DecodingPool(Limits())
    print("| file | made by | what happens |" + (" cut in half |" if asked.damage else ""))
    print("|---|---|---|" + ("---|" if asked.damage else ""))
    for path in sorted(asked.folder.iterdir(), key=lambda entry: entry.name.partition(" ")[2].lower()):
        program, _, name = path.name.partition(" ")
        data = path.read_bytes()
        row = f"| {name} | {program} | {fate(pool, data, name)} |"
        if asked.damage:
            row += f" {fate(pool, data[: len(data) // 2], name)} |"
        print(row, flush=True)
    pool.close()


if __name__ == "__main__":
    main()
