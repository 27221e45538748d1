"""Activation functions as modules."""

from __future__ import annotations

from typing import Literal

from ..checks import as_integer, check_number, check_one_of
from ..core.device import Device
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.activations import relu, sigmoid, silu
from ..ops.creation import full
from ..ops.elementwise import tanh
from .functional import activations as F
from .module import Module
from .parameter import Parameter

__all__ = [
    "ELU", "GELU", "Hardtanh", "LeakyReLU", "LogSoftmax", "PReLU", "ReLU", "SiLU", "Sigmoid", "Softmax", "Softplus",
    "Tanh",
]  # fmt: skip


class ReLU(Module):
    """The rectified linear unit ``max(x, 0)``, elementwise; its gradient at 0 is 0.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ReLU()(agrad.asarray([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return relu(input)


class Sigmoid(Module):
    """The logistic function ``1 / (1 + exp(-x))``, elementwise.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Sigmoid()(agrad.asarray([0.0])).tolist()
    [0.5]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent, elementwise.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Tanh()(agrad.asarray([0.0])).tolist()
    [0.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return tanh(input)


class Softmax(Module):
    """The softmax along an axis, ``exp(x) / sum(exp(x))``: positive values that sum to 1.

    Parameters
    ----------
    dim : int, optional
        The axis along which the softmax is computed; may be omitted for inputs of at most two axes, for the last one.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Softmax(dim=0)(agrad.asarray([1.0, 1.0])).tolist()
    [0.5, 0.5]
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = None if dim is None else as_integer("dim", dim)

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """The logarithm of the softmax along an axis, computed without underflow.

    Parameters
    ----------
    dim : int | None
        The axis, as in `Softmax`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.LogSoftmax(dim=0)(agrad.asarray([0.0, 1000.0])).tolist()
    [-1000.0, 0.0]
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = None if dim is None else as_integer("dim", dim)

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the setting."""
        return f"dim={self.dim}"


class LeakyReLU(Module):
    """The leaky rectified linear unit: ``x`` where it is positive, ``negative_slope * x`` elsewhere.

    Parameters
    ----------
    negative_slope : float
        The slope for negative inputs; also the gradient at 0.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.LeakyReLU(0.5)(agrad.asarray([-2.0, 2.0])).tolist()
    [-1.0, 2.0]
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = check_number("negative_slope", negative_slope)

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        """Return the setting."""
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """The exponential linear unit: ``x`` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere.

    Parameters
    ----------
    alpha : float
        The scale for negative inputs.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ELU()(agrad.asarray([-1000.0, 2.0])).tolist()
    [-1.0, 2.0]
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = check_number("alpha", alpha)

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.elu(input, self.alpha)

    def extra_repr(self) -> str:
        """Return the setting."""
        return f"alpha={self.alpha}"


class GELU(Module):
    """The Gaussian error linear unit: ``x`` times the standard normal distribution function of ``x``.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        ``"tanh"`` approximates the distribution function by a tanh; see `agrad.gelu`.

    Raises
    ------
    ValueError
        If `approximate` is neither.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.GELU()(agrad.asarray([0.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        self.approximate = check_one_of("approximate", approximate, ("none", "tanh"))

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Return the setting."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """The sigmoid linear unit ``x * sigmoid(x)``, elementwise; also known as swish.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.SiLU()(agrad.asarray([0.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return silu(input)


class Softplus(Module):
    """The softplus ``log(1 + exp(beta * x)) / beta``, elementwise: a smooth approximation of `ReLU`.

    Parameters
    ----------
    beta : float
        The larger, the closer to `ReLU`; above 0.
    threshold : float
        Where ``beta * x`` is above it, the output is `x` itself.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Softplus()(agrad.asarray([-1000.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = check_number("beta", beta, above=0)
        self.threshold = check_number("threshold", threshold, infinite=True)

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Hardtanh(Module):
    """The input clipped to [`min_val`, `max_val`]; the gradient at and beyond the limits is 0.

    Parameters
    ----------
    min_val : float
        The lower limit.
    max_val : float
        The upper limit.

    Raises
    ------
    ValueError
        If `min_val` is above `max_val`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Hardtanh()(agrad.asarray([-2.0, 0.5, 2.0])).tolist()
    [-1.0, 0.5, 1.0]
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        super().__init__()
        self.min_val = check_number("min_val", min_val, infinite=True)
        self.max_val = check_number("max_val", max_val, min_val, infinite=True)

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.hardtanh(input, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"min_val={self.min_val}, max_val={self.max_val}"


class PReLU(Module):
    """A leaky rectified linear unit with a learnable slope: ``x`` where it is positive, ``weight * x`` elsewhere.

    Parameters
    ----------
    num_parameters : int
        The number of slopes: 1, or one for each channel, the input's second axis.
    init : float
        The initial value of the slopes.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight : Parameter
        The slopes, of shape ``(num_parameters,)``.

    Raises
    ------
    ValueError
        On call, if there are several slopes, but not one for each channel.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.PReLU()(agrad.asarray([-2.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: str | Device | None = None, dtype: DTypeLike = None
    ) -> None:
        super().__init__()
        self.num_parameters = as_integer("num_parameters", num_parameters, 1)
        self.weight = Parameter(full((num_parameters,), float(check_number("init", init)), dtype=dtype, device=device))

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the setting."""
        return f"num_parameters={self.num_parameters}"
