"""Initializers: functions that fill a Tensor in place, without recording, and return it."""

from __future__ import annotations

from math import erf, prod, sqrt
from typing import Any, Final, TypeVar

from .. import random
from ..checks import as_integer, check_number, check_numbers
from ..core.grad_mode import no_grad
from ..core.tensor import Tensor, wrap
from ..ops.creation import eye
from ..ops.manipulation import reshape
from ..ops.searching import where
from ..spellings import answer_in_module

__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_",
    "orthogonal_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

T = TypeVar("T", bound=Tensor)
_GAINS: Final = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": sqrt(2.0), "selu": 0.75} | {
    f"conv{'_transpose' * transposed}{axes}d": 1.0 for axes in (1, 2, 3) for transposed in (0, 1)
}


def _write(tensor: T, values: Any) -> T:
    with no_grad():
        tensor[...] = values
    return tensor


# Constants


def constant_(tensor: T, val: float) -> T:
    """Fill a Tensor with a constant.

    Parameters
    ----------
    tensor : Tensor
        Filled in place.
    val : float
        The constant.

    Returns
    -------
    Tensor
        `tensor` itself.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.init.constant_(agrad.empty(2), 3.0).tolist()
    [3.0, 3.0]
    """
    return _write(tensor, val)


def zeros_(tensor: T) -> T:
    """Fill a Tensor with zeros.

    Parameters
    ----------
    tensor : Tensor
        Filled in place.

    Returns
    -------
    Tensor
        `tensor` itself.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.init.zeros_(agrad.ones(2)).tolist()
    [0.0, 0.0]
    """
    return _write(tensor, 0.0)


def ones_(tensor: T) -> T:
    """Fill a Tensor with ones.

    Parameters
    ----------
    tensor : Tensor
        Filled in place.

    Returns
    -------
    Tensor
        `tensor` itself.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.init.ones_(agrad.zeros(2)).tolist()
    [1.0, 1.0]
    """
    return _write(tensor, 1.0)


def eye_(tensor: T) -> T:
    """Fill a matrix with the identity: ones on the diagonal, zeros elsewhere.

    Parameters
    ----------
    tensor : Tensor
        A matrix, filled in place.

    Returns
    -------
    Tensor
        `tensor` itself.

    Raises
    ------
    ValueError
        If `tensor` is not a matrix.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.init.eye_(agrad.empty((2, 3))).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    if tensor.ndim != 2:
        raise ValueError(f"eye_ fills a matrix, not a Tensor of shape {tensor.shape}")
    return _write(tensor, eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


def dirac_(tensor: T, groups: int = 1) -> T:
    """Fill the weight of a convolution with the Dirac delta, so that input channels pass through unchanged.

    Parameters
    ----------
    tensor : Tensor
        Of shape ``(out_channels, in_channels / groups, ...)``, with one to three kernel axes; filled in place.
    groups : int
        The number of groups of the convolution.

    Returns
    -------
    Tensor
        `tensor` itself.

    Raises
    ------
    ValueError
        If `tensor` has another shape, or if `groups` does not divide the output channels.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.init.dirac_(agrad.empty((2, 1, 3)), groups=2).tolist()
    [[[0.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]]
    """
    as_integer("groups", groups, 1)
    if not 3 <= tensor.ndim <= 5 or tensor.shape[0] % groups:
        raise ValueError(
            f"dirac_ takes a weight of 3 to 5 axes, the first divisible by groups={groups}, not of shape {tensor.shape}"
        )
    middle = tuple(n // 2 for n in tensor.shape[2:])
    outputs = tensor.shape[0] // groups
    zeros_(tensor)
    with no_grad():
        for channel in range(min(outputs, tensor.shape[1])):
            for group in range(groups):
                tensor[(group * outputs + channel, channel, *middle)] = 1.0
    return tensor


# Random values


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0) -> T:
    """Fill a Tensor with samples of the uniform distribution on [a, b).

    Parameters
    ----------
    tensor : Tensor
        Real floating; filled in place.
    a, b : float
        The lower and the upper bound.

    Returns
    -------
    Tensor
        `tensor` itself.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> x = nn.init.uniform_(agrad.zeros(1000), -1.0, 1.0)
    >>> bool((x >= -1.0).all()), bool((x < 1.0).all())
    (True, True)
    """
    return _write(tensor, random.uniform(a, b, tensor.shape, dtype=tensor.dtype, device=tensor.device))


def normal_(tensor: T, mean: float = 0.0, std: float = 1.0) -> T:
    """Fill a Tensor with samples of a normal distribution.

    Parameters
    ----------
    tensor : Tensor
        Real floating; filled in place.
    mean, std : float
        The mean and the standard deviation.

    Returns
    -------
    Tensor
        `tensor` itself.

    Raises
    ------
    ValueError
        If `std` is negative.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> agrad.manual_seed(0)
    >>> x = nn.init.normal_(agrad.empty(10_000), mean=3.0, std=0.5)
    >>> round(x.mean().item(), 1), round(x.std().item(), 1)
    (3.0, 0.5)
    """
    check_number("mean", mean)
    check_number("std", std, 0)
    return _write(tensor, mean + std * _standard_normal(tensor))


def trunc_normal_(tensor: T, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> T:
    """Fill a Tensor with samples of a normal distribution truncated to [a, b].

    Parameters
    ----------
    tensor : Tensor
        Real floating; filled in place.
    mean, std : float
        The mean and the standard deviation before truncation.
    a, b : float
        The lower and the upper limit.

    Returns
    -------
    Tensor
        `tensor` itself.

    Raises
    ------
    ValueError
        If a sample is from `a` to `b` with a probability below 0.001, or if `std` is not above 0.

    Notes
    -----
    Samples outside [a, b] are drawn again. To invert the distribution function would need fewer samples, but a special
    function that few array libraries have.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> x = nn.init.trunc_normal_(agrad.empty(1000), a=0.0, b=1.0)
    >>> 0.0 <= x.min().item() < x.max().item() <= 1.0
    True
    """
    check_numbers(mean=mean, std=std)
    check_number("a", a, infinite=True)
    check_number("b", b, infinite=True)
    accepted = (_normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)) if std > 0 else 0.0
    if accepted < 1e-3:
        raise ValueError(
            f"almost no sample of a normal distribution with mean={mean} and std={std} is from {a} to {b}; "
            "choose a and b around the mean"
        )
    normal_(tensor, mean, std)
    with no_grad():
        while tensor.size and not tensor._device.backend.within(tensor._data, a, b):  # for any example under vmap
            redrawn = mean + std * _standard_normal(tensor)
            tensor[...] = where((tensor < a) | (tensor > b), redrawn, tensor)
    return tensor


def _standard_normal(tensor: Tensor) -> Tensor:
    return random.randn(*tensor.shape, dtype=tensor.dtype, device=tensor.device)


def _normal_cdf(x: float) -> float:
    """Return the standard normal distribution function at `x`."""
    return (1 + erf(x / sqrt(2))) / 2


# Scaled by fan-in and fan-out


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the gain of an activation function: the factor of the weights that preserves the variance through it.

    Parameters
    ----------
    nonlinearity : str
        ``"linear"``, ``"conv1d"`` to ``"conv3d"``, ``"conv_transpose1d"`` to ``"conv_transpose3d"``, ``"sigmoid"``,
        ``"tanh"``, ``"relu"``, ``"leaky_relu"`` or ``"selu"``.
    param : float, optional
        The negative slope of ``"leaky_relu"``, 0.01 by default.

    Returns
    -------
    float
        The gain.

    Raises
    ------
    ValueError
        If `nonlinearity` is unknown.

    Examples
    --------
    >>> from agrad import nn
    >>> round(nn.init.calculate_gain("relu"), 3)
    1.414
    """
    if param is not None:
        check_number("param", param)
    if nonlinearity == "leaky_relu":
        return sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"there is no gain for {nonlinearity!r}; write one of {', '.join([*_GAINS, 'leaky_relu'])}")
    return _GAINS[nonlinearity]


def xavier_uniform_(tensor: T, gain: float = 1.0) -> T:
    """Fill a Tensor with Xavier (Glorot) uniform values, which preserve the variance of activations and gradients.

    Parameters
    ----------
    tensor : Tensor
        Of shape ``(outputs, inputs, ...)``; filled in place.
    gain : float
        A factor of the values; see `calculate_gain`.

    Returns
    -------
    Tensor
        `tensor` itself.

    Raises
    ------
    ValueError
        If `tensor` has less than two axes.

    Notes
    -----
    Uniform between ``-r`` and ``r`` with ``r = gain * sqrt(6 / (fan_in + fan_out))``. Source: X. Glorot and Y. Bengio,
    "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.init.xavier_uniform_(agrad.empty((2, 4))).abs().max().item() <= 1.0
    True
    """
    check_number("gain", gain)
    limit = gain * sqrt(6 / sum(_fans(tensor)))
    return uniform_(tensor, -limit, limit)


def xavier_normal_(tensor: T, gain: float = 1.0) -> T:
    """Fill a Tensor with Xavier (Glorot) normal values, which preserve the variance of activations and gradients.

    Parameters
    ----------
    tensor, gain
        As in `xavier_uniform_`.

    Returns
    -------
    Tensor
        `tensor` itself.

    Raises
    ------
    ValueError
        If `tensor` has less than two axes.

    Notes
    -----
    The standard deviation is ``gain * sqrt(2 / (fan_in + fan_out))``; source: as `xavier_uniform_`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.init.xavier_normal_(agrad.empty((2, 4))).shape
    (2, 4)
    """
    check_number("gain", gain)
    return normal_(tensor, 0.0, gain * sqrt(2 / sum(_fans(tensor))))


def kaiming_uniform_(tensor: T, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> T:
    """Fill a Tensor with Kaiming (He) uniform values, which preserve the variance through an activation.

    Parameters
    ----------
    tensor : Tensor
        Of shape ``(outputs, inputs, ...)``; filled in place.
    a : float
        The negative slope of ``"leaky_relu"``.
    mode : {"fan_in", "fan_out"}
        Whether to preserve the variance of activations in the forward pass, or of gradients in the backward pass.
    nonlinearity : str
        See `calculate_gain`.

    Returns
    -------
    Tensor
        `tensor` itself.

    Raises
    ------
    ValueError
        If `tensor` has less than two axes, or if `mode` or `nonlinearity` is unknown.

    Notes
    -----
    Uniform between ``-r`` and ``r`` with ``r = gain * sqrt(3 / fan)``. Source: K. He et al., "Delving deep into
    rectifiers", ICCV 2015.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.init.kaiming_uniform_(agrad.empty((2, 6))).abs().max().item() <= 1.0
    True
    """
    check_number("a", a)
    limit = sqrt(3) * _kaiming(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -limit, limit)


def kaiming_normal_(tensor: T, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> T:
    """Fill a Tensor with Kaiming (He) normal values, which preserve the variance through an activation.

    Parameters
    ----------
    tensor, a, mode, nonlinearity
        As in `kaiming_uniform_`.

    Returns
    -------
    Tensor
        `tensor` itself.

    Raises
    ------
    ValueError
        As `kaiming_uniform_`.

    Notes
    -----
    The standard deviation is ``gain / sqrt(fan)``; source: as `kaiming_uniform_`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.init.kaiming_normal_(agrad.empty((2, 6)), nonlinearity="relu").shape
    (2, 6)
    """
    check_number("a", a)
    return normal_(tensor, 0.0, _kaiming(tensor, a, mode, nonlinearity))


def orthogonal_(tensor: T, gain: float = 1.0) -> T:
    """Fill a Tensor with a random orthogonal matrix: its rows or columns, whichever are fewer, are orthonormal.

    Parameters
    ----------
    tensor : Tensor
        Of two axes or more, filled in place; the axes after the first are flattened to the columns.
    gain : float
        A factor of the matrix.

    Returns
    -------
    Tensor
        `tensor` itself.

    Raises
    ------
    ValueError
        If `tensor` has less than two axes.

    Notes
    -----
    Source: A. M. Saxe, J. L. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks", ICLR 2014. The signs of a QR decomposition are corrected, so that all orthogonal matrices
    are equally likely: F. Mezzadri, "How to generate random matrices from the classical compact groups", Notices of
    the AMS 54, 2007.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> q = nn.init.orthogonal_(agrad.empty((3, 3)))
    >>> agrad.abs(agrad.round(q @ q.T)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    check_number("gain", gain)
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_ takes a Tensor of two axes or more, not of shape {tensor.shape}")
    rows, columns = tensor.shape[0], prod(tensor.shape[1:])
    samples = random.randn(max(rows, columns), min(rows, columns), dtype=tensor.dtype, device=tensor.device)
    xp = samples._device.xp
    q, r = xp.linalg.qr(samples.data)
    diagonal = xp.linalg.diagonal(r)
    q = q * xp.where(diagonal < 0, -1.0, xp.ones_like(diagonal))
    q = q if rows >= columns else xp.matrix_transpose(q)
    return _write(tensor, reshape(wrap(gain * q, samples._device), tensor.shape))


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Return fan-in and fan-out: the number of inputs of an output, and of outputs of an input."""
    if tensor.ndim < 2:
        raise ValueError(f"fan-in and fan-out need a shape (outputs, inputs, ...), not {tensor.shape}")
    kernel = prod(tensor.shape[2:])
    return tensor.shape[1] * kernel, tensor.shape[0] * kernel


def _kaiming(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', not {mode!r}")
    fan = _fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / sqrt(max(1, fan))


answer_in_module(__name__)
