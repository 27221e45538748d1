"""Clearer errors for ops where an array library's own message does not help.

Each function takes the inputs of a failed call, by name, and returns the error to raise, or None if it finds no cause.
"""

from __future__ import annotations

from typing import Any

from ..core.dtypes import as_dtype

__all__ = ["of_bits", "of_equations", "of_matrix_products", "of_square_matrices", "of_vector_products"]


def of_bits(inputs: dict[str, Any]) -> Exception | None:
    """Return the error of a bitwise function that was called with floating-point inputs."""
    for x in inputs.values():
        dtype = as_dtype(getattr(x, "dtype", type(x)))
        if dtype.differentiable:
            return TypeError(
                f"it takes integers or booleans, not {dtype!r}; write x.astype(int), or a comparison such as x > 0"
            )
    return None


def of_matrix_products(inputs: dict[str, Any]) -> Exception | None:
    """Return the error of `matmul` for shapes that do not match."""
    shape1, shape2 = (_shape(x) for x in inputs.values())
    if not shape1 or not shape2:
        return ValueError("both arrays must have axes; write x1 * x2 for a product with a number")
    length1, length2 = shape1[-1], shape2[0] if len(shape2) == 1 else shape2[-2]
    if length1 != length2:
        which = "only" if len(shape2) == 1 else "second to last"
        return ValueError(
            f"the last axis of x1, of length {length1}, and the {which} axis of x2, of length {length2}, must be "
            "equally long"
        )
    lead1, lead2 = shape1[:-2], shape2[:-2]
    if any(1 not in (n, m) and n != m for n, m in zip(reversed(lead1), reversed(lead2), strict=False)):
        return ValueError(f"the axes before the matrices must broadcast, not {lead1} and {lead2}")
    return None


def of_vector_products(inputs: dict[str, Any]) -> Exception | None:
    """Return the error of `vecdot` for shapes that do not match."""
    shapes = [_shape(inputs[name]) for name in ("x1", "x2")]
    axis = inputs["axis"]
    if type(axis) is int and all(-len(shape) <= axis < 0 for shape in shapes):
        lengths = [shape[axis] for shape in shapes]
        if lengths[0] != lengths[1]:
            return ValueError(f"axis {axis} must be equally long in both arrays, not {lengths[0]} and {lengths[1]}")
    return None


def of_square_matrices(inputs: dict[str, Any]) -> Exception | None:
    """Return the error of a function of square matrices that was called with another shape."""
    shape = _shape(next(iter(inputs.values())))
    if len(shape) < 2 or shape[-1] != shape[-2]:
        return ValueError(f"it takes square matrices, of shape (..., n, n), not shape {shape}")
    return None


def of_equations(inputs: dict[str, Any]) -> Exception | None:
    """Return the error of `solve` for shapes that do not match."""
    shape1, shape2 = (_shape(x) for x in inputs.values())
    if not_square := of_square_matrices(inputs):
        return not_square
    n, rows = shape1[-1], shape2[0] if len(shape2) == 1 else shape2[-2] if shape2 else None
    return ValueError(f"x2 must have shape ({n},) or (..., {n}, k), not {shape2}") if rows != n else None


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(getattr(x, "shape", ()))
