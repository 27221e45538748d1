"""Dropout."""

from __future__ import annotations

from ...checks import check_flags, check_number
from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...random.sampling import dropout_mask
from ..reductions import as_tensor

__all__ = ["dropout", "dropout2d"]


def dropout(input: ArrayLike, p: float = 0.5, training: bool = True) -> Tensor:
    """Randomly zero elements with probability `p`, and scale the others by ``1 / (1 - p)``.

    Parameters
    ----------
    input : ArrayLike
        Floating.
    p : float
        The probability of being zeroed, from 0 to 1.
    training : bool
        If False, the input is returned unchanged.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1.

    Notes
    -----
    Source: N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> agrad.manual_seed(0)
    >>> sorted(set(F.dropout(agrad.ones(100), 0.75).tolist()))
    [0.0, 4.0]
    """
    check_flags(training=training)
    input = as_tensor(input)
    return _dropped(input, p, training, input.shape)


def dropout2d(input: ArrayLike, p: float = 0.5, training: bool = True) -> Tensor:
    """Randomly zero whole channels with probability `p`, and scale the others by ``1 / (1 - p)``.

    Parameters
    ----------
    input : ArrayLike
        Floating, of shape ``(batch, channels, ...)``.
    p, training
        As in `dropout`.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1, or if the input has less than two axes.

    Notes
    -----
    Source: J. Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> agrad.manual_seed(0)
    >>> sorted(set(F.dropout2d(agrad.ones((100, 1, 2, 2))).sum(axis=(2, 3)).reshape(-1).tolist()))
    [0.0, 8.0]
    """
    check_flags(training=training)
    input = as_tensor(input)
    if input.ndim < 2:
        raise ValueError(f"input must have shape (batch, channels, ...); it has {input.shape}")
    return _dropped(input, p, training, (*input.shape[:2], *[1] * (input.ndim - 2)))


def _dropped(input: Tensor, p: float, training: bool, shape: tuple[int, ...]) -> Tensor:
    keep = 1 - check_number("p", p, 0, 1)
    if not training or p == 0:
        return input
    mask = dropout_mask(keep, shape, input.dtype, input.device)
    mask._data = mask._device.backend.laid_out_like(input._data, mask._data)
    return input * mask
