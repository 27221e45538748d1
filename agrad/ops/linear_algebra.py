"""Linear algebra: the standard's chapter, and the shortcuts `mm` and `einsum`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from math import prod
from operator import index
from typing import Any, TypeAlias

from ..core.errors import describe
from ..core.primitive import ArrayLike, primitive, standard
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from .advice import of_matrix_products, of_vector_products
from .data_type import as_tensor
from .elementwise import multiply
from .indexing import getitem
from .manipulation import permute_dims, reshape
from .statistical import sum

__all__ = ["einsum", "matmul", "matrix_transpose", "mm", "tensordot", "vecdot"]

Axes: TypeAlias = int | tuple[int | Sequence[int], int | Sequence[int]]


# Products


@standard
def matmul(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the matrix product.

    Parameters
    ----------
    x1 : ArrayLike
        Numeric, of shape (..., m, k), or a vector (k,), without the axis m in the result.
    x2 : ArrayLike
        Numeric, of shape (..., k, n), or a vector (k,), without the axis n in the result.

    Returns
    -------
    Tensor
        Of shape (..., m, n), where the leading axes broadcast, and the promoted dtype.

    Raises
    ------
    ValueError
        If k differs, the leading axes do not broadcast, or an array has no axes.

    Examples
    --------
    >>> import agrad
    >>> agrad.matmul(agrad.asarray([[1.0, 2.0], [3.0, 4.0]]), agrad.asarray([1.0, 10.0]))
    Tensor([21., 43.], dtype=float32, device='cpu')
    """
    return xp.matmul(x1, x2)


def _matmul_x1(g: Array, x2: Array, xp: Namespace, x1_shape: tuple[int, ...]) -> Array:
    if x2.ndim == 1:
        return xp.matmul(g[..., None], x2[None, :]) if g.ndim else g * x2
    if len(x1_shape) == 1 < g.ndim:
        g = g[..., None, :]
    return xp.matmul(g, _transposed(xp, x2))


def _matmul_x2(g: Array, x1: Array, xp: Namespace, x2_shape: tuple[int, ...]) -> Array:
    if len(x2_shape) == 1:
        return g * x1 if x1.ndim == 1 else xp.matmul(*_long(xp, g, x1))
    if x1.ndim == 1:
        return xp.matmul(x1[:, None], g[..., None, :])
    if len(x2_shape) == 2 < x1.ndim:  # one product of long matrices instead of a sum of many products
        x1, g = (xp.reshape(x, (prod(x.shape[:-1]), x.shape[-1])) for x in (x1, g))
    return xp.matmul(_transposed(xp, x1), g)


def _long(xp: Namespace, g: Array, x1: Array) -> tuple[Any, Any]:
    """Return a cotangent and a stack of matrices as one vector and one matrix."""
    if x1.ndim == 2:
        return g, x1
    return xp.reshape(g, (prod(x1.shape[:-1]),)), xp.reshape(x1, (prod(x1.shape[:-1]), x1.shape[-1]))


def _transposed(xp: Namespace, x: Array) -> Array:
    return x.T if x.ndim == 2 else xp.matrix_transpose(x)


matmul.definition.advice = of_matrix_products
matmul.vjp(x1=_matmul_x1, x2=_matmul_x2)


@primitive
def mm(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the product of two matrices; other shapes are an error.

    Parameters
    ----------
    x1 : ArrayLike
        Numeric, of shape (m, k).
    x2 : ArrayLike
        Numeric, of shape (k, n).

    Returns
    -------
    Tensor
        Of shape (m, n) and the promoted dtype.

    Raises
    ------
    ValueError
        If k differs, or one of them is not a matrix.

    Examples
    --------
    >>> import agrad
    >>> agrad.mm(agrad.asarray([[1.0, 2.0], [3.0, 4.0]]), agrad.asarray([[1.0], [10.0]]))
    Tensor([[21.],
            [43.]], dtype=float32, device='cpu')
    """
    if x1.ndim != 2 or x2.ndim != 2:
        raise ValueError("mm takes two matrices; for other shapes write matmul, or x1 @ x2")
    return xp.matmul(x1, x2)


mm.vjp(x1=lambda g, x2: g @ x2.T, x2=lambda g, x1: x1.T @ g)


@standard
def matrix_transpose(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Swap the last two axes.

    Parameters
    ----------
    x : ArrayLike
        Of shape (..., m, n) and any dtype.

    Returns
    -------
    Tensor
        Of shape (..., n, m).

    Examples
    --------
    >>> import agrad
    >>> agrad.matrix_transpose(agrad.asarray([[1, 2], [3, 4]]))
    Tensor([[1, 3],
            [2, 4]], dtype=int64, device='cpu')
    """
    return xp.matrix_transpose(x)


matrix_transpose.vjp(x=lambda g, xp: xp.matrix_transpose(g))


@primitive
def tensordot(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /, *, axes: Axes = 2) -> Tensor:
    """Return the tensor dot product: the product of two arrays, summed along pairs of axes.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Numeric.
    axes : int or tuple of two ints or sequences of int
        The axes of `x1` and those of `x2` to contract; an int n means the last n of `x1` and the first n of `x2`.

    Returns
    -------
    Tensor
        Of the remaining axes of `x1`, then those of `x2`, and the promoted dtype.

    Raises
    ------
    ValueError
        If there are no such axes, or the lengths of a contracted pair differ.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> agrad.tensordot(x, x, axes=([0], [0]))
    Tensor([[10., 14.],
            [14., 20.]], dtype=float32, device='cpu')
    """
    inner1, inner2, _, _ = _contracted(axes, x1.ndim, x2.ndim)
    lengths1, lengths2 = [x1.shape[i] for i in inner1], [x2.shape[i] for i in inner2]
    if lengths1 != lengths2:
        raise ValueError(
            f"axes {inner1} and {inner2} must have equal lengths to be contracted, not {lengths1} and {lengths2}"
        )
    return xp.tensordot(x1, x2, axes=(tuple(inner1), tuple(inner2)))


def _contracted(axes: Axes, ndim1: int, ndim2: int) -> tuple[list[int], list[int], list[int], list[int]]:
    """Return the contracted axes of both arrays, and the remaining axes of both."""
    if isinstance(axes, int) and axes < 0:
        raise ValueError(f"the number of axes to contract must be 0 or more, not {axes}; write ([-1], [0]) for axes")
    try:
        pairs: Any = (range(ndim1 - axes, ndim1), range(axes)) if isinstance(axes, int) else axes
        inner1, inner2 = ([index(i) for i in ([side] if hasattr(side, "__index__") else side)] for side in pairs)
    except (TypeError, ValueError):
        raise TypeError(f"axes must be an integer or two lists of integers, as ([1], [0]), not {axes!r}") from None
    if len(inner1) != len(inner2) or not (
        set(inner1) <= {*range(-ndim1, ndim1)} and set(inner2) <= {*range(-ndim2, ndim2)}
    ):
        raise ValueError(f"axes={axes!r} must name equally many axes of two arrays, which have {ndim1} and {ndim2}")
    inner1, inner2 = [i % ndim1 for i in inner1], [i % ndim2 for i in inner2]
    return inner1, inner2, [i for i in range(ndim1) if i not in inner1], [i for i in range(ndim2) if i not in inner2]


def _tensordot_x1(g: Array, x2: Array, xp: Namespace, x1_shape: tuple[int, ...], axes: Axes) -> Array:
    inner1, inner2, outer1, outer2 = _contracted(axes, len(x1_shape), x2.ndim)
    product = xp.tensordot(g, x2, axes=(tuple(range(len(outer1), g.ndim)), tuple(outer2)))
    order = [*outer1, *(inner1[inner2.index(i)] for i in sorted(inner2))]
    return xp.permute_dims(product, tuple(order.index(i) for i in range(len(order))))


def _tensordot_x2(g: Array, x1: Array, xp: Namespace, x2_shape: tuple[int, ...], axes: Axes) -> Array:
    inner1, inner2, outer1, outer2 = _contracted(axes, x1.ndim, len(x2_shape))
    product = xp.tensordot(x1, g, axes=(tuple(outer1), tuple(range(len(outer1)))))
    order = [*(inner2[inner1.index(i)] for i in sorted(inner1)), *outer2]
    return xp.permute_dims(product, tuple(order.index(i) for i in range(len(order))))


tensordot.vjp(x1=_tensordot_x1, x2=_tensordot_x2)


@primitive
def vecdot(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /, *, axis: int = -1) -> Tensor:
    """Return the dot product of vectors along an axis; `x1` is conjugated.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Numeric, of equal lengths along `axis`; the other axes broadcast.
    axis : int
        The axis of the vectors, counted from the end.

    Returns
    -------
    Tensor
        Of the broadcast shape without `axis`, and the promoted dtype.

    Raises
    ------
    ValueError
        If the vectors differ in length, or the other axes do not broadcast.

    Examples
    --------
    >>> import agrad
    >>> agrad.vecdot(agrad.asarray([[1.0, 2.0], [3.0, 4.0]]), agrad.asarray([1.0, 10.0]))
    Tensor([21., 43.], dtype=float32, device='cpu')
    """
    return xp.vecdot(x1, x2, axis=axis)


vecdot.definition.advice = of_vector_products
vecdot.vjp(
    x1=lambda g, x2, xp, axis: xp.conj(xp.expand_dims(g, axis=axis) * x2),
    x2=lambda g, x1, xp, axis: xp.expand_dims(g, axis=axis) * xp.conj(x1),
)


# Einstein summation, composed of the above, two arrays at a time. A term is one label for each axis, and an array.

Term: TypeAlias = tuple[str, Tensor]


def einsum(subscripts: Any, /, *operands: Any) -> Tensor:
    """Evaluate the Einstein summation convention: multiply arrays and sum along labelled axes.

    opt_einsum chooses the order in which several arrays are multiplied, to keep the number of operations low.

    Parameters
    ----------
    subscripts : str
        Labels of the axes of each array, ``"ij,jk->ik"`` for a matrix product. Labels after the arrow are the axes
        of the result; all others are summed along. Without an arrow, the result has the labels that appear once, in
        alphabetic order. A label that one array has twice means its diagonal; ``...`` means axes that broadcast.
    *operands : ArrayLike
        Numeric. Without a string, each is followed by a list of labels: ``einsum(x, [0, 1], y, [1, 2], [0, 2])``.

    Returns
    -------
    Tensor
        Of the shape that the output labels give, and the promoted dtype.

    Raises
    ------
    ValueError
        If the numbers of labels and axes differ, or axes with the same label differ in length.
    TypeError
        If the labels are neither a string nor lists.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> agrad.einsum("ij,j->i", x, agrad.asarray([1.0, 10.0]))
    Tensor([21., 43.], dtype=float32, device='cpu')
    >>> agrad.einsum("ii", x)
    Tensor(5., dtype=float32, device='cpu')
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _without_lists(subscripts, *operands)
    tensors = _together(operands)
    inputs, output = _parsed(subscripts, *(x.shape for x in tensors))
    terms = list(zip(inputs, tensors, strict=True))
    lengths = _lengths(terms)
    terms = [_diagonal(*_squeezed(*term, lengths)) for term in terms]
    for positions in _path(output, tuple((labels, x.shape) for labels, x in terms)):
        term, *others = [terms.pop(i) for i in sorted(positions, reverse=True)]
        while others:
            other = others.pop()
            term = _product(term, other, {*output}.union(*(labels for labels, _ in terms + others)))
        terms.append(term)
    (term,) = terms
    labels, x = _summed(*term, output)
    return _arranged(labels, x, output)


def _without_lists(*operands: Any) -> tuple[str, tuple[Any, ...]]:
    """Convert arrays that are followed by lists of labels to a string and the arrays."""
    from opt_einsum.parser import convert_interleaved_input  # a large package, which few programs need

    if len(operands) < 2 or not all(isinstance(labels, (list, tuple)) for labels in operands[1::2]):
        raise TypeError(
            f"einsum takes labels as a string before the arrays, einsum('ij,jk->ik', x, y), or as a list after each "
            f"array; it got {', '.join(map(describe, operands))}"
        )
    subscripts, arrays = convert_interleaved_input(operands)
    return subscripts, arrays


@lru_cache
def _parsed(subscripts: str, *shapes: tuple[int, ...]) -> tuple[list[str], str]:
    """Return the labels of each array and of the result, with labels in place of ``...``."""
    from opt_einsum.parser import parse_einsum_input

    groups = subscripts.partition("->")[0].count(",") + 1
    if groups != len(shapes):
        raise ValueError(f"einsum got {subscripts!r}, labels for {groups} arrays, but {len(shapes)} arrays")
    try:
        inputs, output, _ = parse_einsum_input((subscripts, *shapes), shapes=True)
    except ValueError as error:
        raise ValueError(f"einsum got {subscripts!r} for the shapes {', '.join(map(str, shapes))}: {error}") from None
    return inputs.split(","), output


def _together(operands: Sequence[Any]) -> list[Tensor]:
    """Convert all to Tensors; numbers, lists and NumPy arrays go to the device of the first Tensor."""
    first = next((x for x in operands if isinstance(x, Tensor)), None)
    return [as_tensor(x, first) for x in operands]


def _lengths(terms: Sequence[Term]) -> dict[str, int]:
    """Return the length of each label's axis, after broadcasting."""
    lengths: dict[str, int] = {}
    for labels, x in terms:
        if len(labels) != x.ndim:
            raise ValueError(f"einsum got labels {labels!r} for an array of shape {x.shape}; write one for each axis")
        for i, (label, n) in enumerate(zip(labels, x.shape, strict=True)):
            known = lengths.setdefault(label, n)
            if n != known and (1 not in (n, known) or label in labels[:i]):
                shown = ", ".join(f"{labels!r} of shape {x.shape}" for labels, x in terms)
                raise ValueError(f"einsum got axes of lengths {known} and {n} with the label {label!r}: {shown}")
            lengths[label] = n if known == 1 else known
    return lengths


@lru_cache
def _path(output: str, inputs: tuple[tuple[str, tuple[int, ...]], ...]) -> Sequence[Collection[int]]:
    """Return for each step the positions of the arrays to multiply; the product is appended at the end."""
    if len(inputs) <= 2:
        return [range(len(inputs))]
    from opt_einsum import contract_path

    equation = f"{','.join(labels for labels, _ in inputs)}->{output}"
    path: Sequence[Collection[int]] = contract_path(equation, *(shape for _, shape in inputs), shapes=True)[0]
    return path


def _squeezed(labels: str, x: Tensor, lengths: dict[str, int]) -> Term:
    """Drop the axes of length 1 that are to be broadcast."""
    kept = [i for i, label in enumerate(labels) if x.shape[i] == lengths[label]]
    if len(kept) == len(labels):
        return labels, x
    return "".join(labels[i] for i in kept), reshape(x, tuple(x.shape[i] for i in kept))


def _diagonal(labels: str, x: Tensor) -> Term:
    """Take the diagonals along axes with the same label."""
    for label in labels:
        if labels.count(label) > 1:
            i = labels.index(label)
            j = labels.index(label, i + 1)
            others = [k for k in range(x.ndim) if k not in (i, j)]
            n = x.shape[i]
            shape = (*(x.shape[k] for k in others), n * n)
            rows = reshape(permute_dims(x, (*others, i, j)), shape)
            rest = "".join(labels[k] for k in others)
            return _diagonal(rest + label, getitem(rows, (..., slice(None, None, n + 1))))
    return labels, x


def _summed(labels: str, x: Tensor, keep: Collection[str]) -> Term:
    """Sum along the axes whose labels are not in `keep`."""
    gone = tuple(i for i, label in enumerate(labels) if label not in keep)
    if not gone:
        return labels, x
    return "".join(label for label in labels if label in keep), sum(x, axis=gone, dtype=x.dtype)


def _product(term1: Term, term2: Term, keep: Collection[str]) -> Term:
    """Multiply two arrays, and sum along the axes whose labels are not in `keep`."""
    labels1, x1 = _summed(*term1, {*keep, *term2[0]})
    labels2, x2 = _summed(*term2, {*keep, *labels1})
    batch = "".join(label for label in labels1 if label in labels2 and label in keep)
    inner = "".join(label for label in labels1 if label in labels2 and label not in keep)
    outer1 = "".join(label for label in labels1 if label not in labels2)
    outer2 = "".join(label for label in labels2 if label not in labels1)
    length = {**dict(zip(labels1, x1.shape, strict=True)), **dict(zip(labels2, x2.shape, strict=True))}
    b, k, m, n = (tuple(length[label] for label in group) for group in (batch, inner, outer1, outer2))
    if inner:
        x1 = _arranged(labels1, x1, batch + outer1 + inner, (*b, prod(m), prod(k)))
        x2 = _arranged(labels2, x2, batch + inner + outer2, (*b, prod(k), prod(n)))
        x = matmul(x1, x2)
    else:
        x1 = _arranged(labels1, x1, batch + outer1, (*b, prod(m), 1))
        x2 = _arranged(labels2, x2, batch + outer2, (*b, 1, prod(n)))
        x = multiply(x1, x2)
    labels = batch + outer1 + outer2
    return labels, _arranged(labels, x, labels, (*b, *m, *n))


def _arranged(labels: str, x: Tensor, order: str, shape: tuple[int, ...] | None = None) -> Tensor:
    """Permute the axes, then reshape; without a change return the array itself."""
    if labels != order:
        x = permute_dims(x, tuple(labels.index(label) for label in order))
    return x if shape is None or x.shape == shape else reshape(x, shape)
