"""agrad's functions bound to a device: what ``tensor.__array_namespace__()`` returns.

Array API code creates arrays by ``xp.zeros(n)``, without a device; they belong on the device of the Tensor that the
namespace came from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial, wraps
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, Final

from ..core.device import Device

__all__ = ["namespace_of"]

# The functions that create arrays or depend on the current device; of these modules, every function.
_CREATORS: Final = (
    "__array_namespace_info__", "arange", "asarray", "bernoulli", "can_cast", "empty", "eye", "finfo", "from_dlpack",
    "full", "get_device", "iinfo", "linspace", "normal", "ones", "rand", "randint", "randn", "randperm", "result_type",
    "tensor", "uniform", "zeros",
)  # fmt: skip
_MODULES: Final = ("fft", "random")


@cache
def namespace_of(device: Device) -> ModuleType:
    """Return agrad's namespace with new arrays on `device`; the same object each time.

    Examples
    --------
    >>> import agrad
    >>> xp = agrad.ones(2, device="cpu").__array_namespace__()
    >>> xp.zeros(3).device
    agrad.Device('cpu')
    >>> xp.fft.fftfreq(3).device
    agrad.Device('cpu')
    """
    agrad = import_module(__package__.partition(".")[0])
    bound = ModuleType(f"{agrad.__name__}:{device}", f"agrad, with new arrays on {device}.")
    vars(bound).update({name: value for name, value in vars(agrad).items() if name in agrad.__all__})
    vars(bound).update({name: _on(device, getattr(agrad, name)) for name in _CREATORS})
    vars(bound).update(__getattr__=partial(_late, agrad, device), __dir__=agrad.__dir__)
    for name in _MODULES:
        vars(bound).pop(name, None)
    return bound


def _late(agrad: ModuleType, device: Device, name: str) -> Any:
    """Return an attribute that agrad imports lazily; for the modules above, a copy bound to the device."""
    value = getattr(agrad, name)
    return _bound_module(value, device) if name in _MODULES else value


@cache
def _bound_module(module: ModuleType, device: Device) -> ModuleType:
    bound = ModuleType(f"{module.__name__}:{device}", module.__doc__)
    for name, value in vars(module).items():
        if not name.startswith("_"):
            setattr(bound, name, _on(device, value) if isinstance(value, FunctionType) else value)
    return bound


def _on(device: Device, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def on_device(*args: Any, **kwargs: Any) -> Any:
        with device:
            return function(*args, **kwargs)

    return on_device
