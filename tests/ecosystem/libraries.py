"""All rows, and the table of them: ``python -m tests.ecosystem.libraries`` writes it into docs/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.ecosystem import on_others, on_scipy, on_scipy_statistics, on_sklearn, on_untracked

ROWS = [*on_scipy_statistics.ROWS, *on_scipy.ROWS, *on_sklearn.ROWS, *on_others.ROWS, *on_untracked.ROWS]
STATUSES = ("works", "takes", "refuses", "detaches", "constant")
PAGE = Path(__file__).parents[2] / "docs" / "ecosystem_table.md"


def table() -> str:
    """Return what becomes of a gradient in each function, in Markdown."""
    return "\n".join(["| module | a gradient | in |", "| --- | --- | --- |", *_lines(), ""])


def _lines() -> Iterator[str]:
    for name in dict.fromkeys(module(row.function) for row in ROWS):
        for status in STATUSES:
            rows = [row for row in ROWS if (module(row.function), row.status) == (name, status)]
            if rows:
                functions = dict.fromkeys(
                    f"`{row.function.removeprefix(f'{name}.')}`{_aside(row.note)}" for row in rows
                )
                yield f"| {name} | {status} | {', '.join(functions)} |"


def module(function: str) -> str:
    """Return the module of a function or of a method: the parts of its path before the first class, or the last one."""
    parts = function.split(".")
    classes = [i for i, part in enumerate(parts) if part[0].isupper()]
    return ".".join(parts[: classes[0] if classes else -1])


def _aside(note: str) -> str:
    return f" ({note})" if note else ""


if __name__ == "__main__":
    PAGE.write_text(table(), encoding="utf-8")
