"""The table of docs/special.md: which special function works on which device."""

import re
from functools import cache
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "special.md"


@cache
def table():
    """Return for each column, under the device's kind, which functions it has and which not."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {
        kind: {name.strip("`"): row[i] == "yes" for row in rows for name in row[0].split()}
        for i, column in reversed([*enumerate(head)][1:])
        for kind in re.findall("`(\\w+)`", column)  # the first column with a name counts: that of "cpu" with SciPy
    }


def lacks(device, op):
    """Whether the table says that a device has not got this op, ``special.gammaln`` for instance."""
    space, _, name = op.rpartition(".")
    return space.startswith("special") and not table()[device.backend.kind][name.removesuffix("_slope")]
