"""Writes ``agrad/testing/backend/rows.json`` from the rows of tests/cases.py: ``python -m tests.backend_rows``.

Rows that call their op by a function of their own are left out: ``agrad/testing/backend/programs.py`` has their like.
"""

import json
from pathlib import Path

import numpy as np

import agrad
from agrad.backends.sliding_windows import Windows
from tests.cases import CASES
from tests.ops.test_cases import arguments

FILE = Path(agrad.__file__).parent / "testing" / "backend" / "rows.json"
KINDS = {"f": "floating", "c": "complex", "i": "int64", "b": "bool"}
DIGITS = 3


def encoded(value):
    """Return arrays, tuples, slices and windows as JSON has words for them."""
    if isinstance(value, np.ndarray):
        return {"@numbers": numbers(value), "kind": KINDS[value.dtype.kind]}
    if isinstance(value, Windows):
        return {"@windows": [encoded(x) for x in (value.kernel, value.stride, value.padding, value.dilation)]}
    if isinstance(value, slice):
        return {"@slice": [value.start, value.stop, value.step]}
    if isinstance(value, tuple):
        return {"@tuple": [encoded(x) for x in value]}
    if isinstance(value, list):
        return [encoded(x) for x in value]
    return value


def numbers(array):
    """Return an array as nested lists, with a pair for each complex number."""
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], axis=-1)
    return np.round(array, DIGITS).tolist() if array.dtype.kind == "f" else array.tolist()


def rows():
    """Return the rows as JSON has words for them."""
    for case in CASES:
        for is_complex in (False, True)[: 1 + case.complex]:
            if case.call is None:
                yield {
                    "name": f"{case}-complex" if is_complex else str(case),
                    "op": case.op,
                    "args": [encoded(x) for x in arguments(case, is_complex)],
                    "settings": {name: encoded(x) for name, x in case.kwargs.items()},
                    "order": case.order,
                }


def text():
    """Return the file, a row a line."""
    return "[\n" + ",\n".join(json.dumps(row) for row in rows()) + "\n]\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
