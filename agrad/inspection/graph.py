"""Graph: boxes and arrows as DOT, Mermaid, SVG or PNG."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["Box", "Graph"]

# The style of each kind of box: its attributes in DOT, and the brackets around its label in Mermaid.
_LOOKS: Final = {
    "op": ('shape=box, style=rounded, fillcolor="#ffffff"', ("(", ")")),
    "leaf": ('shape=box, style=filled, fillcolor="#dbe9f6"', ("[", "]")),
    "parameter": ('shape=box, style=filled, fillcolor="#fde5c8"', ("[[", "]]")),
    "module": ('shape=box, style="rounded,filled", fillcolor="#eeeeee"', ("(", ")")),
}


@dataclass(frozen=True)
class Box:
    """A node of a graph: its lines of text, and its kind: ``"op"``, ``"leaf"``, ``"parameter"`` or ``"module"``."""

    lines: tuple[str, ...]
    kind: str


@dataclass(frozen=True, repr=False)
class Graph:
    """The graph that `draw` returns: a picture in a notebook if graphviz is installed, otherwise text.

    Attributes
    ----------
    boxes : list of Box
        The nodes of the graph.
    arrows : list of tuple of int, int, str
        The edges: the numbers of two boxes, and a label.
    """

    boxes: list[Box] = field(default_factory=list)
    arrows: list[tuple[int, int, str]] = field(default_factory=list)

    def add(self, lines: Sequence[str], kind: str) -> int:
        """Add a box, and return its number."""
        self.boxes.append(Box(tuple(lines), kind))
        return len(self.boxes) - 1

    @property
    def dot(self) -> str:
        """The graph in graphviz's language."""
        lines = [
            "digraph agrad {",
            '  node [fontname="Helvetica", fontsize=11];',
            '  edge [fontname="Helvetica", fontsize=9];',
        ]
        for i, box in enumerate(self.boxes):
            label = "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in box.lines)
            lines.append(f'  n{i} [label="{label}", {_LOOKS[box.kind][0]}];')
        for start, end, text in self.arrows:
            lines.append(f"  n{start} -> n{end}" + (f' [label="{text}"];' if text else ";"))
        return "\n".join([*lines, "}"])

    @property
    def mermaid(self) -> str:
        """The graph in Mermaid's language, which GitHub, GitLab and JupyterLab draw in a block of Markdown."""
        lines = ["flowchart TD"]
        for i, box in enumerate(self.boxes):
            before, after = _LOOKS[box.kind][1]
            label = "<br/>".join(line.replace('"', "#quot;").replace("<", "#lt;") for line in box.lines)
            lines.append(f'  n{i}{before}"{label}"{after}')
        for start, end, text in self.arrows:
            lines.append(f"  n{start} -->{f'|{text}|' if text else ''} n{end}")
        return "\n".join(lines)

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write the graph to a file: ``.svg``, ``.png`` or ``.pdf`` through graphviz, or the text: ``.dot``, ``.mmd``.

        Raises
        ------
        ValueError
            If the file has another suffix.
        RuntimeError
            If graphviz is needed and not installed.
        """
        path = Path(file)
        if path.suffix in (".svg", ".png", ".pdf"):
            path.write_bytes(self._render(path.suffix[1:]))
        elif path.suffix in (".dot", ".gv", ".mmd"):
            path.write_text((self.mermaid if path.suffix == ".mmd" else self.dot) + "\n", encoding="utf-8")
        else:
            raise ValueError(f"a graph is written to .svg, .png, .pdf, .dot, .gv or .mmd, not to {path.name!r}")

    def _render(self, kind: str) -> bytes:
        program = shutil.which("dot")
        if program is None:
            raise RuntimeError(
                f"writing .{kind} needs graphviz's program `dot`, which is not installed: `apt install graphviz`, "
                "`brew install graphviz` or `conda install graphviz`; or write .dot or .mmd"
            )
        return subprocess.run([program, f"-T{kind}"], input=self.dot.encode(), capture_output=True, check=True).stdout

    def _repr_svg_(self) -> str | None:
        return self._render("svg").decode() if shutil.which("dot") else None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        svg = self._repr_svg_()
        picture = {"text/markdown": f"```mermaid\n{self.mermaid}\n```"} if svg is None else {"image/svg+xml": svg}
        return {"text/plain": self.dot, **picture}

    def __repr__(self) -> str:
        return self.dot
