"""Activations: the functions between layers, as modules."""

from __future__ import annotations

from typing import Any, Literal

from ..checks import as_integer, check_number, check_one_of
from ..core.device import Device
from ..core.tensor import Tensor
from ..ops.creation import full
from . import functional as F
from .module import Module
from .parameter import Parameter

__all__ = [
    "ELU", "GELU", "Hardtanh", "LeakyReLU", "LogSoftmax", "PReLU", "ReLU", "SiLU", "Sigmoid", "Softmax", "Softplus",
    "Tanh",
]  # fmt: skip


class ReLU(Module):
    """The larger of an element and 0; its gradient at 0 is 0.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ReLU()(agrad.asarray([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.relu(input)


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
        return F.sigmoid(input)


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
        return F.tanh(input)


class Softmax(Module):
    """Positive numbers that sum to 1 along an axis: ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    dim : int, optional
        The axis; may be left out for inputs of one or two axes, whose last one it is then.

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
    """The logarithm of `Softmax`, without its loss of small numbers.

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
    """The input where it is positive, and a small slope times it elsewhere.

    Parameters
    ----------
    negative_slope : float
        That slope; also the gradient at 0.

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
    """The input where it is positive, and ``alpha * (exp(x) - 1)`` elsewhere.

    Parameters
    ----------
    alpha : float

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
    """The Gaussian error linear unit: the input times the chance that a standard normal number is below it.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        Whether to approximate the normal distribution by a tanh; see `agrad.gelu`.

    Raises
    ------
    ValueError
        On call, if `approximate` is neither.

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
    """The input times its sigmoid, elementwise: also known as swish.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.SiLU()(agrad.asarray([0.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.silu(input)


class Softplus(Module):
    """A smooth version of `ReLU`: ``log(1 + exp(beta * x)) / beta``.

    Parameters
    ----------
    beta : float
    threshold : float
        Where ``beta * x`` is above it, the result is `x` itself.

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
    """The input between two limits, and the limit beyond; the gradient at and beyond the limits is 0.

    Parameters
    ----------
    min_val : float
    max_val : float

    Raises
    ------
    ValueError
        On call, if `min_val` is above `max_val`.

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
    """The input where it is positive, and a slope times it elsewhere, which is learned.

    Parameters
    ----------
    num_parameters : int
        1, or as many as there are channels, the input's second axis.
    init : float
        Where the slopes begin.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight : Parameter
        The slopes, of shape ``(num_parameters,)``.

    Raises
    ------
    ValueError
        On call, if there are several slopes and another number of channels.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.PReLU()(agrad.asarray([-2.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: str | Device | None = None, dtype: Any = None
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
