"""The rows of ``rows.json``: calls of ops with their inputs.

``tests/backend_rows.py`` writes them from the rows of ``tests/cases.py``, so that an installed agrad has them too, but
without the functions of NumPy and SciPy that the tests compare them with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from ...backends.sliding_windows import Windows

__all__ = ["Numbers", "Row", "decoded", "read_rows"]


@dataclass(frozen=True)
class Numbers:
    """An array among the arguments of a row, not yet on a device.

    Attributes
    ----------
    values : list or number
        Nested as the array's axes.
    kind : {"floating", "complex", "int64", "bool"}
        The dtype; floating and complex numbers are taken in single or double precision.
    """

    values: Any
    kind: str


@dataclass(frozen=True)
class Row:
    """A call of an op.

    Attributes
    ----------
    name : str
        Tells rows of one op apart.
    op : str
        Where the op is found in agrad.
    args : list
        `Numbers`, lists of them, and settings.
    settings : dict
        Settings by keyword.
    order : int
        The highest order of derivative that it has; 0 where there is none.
    """

    name: str
    op: str
    args: list[Any]
    settings: dict[str, Any]
    order: int


def read_rows() -> list[Row]:
    """Return all rows."""
    lines = files(__package__).joinpath("rows.json").read_text(encoding="utf-8")
    return [Row(**{name: decoded(value) for name, value in row.items()}) for row in json.loads(lines)]


def decoded(value: Any) -> Any:
    """Decode objects that JSON cannot represent: arrays, tuples, slices, windows."""
    if isinstance(value, list):
        return [decoded(x) for x in value]
    if not isinstance(value, dict):
        return value
    if "@numbers" in value:
        return Numbers(value["@numbers"], value["kind"])
    if "@tuple" in value:
        return tuple(decoded(x) for x in value["@tuple"])
    if "@slice" in value:
        return slice(*value["@slice"])
    if "@windows" in value:
        return Windows(*decoded(value["@windows"]))
    return {name: decoded(x) for name, x in value.items()}
