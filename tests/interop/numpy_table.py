"""The table of what becomes of a Tensor in NumPy's functions: ``python -m tests.interop.numpy_table`` writes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.interop.numpy_rows import ROWS

PAGE = Path(__file__).parents[2] / "docs" / "numpy_functions_table.md"
STATUSES = {
    "differentiates": "differentiate",
    "constant": "are constants",
    "host": "run on the host, or refuse",
    "reads": "read, or refuse",
    "no array": "take no array",
}
MODULES = {"numpy": np, "numpy.linalg": np.linalg, "numpy.fft": np.fft}


def public() -> set[str]:
    """Return the names of all public functions, as rows have them."""
    return {
        f"{name}.{function}".removeprefix("numpy.")
        for name, module in MODULES.items()
        for function in module.__all__
        if callable(getattr(module, function)) and not isinstance(getattr(module, function), type)
    }


def table() -> str:
    """Return the counts, and the names by module and status, in Markdown."""
    lines = ["| of NumPy's public functions | |", "| --- | --- |"]
    lines += [f"| {sum(row.status == status for row in ROWS)} | {told} |" for status, told in STATUSES.items()]
    lines += ["", "| module | | functions |", "| --- | --- | --- |"]
    for module in MODULES:
        for status, told in STATUSES.items():
            rows = [row for row in ROWS if row.status == status and _module(row.name) == module]
            if rows:
                names = ", ".join(f"`{name}`" for name in sorted(row.name.rpartition(".")[2] for row in rows))
                lines.append(f"| {module} | {told} | {names} |")
    return "\n".join([*lines, ""])


def _module(name: str) -> str:
    return f"numpy.{name.rpartition('.')[0]}".rstrip(".")


if __name__ == "__main__":
    PAGE.write_text(table(), encoding="utf-8")
