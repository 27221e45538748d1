"""Draws agrad's packages from what their files import: ``python docs/architecture.py``.

It needs graphviz. An arrow leads to a package that is imported; one that follows from two others is left out.
"""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent / "agrad"
PICTURE = HERE / "figures" / "architecture.svg"


def package_of(path: Path) -> str:
    """Return the package, or the module of the top level, that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports when it runs, with relative ones as absolute."""
    parts = ["agrad", *path.relative_to(ROOT).parent.parts]
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for statement in node.orelse:
                visit(statement)
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parts[: len(parts) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.update({module, *(f"{module}.{alias.name}" for alias in node.names)})
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def packages() -> dict[str, set[str]]:
    """Return each package with those that it imports."""
    files = [path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py"]
    found: dict[str, set[str]] = {package_of(path): set() for path in files}
    for path in files:
        names = {module.split(".")[1] for module in imports(path) if module.startswith("agrad.")}
        found[package_of(path)] |= names & found.keys() - {package_of(path)}
    return found


def direct(graph: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Return the transitive reduction of an acyclic graph: its arrows without those that follow from others."""

    def reached(start: str) -> set[str]:
        return graph[start].union(*(reached(one) for one in graph[start]))

    return {(one, other) for one in graph for other in graph[one] - set().union(*map(reached, graph[one]))}


def dot(graph: dict[str, set[str]]) -> str:
    """Return the graph in the DOT language."""
    lines = ["digraph architecture {", '  node [shape=box, style="rounded", fontname="Helvetica"]']
    lines += [f"  {one}" for one in sorted(graph)]
    lines += [f"  {one} -> {other}" for one, other in sorted(direct(graph))]
    return "\n".join([*lines, "}"])


if __name__ == "__main__":
    svg = subprocess.run(["dot", "-Tsvg"], input=dot(packages()), capture_output=True, text=True, check=True).stdout
    PICTURE.write_text(svg, encoding="utf-8")
