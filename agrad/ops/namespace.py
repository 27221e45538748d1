"""agrad's functions bound to a device: what ``tensor.__array_namespace__()`` returns.

Code written against the array API makes its arrays by ``xp.zeros(n)``, without saying where; they belong beside the
Tensor that the namespace came from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from ..core.device import Device

# What makes new arrays, in agrad itself and in its modules.
_CREATORS: Final = {
    "": (
        "Tensor", "arange", "asarray", "bernoulli", "empty", "eye", "from_dlpack", "full", "linspace", "normal", "ones",
        "rand", "randint", "randn", "randperm", "tensor", "uniform", "zeros",
    ),
    ".fft": ("fftfreq", "rfftfreq"),
}  # fmt: skip


@cache
def namespace_of(device: Device, module: str = "") -> ModuleType:
    """Return agrad's namespace with `device` as the place of new arrays; the same object each time.

    Examples
    --------
    >>> import agrad
    >>> xp = agrad.ones(2, device="cpu").__array_namespace__()
    >>> xp.zeros(3).device
    agrad.Device('cpu')
    >>> xp.fft.fftfreq(3).device
    agrad.Device('cpu')
    """
    source = import_module(__package__.partition(".")[0] + module)
    bound = ModuleType(f"{source.__name__}:{device}", f"{source.__name__}, with new arrays on {device}.")
    vars(bound).update({name: _on(device, getattr(source, name)) for name in _CREATORS[module]})

    def find(name: str) -> Any:  # all else, when it is asked for
        return namespace_of(device, f".{name}") if f"{module}.{name}" in _CREATORS else getattr(source, name)

    vars(bound).update(__getattr__=find, __dir__=source.__dir__)
    return bound


def _on(device: Device, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def on_device(*args: Any, **kwargs: Any) -> Any:
        with device:
            return function(*args, **kwargs)

    return on_device
