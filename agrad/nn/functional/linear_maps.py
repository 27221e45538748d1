"""Linear and bilinear maps of the last axis, and embedding lookup."""

from __future__ import annotations

from math import prod

from ...checks import as_integer, check_tensors
from ...core.dtypes import from_native
from ...core.primitive import ArrayLike, primitive
from ...core.tensor import Tensor
from ...core.typing import Array, Namespace
from ...ops.gathering import take
from ...ops.manipulation import expand_dims, reshape
from ...ops.searching import where
from ..reductions import as_tensor
from .bias_relu import bias_relu
from .promotion import warn_of_float64

__all__ = ["bilinear", "embedding", "linear", "linear_relu"]


@primitive
def linear(xp: Namespace, input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Tensor:
    """Return ``input @ weight.T + bias``.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(..., in_features)``.
    weight : ArrayLike
        Of shape ``(out_features, in_features)``.
    bias : ArrayLike, optional
        Of shape ``(out_features,)``.

    Returns
    -------
    Tensor
        Of shape ``(..., out_features)``.

    Raises
    ------
    ValueError
        If the shapes do not match.
    TypeError
        If the input or the weight is not an array.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.linear(agrad.asarray([1.0, 2.0]), agrad.asarray([[3.0, 4.0]]), agrad.asarray([0.5])).tolist()
    [11.5]
    """
    try:
        fits = input.shape[-1:] == weight.shape[1:]
    except AttributeError:
        check_tensors(input=input, weight=weight)
        raise
    if len(weight.shape) != 2:
        raise ValueError(f"weight must have shape (outputs, inputs), not {tuple(weight.shape)}")
    if not fits:
        raise ValueError(f"input must have shape (..., {weight.shape[-1]}) to match weight, not {tuple(input.shape)}")
    if input.dtype is not weight.dtype:
        warn_of_float64(from_native(input.dtype), from_native(weight.dtype))
    out = xp.matmul(input, weight.T)
    if bias is not None:
        if bias.shape != weight.shape[:1]:
            raise ValueError(f"bias must have shape ({weight.shape[0]},) to match weight, not {tuple(bias.shape)}")
        out += bias
    return out


def _linear_weight(g: Array, input: Array, xp: Namespace) -> Array:
    if len(input.shape) != 2:
        input, g = (xp.reshape(x, (prod(x.shape[:-1]), x.shape[-1])) for x in (input, g))
    return xp.matmul(g.T, input)


def _linear_bias(g: Array, xp: Namespace) -> Array:
    if len(g.shape) == 2:
        return xp.sum(g, axis=0)
    return xp.sum(g, axis=tuple(range(len(g.shape) - 1)))


linear.vjp(
    input=lambda g, weight, xp: xp.matmul(g, weight),
    weight=_linear_weight,
    bias=_linear_bias,
)


def linear_relu(input: ArrayLike, weight: ArrayLike, bias: ArrayLike) -> Tensor:
    """Return ``relu(linear(input, weight, bias))``, with the bias and the ReLU in one op."""
    product = linear(input, weight)
    return bias_relu([product, bias], axis=product.ndim - 1)


def bilinear(input1: ArrayLike, input2: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Tensor:
    """Return ``input1 @ weight[k] @ input2 + bias[k]`` for each output feature `k`.

    Parameters
    ----------
    input1, input2 : ArrayLike
        Of shapes ``(..., in1_features)`` and ``(..., in2_features)``, equal but for the last axis.
    weight : ArrayLike
        Of shape ``(out_features, in1_features, in2_features)``.
    bias : ArrayLike, optional
        Of shape ``(out_features,)``.

    Returns
    -------
    Tensor
        Of shape ``(..., out_features)``.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.bilinear(agrad.asarray([1.0, 2.0]), agrad.asarray([3.0]), agrad.asarray([[[1.0], [10.0]]])).tolist()
    [63.0]
    """
    input1 = as_tensor(input1)
    input2, weight = as_tensor(input2, input1), as_tensor(weight, input1)
    if input1.shape[:-1] != input2.shape[:-1] or (*input1.shape[-1:], *input2.shape[-1:]) != weight.shape[1:]:
        raise ValueError(
            f"weight of shape {weight.shape} takes inputs (..., {', '.join(map(str, weight.shape[1:2]))}) and "
            f"(..., {', '.join(map(str, weight.shape[2:]))}), else equal; they have {input1.shape} and {input2.shape}"
        )
    products = expand_dims(input1, axis=-1) * expand_dims(input2, axis=-2)
    flat = reshape(products, (*input1.shape[:-1], prod(weight.shape[1:])))
    return linear(flat, reshape(weight, (weight.shape[0], prod(weight.shape[1:]))), bias)


def embedding(input: ArrayLike, weight: ArrayLike, padding_idx: int | None = None) -> Tensor:
    """Return the rows of a table at the given indices.

    Parameters
    ----------
    input : ArrayLike
        The indices: integers of any shape, from 0 to the number of rows - 1.
    weight : ArrayLike
        The table, a matrix.
    padding_idx : int, optional
        The index of a row that gets no gradient.

    Returns
    -------
    Tensor
        The rows, along a new last axis.

    Raises
    ------
    IndexError
        If an index is out of range, except on a GPU, where this check would have to wait; or if `padding_idx` is.
    TypeError
        If the input is not of an integer dtype.
    ValueError
        If the table is not a matrix.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.embedding(agrad.asarray([1, 0, 1]), agrad.asarray([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]
    """
    weight = as_tensor(weight)
    input = as_tensor(input, weight)
    if weight.ndim != 2:
        raise ValueError(f"weight must be a matrix, (rows, features); it has shape {weight.shape}")
    if padding_idx is not None and not -weight.shape[0] <= as_integer("padding_idx", padding_idx) < weight.shape[0]:
        raise IndexError(f"padding_idx={padding_idx} is out of range: the table has {weight.shape[0]} rows")
    if not input.dtype.family.endswith("integer"):
        raise TypeError(f"indices must be integers, not {input.dtype!r}; write input.astype(int)")
    _check_rows(input, weight.shape[0])
    rows = take(weight, input, axis=0)
    if padding_idx is None:
        return rows
    return where(expand_dims(input == padding_idx % weight.shape[0], axis=-1), rows.detach(), rows)


def _check_rows(input: Tensor, count: int) -> None:
    """Raise IndexError for an index out of range, where reading values does not wait for the device."""
    device = input.device
    if device.backend.waits_on_read(device.native) or not input.size:
        return
    backend = input._device.backend
    if not backend.within(input._data, 0, count - 1):
        least, largest = (int(end) for end in backend.bounds(input._data))
        wrong = least if least < 0 else largest
        raise IndexError(f"index {wrong} is out of range: the table has {count} rows, 0 to {count - 1}")
