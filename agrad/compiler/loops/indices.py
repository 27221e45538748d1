"""Checks of values, and indexing by arrays, whose indices are checked first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...virtual.traced.recording import Call, Variable
from .values import Values

__all__ = ["INDICES", "check", "checked_places"]


def check(values: Values, call: Call) -> None:
    """Make the loops return True if a check fails that passed when the program was recorded, or the reverse."""
    x, least, most = call.args
    i = values.nests.new(tuple(x.value.shape))
    nest, text = values.nests.nest(i), values.element(x, i)
    flag = values.names.unused("within")
    nest.before.append(f"{flag} = True")
    nest.body.append(f"{flag} = {flag} and {least} <= {text} <= {most}")
    values.checked = values.block([f"if {'not ' if call.outputs[0].value else ''}{flag}: return True"])


def checked_places(values: Values, indices: Variable, length: int) -> tuple[int, str]:
    """Return the first nest that can use the checked indices, none of them negative, and the name of their array.

    The loops return True if an index is out of range.
    """
    if (indices, length) not in values.places:
        values.places[indices, length] = _checked_places(values, indices, length)
    return values.places[indices, length]


def _checked_places(values: Values, indices: Variable, length: int) -> tuple[int, str]:
    if len(indices.value.shape) != 1:
        values.refuse(" by indices of several axes")
    _, access = values.access(indices)
    i = values.nests.new(access.shape)
    nest, text = values.nests.nest(i), values.at(access, i)
    name, good, place = (values.names.unused(word) for word in ("k0", "within", "place"))
    nest.before += [f"{name} = np.empty({access.shape!r}, np.int64)", f"{good} = True"]
    nest.body += [
        f"{place} = {text}",
        f"{name}[{nest.loops[0]}] = {place} + {length} if {place} < 0 else {place}",
        f"{good} = {good} and -{length} <= {place} < {length}",
    ]
    values.checked = values.block([f"if not {good}: return True"])
    return values.checked, name


def _take(values: Values, call: Call) -> None:
    (x, indices), out = call.args, call.outputs[0]
    axis = (call.kwargs.get("axis") or 0) % len(x.value.shape)
    ready, through = checked_places(values, indices, x.value.shape[axis])
    count = indices.value.shape[0]
    found = values.access(x)[1].gathered(axis, through, count)
    if found is None:
        values.copy(x)
        found = values.access(x)[1].gathered(axis, through, count)
    gathered = Variable(out.value)
    assert found is not None
    values.stored[gathered] = max(ready, values.access(x)[0]), found
    values.compute("copy", out, (gathered,))


INDICES: Final[dict[str, Callable[[Values, Call], None]]] = {"take": _take}
