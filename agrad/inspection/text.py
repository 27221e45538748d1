"""Tables, times and sizes as text."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["seconds", "size", "table"]


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Return a table with titles; the first `left` columns are aligned left, the last row, a total, is set apart."""
    lines = [titles, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles))]
    text = []
    for line in lines:
        cells = [cell.ljust(widths[i]) if i < left else cell.rjust(widths[i]) for i, cell in enumerate(line)]
        text.append("  ".join(cells).rstrip())
    rule = "-" * (sum(widths) + 2 * len(widths) - 2)
    return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])


def seconds(value: float) -> str:
    """Return a time with three digits and a suitable unit."""
    return _scaled(value, [(1.0, "s"), (1e-3, "ms")], (1e-6, "µs"))


def size(value: int) -> str:
    """Return a number of bytes with three digits and a suitable unit."""
    return _scaled(value, [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")], (1, "B"))


def _scaled(value: float, units: Sequence[tuple[float, str]], least: tuple[float, str]) -> str:
    scale, unit = next((unit for unit in units if value >= unit[0]), least)
    return f"{_rounded(value / scale)} {unit}"


def _rounded(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
