"""The ReLU of a sum with a bias, an op for backends that have one kernel for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import backends
from ...core import tape
from ...core.primitive import ArrayLike, primitive
from ...core.tensor import Tensor
from ...core.typing import Array, Namespace
from ...ops.data_type import require_real

__all__ = ["bias_relu"]


@primitive
def bias_relu(xp: Namespace, arrays: Sequence[ArrayLike], /, *, axis: int) -> Tensor:
    """Return ``relu(x + bias)`` for the two arrays ``[x, bias]``.

    It is one op of both, so that one rule finds both gradients: that of the bias is the sum of the other.

    Parameters
    ----------
    arrays : sequence of ArrayLike
        `x`, and a bias with a number for each of its elements along `axis`.
    axis : int
        0 or more.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Raises
    ------
    TypeError
        If one of them is complex.
    ValueError
        If the bias has another shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.functional.bias_relu import bias_relu
    >>> bias_relu([agrad.asarray([[1.0, -3.0]]), agrad.asarray([1.0, 2.0])], axis=1).tolist()
    [[2.0, 0.0]]
    """
    x, bias = arrays
    require_real(x)
    require_real(bias)
    if bias.shape != (x.shape[axis],):
        raise ValueError(f"bias must have shape ({x.shape[axis]},), not {tuple(bias.shape)}")
    return backends.of(x).bias_relu(x, bias, axis)


def _inputs(g: Any, out: Any, axis: int, xp: Namespace) -> list[Array]:
    if xp is not tape.namespace:
        return list(backends.of(g).bias_relu_inputs(g, out, axis))
    slope = xp.where(out != 0.0, g, 0.0)  # the slope at NaN is 1, as in relu
    return [slope, xp.sum(slope, axis=tuple([i for i in range(out.ndim) if i != axis]))]


bias_relu.vjp(arrays=_inputs)
