"""HTML tables, which notebooks show instead of a repr."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .module import Module

__all__ = ["html_table", "indented", "layers_as_html"]


def html_table(titles: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    """Return an HTML table with titles: the first `left` columns are aligned left, and the last row is bold."""
    lines = [("th", titles), *(("td", row) for row in rows)]
    lines[-1] = "th", lines[-1][1]
    return f"<table>{''.join(_row(tag, cells, left) for tag, cells in lines)}</table>"


def _row(tag: str, cells: Sequence[str], left: int) -> str:
    sides = ["left"] * left + ["right"] * (len(cells) - left)
    spaced = [escape(cell).replace("  ", "&emsp;") for cell in cells]
    shown = [f'<{tag} style="text-align: {side}">{x}</{tag}>' for side, x in zip(sides, spaced, strict=True)]
    return f"<tr>{''.join(shown)}</tr>"


def indented(name: str, kind: str) -> str:
    """Return a layer as a line of a tree: its class behind the last part of its dotted name, which is empty at the top.

    Examples
    --------
    >>> from agrad.nn.notebook import indented
    >>> indented("encoder.0", "Linear")
    '    (0): Linear'
    """
    return f"{'  ' * (name.count('.') + 1)}({name.rpartition('.')[2]}): {kind}" if name else kind


def layers_as_html(module: Module) -> str:
    """Return a table of a module and all below it: the settings, and the number of own parameters, of each."""
    rows = [
        [indented(name, type(part).__name__), part.extra_repr(), f"{_count(part, recurse=False):,}"]
        for name, part in module.named_modules()
    ]
    return html_table(["layer", "settings", "parameters"], [*rows, ["total", "", f"{_count(module):,}"]], left=2)


def _count(module: Module, recurse: bool = True) -> int:
    return sum(parameter.size for parameter in module.parameters(recurse))
