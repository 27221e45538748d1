"""Reductions, which are accumulated in the nest that computes or reads their operand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any, Final

from ...virtual.traced.recording import Call, Variable
from .access import whole
from .elements import accumulated, unit
from .values import Values, empty

__all__ = ["REDUCTIONS", "accumulate"]


def accumulate(values: Values, name: str, out: Variable, text: str, i: int, reduced: Iterable[int]) -> None:
    """Accumulate an expression over some axes of a nest, into a variable with the remaining axes."""
    nest, dtype = values.nests.nest(i), values.dtype_of(out)
    gone = {*reduced, *(k for k, n in enumerate(nest.shape) if n == 1)}
    kept = [k for k in range(len(nest.shape)) if k not in gone]
    depth = kept[-1] + 1 if kept else 0  # the loops around an element of the result
    if any(k in gone and nest.shape[k] != 1 for k in range(depth)):
        full = f"np.full({tuple(out.value.shape)!r}, {unit(name, dtype)}, np.{dtype}{'_' * (dtype == 'bool')})"
        at = _element_of_result(values, out, i, kept, full)
        nest.body.append(f"{at} = {accumulated(name, at, text)}")
        return
    so_far = values.names.unused("a0")
    nest.begin.setdefault(depth, []).append(f"{so_far} = {unit(name, dtype)}")
    nest.body.append(f"{so_far} = {accumulated(name, so_far, text)}")
    if kept:
        nest.end.setdefault(depth, []).append(f"{_element_of_result(values, out, i, kept, empty(out))} = {so_far}")
    else:
        values.singles[out] = i + 1, so_far, dtype


def _element_of_result(values: Values, out: Variable, i: int, kept: Sequence[int], made: str) -> str:
    """Allocate an array for a result, and return its element at the current indices."""
    name, nest = values.names.unused("t0"), values.nests.nest(i)
    places = iter(kept)
    nest.before.append(f"{name} = {made}")
    target = whole(name, out.value.shape)
    values.stored[out] = i + 1, target
    return target.renumbered(nest.shape, [next(places) if n != 1 else None for n in out.value.shape]).element(
        nest.loops
    )


def _reduce(values: Values, name: str, out: Variable, x: Variable, axis: Any) -> None:
    count = len(x.value.shape)
    axes = range(count) if axis is None else [axis] if type(axis) is int else axis
    i = values.place(x.value.shape, x)
    text = values.element(x, i, values.dtype_of(out))
    accumulate(values, name, out, text, i, [k % count for k in axes])


def _plain(values: Values, call: Call) -> None:
    _reduce(values, call.name, call.outputs[0], call.args[0], call.kwargs.get("axis"))


def _mean_of(values: Values, out: Variable, x: Variable, axis: Any) -> None:
    _divided_sum(values, out, x, axis, 0.0)


def _divided_sum(values: Values, out: Variable, x: Variable, axis: Any, correction: float) -> None:
    """Add a sum divided by the number of its terms minus a correction."""
    total, count = Variable(out.value), prod(x.value.shape) // max(1, prod(out.value.shape))
    _reduce(values, "sum", total, x, axis)
    values.compute("divide", out, (total, max(count - correction, 0.0)))


def _mean(values: Values, call: Call) -> None:
    _mean_of(values, call.outputs[0], call.args[0], call.kwargs.get("axis"))


def _var(values: Values, call: Call) -> None:
    x, axis = call.args[0], call.kwargs.get("axis")
    mean = Variable(x.value.mean(axis=axis, keepdims=True))
    deviation, square = Variable(x.value), Variable(x.value)
    _mean_of(values, mean, x, axis)
    values.compute("subtract", deviation, (x, mean))
    values.compute("square", square, (deviation,))
    _divided_sum(values, call.outputs[0], square, axis, call.kwargs.get("correction", 0.0))


def _vector_norm(values: Values, call: Call) -> None:
    if call.kwargs.get("ord", 2) != 2:
        values.refuse(" of another order than 2")
    x, out = call.args[0], call.outputs[0]
    square, total = Variable(x.value), Variable(out.value)
    values.compute("square", square, (x,))
    _reduce(values, "sum", total, square, call.kwargs.get("axis"))
    values.compute("sqrt", out, (total,))


REDUCTIONS: Final[dict[str, Callable[[Values, Call], None]]] = {
    **dict.fromkeys(("all", "any", "max", "min", "prod", "sum"), _plain),
    "linalg_vector_norm": _vector_norm, "mean": _mean, "var": _var,
}  # fmt: skip
