"""Automatic mixed precision, as PyTorch's ``torch.amp``: float32 weights, with most of the computation in 16 bits.

`autocast` chooses the precision of each op, and `GradScaler` keeps small gradients from underflowing in float16. A
whole model may also be cast to 16 bits, ``model.to(agrad.bfloat16)``; the optimizer then keeps float32 master weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Token
from typing import Any, Final, Self

from .backends import UnknownValueError
from .checks import as_integer, check_number
from .core.device import traced
from .core.dtypes import as_dtype
from .core.grad_mode import no_grad
from .core.observing import Call, Observer
from .core.tensor import Tensor
from .core.typing import DTypeLike
from .nn.reductions import float32_losses, widened
from .ops.data_type import HALVES, astype
from .ops.elementwise import isfinite
from .ops.manipulation import stack
from .ops.utility import all
from .optim.optimizer import Optimizer
from .spellings import answer_calls

__all__ = ["GradScaler", "autocast"]

# Matrix products, which take most of the time, run in 16 bits; sums and losses need the precision of float32.
NARROW: Final = {"convolve", "convolve_input", "linear", "matmul", "mm", "tensordot"}
WIDE: Final = {
    "bernoulli_nll", "cumulative_prod", "cumulative_sum", "exp", "log", "log_softmax", "logsumexp", "mean", "nll",
    "pow", "prod", "softmax", "softmax_nll", "square", "squared_error", "standardize", "std", "sum", "var", "vecdot",
    "vector_norm",
}  # fmt: skip
CAST: Final = (*HALVES, "float32")  # the dtypes that are cast; float64 and complex inputs are unchanged


class autocast(Observer):  # noqa: N801 - PyTorch's name, used like a function
    """Context manager: matrix products and convolutions in 16 bits; sums, softmax and losses in float32.

    Only float32 and 16-bit inputs of these ops are cast; other ops compute in the dtype of their inputs. Parameters
    stay float32, and so do their gradients, since the casts are recorded too.

    Parameters
    ----------
    dtype : DType or str
        ``"bfloat16"``, which has the range of float32, or ``"float16"``, which needs a `GradScaler`.
    enabled : bool
        If False, nothing is cast.

    Raises
    ------
    ValueError
        If the dtype is neither of these two.
    TypeError
        In the block, if the device lacks the dtype: NumPy has no bfloat16.

    Notes
    -----
    Ops outside the block are not slowed down; inside it, each takes a few microseconds longer. It pays off on GPUs,
    where 16-bit products are faster. NumPy's float16 products are slow, so use it on the CPU only for testing.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> layer, x = nn.Linear(3, 2), agrad.ones((4, 3))
    >>> with agrad.amp.autocast("float16"):
    ...     y = layer(x)
    ...     loss = nn.MSELoss()(y, agrad.zeros((4, 2)))
    >>> y.dtype, loss.dtype
    (agrad.float16, agrad.float32)
    >>> loss.backward()
    >>> layer.weight.grad.dtype
    agrad.float32
    """

    def __init__(self, dtype: DTypeLike = "bfloat16", enabled: bool = True) -> None:
        name = getattr(dtype, "name", dtype)
        if name not in HALVES:
            raise ValueError(
                f"autocast takes a 16-bit dtype, autocast('bfloat16') or autocast('float16'), not {dtype!r}; "
                "it applies to Tensors on all devices"
            )
        self._dtypes = {**dict.fromkeys(NARROW, name), **dict.fromkeys(WIDE, "float32")} if enabled else {}

        self._before: list[Token[bool]] = []

    def __enter__(self) -> Self:
        self._before.append(float32_losses.set(bool(self._dtypes)))
        return super().__enter__()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        float32_losses.reset(self._before.pop())

    def see_op(self, call: Call, run: Callable[[], Any]) -> Any:
        """Cast the inputs of an op and run it."""
        if call.name in self._dtypes:
            dtype = as_dtype(self._dtypes[call.name])
            call.given.update({name: _cast(x, dtype) for name, x in call.given.items()})
        return run()


def _cast(x: Any, dtype: DTypeLike) -> Any:
    castable = isinstance(x, Tensor) and x.dtype.name in CAST
    return astype(x, dtype, copy=False) if castable else x


class GradScaler:
    """Scale losses so that float16 gradients do not underflow, and skip steps whose gradients overflow.

    The scale grows while gradients stay finite, and shrinks when they do not.

    Parameters
    ----------
    init_scale : float
        Initial scale.
    growth_factor : float
        Factor by which the scale grows after `growth_interval` steps without overflow.
    backoff_factor : float
        Factor by which the scale shrinks after a skipped step.
    growth_interval : int
        Number of consecutive steps without overflow after which the scale grows.
    enabled : bool
        If False, `step` calls the optimizer's `step`, and the other methods do nothing.

    Raises
    ------
    ValueError, TypeError
        If an argument has an invalid value or type.

    Notes
    -----
    PyTorch's ``torch.amp.GradScaler``; Micikevicius et al., "Mixed Precision Training", ICLR 2018. PyTorch refuses to
    unscale the gradients of 16-bit parameters. Here they become float32 until the next ``zero_grad()``, so that none
    underflows.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn, optim
    >>> layer = nn.Linear(3, 1).to(agrad.float16)
    >>> optimizer, scaler = optim.SGD(layer.parameters(), lr=0.1), agrad.amp.GradScaler(1024.0)
    >>> loss = layer(agrad.ones((4, 3), dtype="float16")).mean()
    >>> scaler.scale(loss).backward()
    >>> layer.weight.grad.tolist()
    [[1024.0, 1024.0, 1024.0]]
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> layer.weight.grad.tolist()
    [[1.0, 1.0, 1.0]]
    """

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if isinstance(init_scale, str):
            raise TypeError(f"GradScaler works on all devices and takes none, not {init_scale!r}; write GradScaler()")
        check_number("init_scale", init_scale, above=0)
        check_number("growth_factor", growth_factor, above=1)
        check_number("backoff_factor", backoff_factor, above=0, below=1)
        self.growth_interval = as_integer("growth_interval", growth_interval, 1)
        self.growth_factor, self.backoff_factor = growth_factor, backoff_factor
        self.enabled = enabled
        self._scale, self._growth_tracker = float(init_scale), 0
        self._finite: dict[int, bool] = {}  # by id of each optimizer that was unscaled since the last update
        self._stepped: set[int] = set()

    def get_scale(self) -> float:
        """Return the current scale; 1.0 if not `enabled`."""
        return self._scale if self.enabled else 1.0

    def scale(self, outputs: Tensor) -> Tensor:
        """Return the loss multiplied by the scale, to call ``backward()`` on; a 16-bit loss becomes float32."""
        if not self.enabled:
            return outputs
        if traced.get() is not None:
            raise UnknownValueError(
                "scaler.scale() under agrad.compile would keep the scale of the first call; pass the scale as an "
                "argument, agrad.tensor(scaler.get_scale()), and write (loss.astype(agrad.float32) * scale).backward()"
            )
        return widened(outputs) * self._scale

    @no_grad()
    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, for instance before clipping them.

        Raises
        ------
        RuntimeError
            If they are already unscaled, or `step` was called since the last `update`.
        """
        if not self.enabled:
            return
        if id(optimizer) in self._finite:
            raise RuntimeError("the gradients are already unscaled; write scaler.update() after scaler.step(optimizer)")
        gradients = []
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p._grad is not None:
                    p._grad = widened(p._grad.detach()) * (1 / self._scale)
                    gradients.append(p._grad)
        self._finite[id(optimizer)] = _all_finite(gradients)

    def step(self, optimizer: Optimizer) -> None:
        """Unscale the gradients unless that was done, and call the optimizer's `step` unless one is infinite or NaN.

        It takes no closure, since the closure's gradients would be neither unscaled nor checked.

        Raises
        ------
        RuntimeError
            If it is called twice without an `update` in between.
        """
        if not self.enabled:
            optimizer.step()
            return
        if id(optimizer) in self._stepped:
            raise RuntimeError("scaler.step(optimizer) was called already; write scaler.update() after it")
        if id(optimizer) not in self._finite:
            self.unscale_(optimizer)
        self._stepped.add(id(optimizer))
        optimizer.has_stepped = True  # so that a scheduler does not warn if the first step is skipped
        if self._finite[id(optimizer)]:
            optimizer.step()

    def update(self) -> None:
        """Shrink the scale if a step was skipped since the last call; grow it after `growth_interval` good steps.

        Raises
        ------
        RuntimeError
            If neither `step` nor `unscale_` was called since the last `update`.
        """
        if not self.enabled:
            return
        if not self._finite:
            raise RuntimeError("update() was called without a step; write scaler.step(optimizer) first")
        if False in self._finite.values():
            self._scale, self._growth_tracker = self._scale * self.backoff_factor, 0
        else:
            self._growth_tracker += 1
            if self._growth_tracker == self.growth_interval:
                self._scale, self._growth_tracker = self._scale * self.growth_factor, 0
        self._finite.clear()
        self._stepped.clear()

    def state_dict(self) -> dict[str, Any]:
        """Return the scale and the settings, for `load_state_dict`; empty if not `enabled`."""
        if not self.enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self.growth_factor,
            "backoff_factor": self.backoff_factor,
            "growth_interval": self.growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load the state returned by `state_dict`.

        Raises
        ------
        ValueError
            If an entry is missing.
        """
        if not self.enabled:
            return
        if missing := sorted(self.state_dict().keys() - state_dict.keys()):
            raise ValueError(f"the state dict lacks {missing}; is it that of a scaler that was not enabled?")
        self._scale, self._growth_tracker = float(state_dict["scale"]), int(state_dict["_growth_tracker"])
        self.growth_factor, self.backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self.growth_interval = state_dict["growth_interval"]


def _all_finite(gradients: list[Tensor]) -> bool:
    """Return whether all gradients are finite, with one synchronization of the device."""
    if not gradients:
        return True
    return bool(all(stack([all(isfinite(g)).to(gradients[0].device) for g in gradients])))


answer_calls(__name__)
