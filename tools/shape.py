"""Report module and function sizes and the ratio of tests to source; fail where a limit is passed.

Limits and exceptions are in ``pyproject.toml``, ``[tool.custodes.shape]``.  An exception names its reason and
the ADR that gives it: a reason beats a bad split.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Size:
    """Lines of one module (``path``) or function (``path::qualified.name``)."""

    name: str
    lines: int


@dataclass(frozen=True)
class Limits:
    """``aim`` is reported when passed; ``limit`` fails unless the name is in ``allowed``."""

    module_aim: int
    module_limit: int
    function_aim: int
    function_limit: int
    allowed: dict[str, str]


def read_limits(pyproject: Path) -> Limits:
    """Read the table ``[tool.custodes.shape]``."""
    return Limits(**tomllib.loads(pyproject.read_text())["tool"]["custodes"]["shape"])


def sources(folder: Path) -> list[Path]:
    """Return the Python files below ``folder`` that people write (migrations are generated)."""
    return sorted(path for path in folder.rglob("*.py") if "migrations" not in path.parts)


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + child.name, child
        name = getattr(child, "name", "")
        inner = (
            f"{prefix}{name}." if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) else prefix
        )
        yield from _functions(child, inner)


def function_sizes(source: str, path: str) -> list[Size]:
    """Return the length of every function of a module, from ``def`` to its last line (decorators apart)."""
    return [
        Size(f"{path}::{name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for name, node in _functions(ast.parse(source), "")
    ]


def over(sizes: list[Size], limit: int, allowed: dict[str, str]) -> list[Size]:
    """Return the sizes past ``limit`` that no exception covers, longest first."""
    return sorted((s for s in sizes if s.lines > limit and s.name not in allowed), key=lambda s: -s.lines)


def unused(sizes: list[Size], limits: Limits) -> list[str]:
    """Return exceptions that nothing needs any more."""
    needed = {s.name for s in sizes if s.lines > (limits.function_limit if "::" in s.name else limits.module_limit)}
    return sorted(set(limits.allowed) - needed)


def count_lines(folder: Path) -> int:
    """Return the lines of all Python files below ``folder``."""
    return sum(len(path.read_text().splitlines()) for path in sources(folder))


def _describe(kind: str, sizes: list[Size], aim: int) -> None:
    if not sizes:
        return
    lines = [s.lines for s in sizes]
    print(f"{kind}s: {len(lines)}, median {statistics.median(lines):.0f}, longest {max(lines)} lines")
    for size in sorted(sizes, key=lambda s: -s.lines):
        if size.lines > aim:
            print(f"  over the aim of {aim}: {size.name} ({size.lines})")


def main() -> int:
    """Print the report; return 1 if a limit is passed or an exception is no longer needed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=ROOT)
    root: Path = parser.parse_args().root
    limits = read_limits(root / "pyproject.toml")
    modules, functions = [], []
    for path in sources(root / "src"):
        name, text = str(path.relative_to(root)), path.read_text()
        modules.append(Size(name, len(text.splitlines())))
        functions += function_sizes(text, name)
    _describe("module", modules, limits.module_aim)
    _describe("function", functions, limits.function_aim)
    source_lines, test_lines = sum(s.lines for s in modules), count_lines(root / "tests")
    print(f"tests to source: {test_lines} to {source_lines} lines, {test_lines / max(source_lines, 1):.2f}")
    problems = over(modules, limits.module_limit, limits.allowed) + over(
        functions, limits.function_limit, limits.allowed
    )
    for size in problems:
        print(f"TOO LONG: {size.name}: {size.lines} lines", file=sys.stderr)
    for name in unused(modules + functions, limits):
        print(f"EXCEPTION NOT NEEDED: {name}", file=sys.stderr)
    return 1 if problems or unused(modules + functions, limits) else 0


if __name__ == "__main__":
    sys.exit(main())
