"""Gradient clipping, between the backward pass and the optimizer's step."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from ...checks import check_flags, check_number
from ...core.grad_mode import no_grad
from ...core.tensor import Tensor
from ...ops.creation import asarray
from ...ops.elementwise import abs, clip, isfinite
from ...ops.manipulation import stack
from ...ops.statistical import max, sum
from ..module import Module
from ..reductions import widened

__all__ = ["clip_grad_norm_", "clip_grad_value_", "get_total_norm"]


@no_grad()
def get_total_norm(tensors: Iterable[Tensor] | Tensor, norm_type: float | str = 2.0) -> Tensor:
    """Return the norm of all Tensors together, as if they were concatenated into one vector.

    Parameters
    ----------
    tensors : Tensor or iterable of Tensor
        Often gradients.
    norm_type : float
        The order of the norm, above 0: 2 for the Euclidean norm, ``float("inf")`` or ``"inf"`` for the maximum norm.

    Returns
    -------
    Tensor
        0-d, on the device of the first Tensor, float32 for 16-bit Tensors; 0 if there are none.

    Raises
    ------
    ValueError
        If `norm_type` is not above 0.
    TypeError
        If a module is passed; write ``model.parameters()``.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.utils import get_total_norm
    >>> get_total_norm([agrad.asarray([3.0]), agrad.asarray([[4.0]])])
    Tensor(5., dtype=float32, device='cpu')
    """
    order = _order(norm_type)
    given = [widened(x) for x in _several(tensors) if x.size]
    if not given:
        return asarray(0.0)
    if order == inf:
        return max(stack([max(abs(x)).to(given[0].device) for x in given]))
    powers = stack([sum(abs(x) ** order).to(given[0].device) for x in given])
    return sum(powers) ** (1 / order)


@no_grad()
def clip_grad_norm_(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale the gradients of all parameters by one factor, in place, so that their total norm is at most `max_norm`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Parameters without a gradient are skipped.
    max_norm : float
        The maximum total norm.
    norm_type : float
        See `get_total_norm`.
    error_if_nonfinite : bool
        Whether to raise for an infinite or NaN norm, which waits for the device.

    Returns
    -------
    Tensor
        The total norm before clipping.

    Raises
    ------
    RuntimeError
        If the norm is infinite or NaN and `error_if_nonfinite`; the gradients are unchanged.
    ValueError
        If `max_norm` is negative or NaN.
    ValueError, TypeError
        As `get_total_norm`.

    Notes
    -----
    PyTorch's factor: ``max_norm / (norm + 1e-6)``, and at most 1.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> w = nn.Parameter([3.0, 4.0])
    >>> (w * w / 2).sum().backward()
    >>> nn.utils.clip_grad_norm_([w], max_norm=0.5)
    Tensor(5., dtype=float32, device='cpu')
    >>> [round(x, 4) for x in w.grad.tolist()]
    [0.3, 0.4]
    """
    check_flags(error_if_nonfinite=error_if_nonfinite)
    _check_bound("max_norm", max_norm)
    gradients = _gradients(parameters)
    norm = get_total_norm(gradients, norm_type)
    if error_if_nonfinite and not isfinite(norm).item():
        raise RuntimeError(
            f"the norm of the gradients is {norm.item()}; look for what made them infinite or NaN, or write "
            "error_if_nonfinite=False"
        )
    factor = clip(max_norm / (norm + 1e-6), max=1.0)
    for g in gradients:
        if widened(g) is g:
            g *= factor.to(g.device).astype(g.dtype)
        else:  # in 16 bits, a small factor would lose precision
            g[...] = widened(g) * factor.to(g.device)
    return norm


@no_grad()
def clip_grad_value_(parameters: Iterable[Tensor] | Tensor, clip_value: float) -> None:
    """Clip the gradients of all parameters to [-clip_value, clip_value], elementwise and in place.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Parameters without a gradient are skipped.
    clip_value : float
        The maximum absolute value.

    Raises
    ------
    ValueError
        If `clip_value` is negative or NaN.
    TypeError
        If a module is passed; write ``model.parameters()``.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> w = nn.Parameter([3.0, -0.25])
    >>> (w * w).sum().backward()
    >>> nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad
    Tensor([ 1. , -0.5], dtype=float32, device='cpu')
    """
    _check_bound("clip_value", clip_value)
    for g in _gradients(parameters):
        g[...] = clip(g, -clip_value, clip_value)


def _gradients(parameters: Iterable[Tensor] | Tensor) -> list[Tensor]:
    return [p.grad for p in _several(parameters) if p.grad is not None]


def _several(given: Iterable[Tensor] | Tensor) -> Iterable[Tensor]:
    if isinstance(given, Module):
        raise TypeError(f"expected a list of Tensors, not a {type(given).__name__}; write model.parameters()")
    return [given] if isinstance(given, Tensor) else given


def _order(norm_type: float | str) -> float:
    try:
        order = float(norm_type)
    except (TypeError, ValueError):
        order = 0.0
    if not order > 0:
        raise ValueError(f"norm_type must be above 0, not {norm_type!r}")
    return order


def _check_bound(name: str, bound: float) -> None:
    check_number(name, bound.item() if isinstance(bound, Tensor) else bound, 0, infinite=True)
