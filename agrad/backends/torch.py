"""PyTorch's tensors, on all of PyTorch's devices. agrad computes the gradients; PyTorch's autograd is not used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import sqrt
from types import ModuleType
from typing import Any, ClassVar

import array_api_compat.torch as compat
import numpy as np
import torch

from .base import Backend, names_of, repeats
from .host import portable
from .sliding_windows import Lengths, Windows
from .stirling import betaln
from .typing import Array, NativeDevice, NativeDtype

__all__ = ["TorchBackend"]

# PyTorch's name of a device kind: functions for whether and how many there are, and what they need.
_ACCELERATORS = {
    "cuda": (torch.cuda.is_available, torch.cuda.device_count, "a CUDA build of PyTorch and an NVIDIA driver"),
    "xpu": (torch.xpu.is_available, torch.xpu.device_count, "an XPU build of PyTorch and an Intel GPU"),
    "mps": (torch.backends.mps.is_available, lambda: 1, "an Apple GPU"),
}


def _unique_all(x: Array, /) -> tuple[Any, Any, Any, Any]:
    values, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True)
    order = torch.argsort(torch.flatten(x), stable=True)
    return values, order[torch.cumsum(counts, 0) - counts], inverse, counts


def _take(x: Array, indices: Array, /, *, axis: int | None = None) -> Any:
    try:
        return compat.take(x, indices, axis=axis)
    except RuntimeError as error:
        if "out of" not in str(error):
            raise
        raise IndexError(str(error)) from None  # already so for the first axis


def _take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Any:
    # On the CPU, PyTorch does not check whether an index is out of range.
    length = x.shape[axis]
    if x.device.type == "cpu" and bool(((indices < -length) | (indices >= length)).any()):
        raise IndexError(f"an index is out of range for axis {axis} of length {length}")
    return compat.take_along_axis(x, indices, axis=axis)


def _std(x: Array, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    # array-api-compat's takes only integer corrections.
    return torch.sqrt(compat.var(x, axis=axis, correction=correction, keepdims=keepdims))


def _namespace() -> Any:
    """Return array-api-compat's namespace of PyTorch, with some functions added or replaced."""
    xp: Any = ModuleType("agrad.backends.torch.xp")
    vars(xp).update(names_of(compat))
    vars(xp).update(unique_all=_unique_all, std=_std, take=_take, take_along_axis=_take_along_axis)
    return xp


def _gamma(x: Array) -> Any:
    """Return the gamma function, computed from PyTorch's logarithm of its absolute value."""
    below = x < 0
    size = torch.where(below & (torch.floor(x) == x), torch.nan, torch.exp(torch.special.gammaln(x)))
    return torch.where(below & (torch.remainder(torch.floor(x), 2.0) == 1.0), -size, size)


_SPECIAL: dict[str, Callable[..., Any]] = {
    "betaln": partial(betaln, compat, torch.special.gammaln),
    "gamma": _gamma,
    "ndtr": lambda x: 0.5 * torch.special.erfc(-sqrt(0.5) * x),  # PyTorch's is 0 below -9, where this is 1e-19
    "zeta": lambda x, q=1.0: torch.special.zeta(x, q),
}


class TorchBackend(Backend):
    """PyTorch: tensors that do not require gradients from PyTorch."""

    kind: ClassVar[str] = "torch"

    def __init__(self) -> None:
        self.xp = _namespace()
        self.array_type = torch.Tensor

    def device_names(self) -> Sequence[str]:
        found = [""]
        for name, (available, count, _) in _ACCELERATORS.items():
            if available():
                found += [f"{name}:{index}" for index in range(count())]
        return found

    def find_device(self, place: str) -> tuple[str, Any]:
        name, _, index = place.partition(":")
        if name in ("", "cpu") and index in ("", "0"):
            return "", torch.device("cpu")
        if name not in _ACCELERATORS or not (index.isdecimal() or not index):
            known = ", ".join(f"'torch:{name}'" for name in _ACCELERATORS)
            raise ValueError(f"unknown device 'torch:{place}'; write one of 'torch', {known}, or 'torch:cuda:1'")
        available, count, need = _ACCELERATORS[name]
        if not available():
            raise RuntimeError(f"device 'torch:{place}' needs {need}: see https://pytorch.org/get-started/locally")
        number = int(index or 0)
        if number >= count():
            raise RuntimeError(f"there is no device 'torch:{place}'; here {name} has indices from 0 to {count() - 1}")
        return f"{name}:{number}", torch.device(name, number)

    def device_name_of(self, array: Array) -> str:
        device = array.device
        return "" if device.type == "cpu" else f"{device.type}:{device.index or 0}"

    def synchronize(self, native: NativeDevice) -> None:
        if native.type != "cpu":
            torch.accelerator.synchronize(native)

    def waits_on_read(self, native: NativeDevice) -> bool:
        return native.type != "cpu"

    def asarray(self, data: Array, dtype: NativeDtype, native: NativeDevice, copy: bool | None = None) -> Any:
        if isinstance(data, torch.Tensor):
            if data.requires_grad:
                raise RuntimeError(
                    "this torch tensor requires gradients from PyTorch, which would be lost here; pass "
                    "tensor.detach() to agrad, with requires_grad=True for gradients by agrad"
                )
            if type(data) is not torch.Tensor:
                data = data.as_subclass(torch.Tensor)  # a Parameter, for instance
        elif isinstance(data, np.ndarray):
            data = portable(data, dtype)
            shareable = data.flags.writeable and min(data.strides, default=0) >= 0
            data = torch.from_numpy(data if shareable else data.copy())
        return torch.asarray(data, dtype=dtype, device=native, copy=copy)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        if array.dtype == torch.bfloat16:
            array = array.float()  # NumPy has no bfloat16
        return np.array(array.cpu().resolve_conj().resolve_neg().numpy())

    def is_view(self, array: Array) -> bool:
        return bool(array._is_view())

    def buffer_of(self, array: Array) -> int:
        return int(array.untyped_storage().data_ptr()) or id(array)  # empty arrays all have the address 0

    def is_writable(self, array: Array) -> bool:
        return not repeats(array.shape, array.stride())

    def copy(self, array: Array) -> Any:
        return array.clone(memory_format=torch.contiguous_format)

    def fill(self, array: Array, value: Array) -> Any:
        return array.copy_(value) if isinstance(value, torch.Tensor) else array.fill_(value)

    def add_scaled(self, array: Array, other: Array, scale: float) -> Any:
        return array.add_(other, alpha=scale)

    def add_product(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        return array.addcmul_(x1, x2, value=scale)

    def add_quotient(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        return array.addcdiv_(x1, x2, value=scale)

    def put(self, array: Array, index: Array, values: Array) -> Any:
        # For a repeated index, index_put may keep any of the values, so each element gets the last one.
        order = torch.arange(index.shape[0], device=array.device)
        last = torch.zeros(array.shape[0], dtype=torch.int64, device=array.device)
        last.scatter_reduce_(0, index.long(), order, "amax", include_self=False)
        array[index] = values[last[index]]
        return array

    def assign(self, array: Array, key: tuple[Any, ...], value: Array) -> Any:
        array[key] = _apart(value, array)
        return array

    def update(self, array: Array, operator: Callable[[Any, Any], Any], other: Array) -> Any:
        return operator(array, _apart(other, array))

    def add_at(self, array: Array, index: Array, values: Array) -> Any:
        return array.index_add_(0, index.long(), values)

    def special(self, name: str) -> Callable[..., Any]:
        found = _SPECIAL.get(name) or getattr(torch.special, name, None)
        return super().special(name) if found is None else found

    def solve_triangular(self, x1: Array, x2: Array, upper: bool) -> Any:
        return torch.linalg.solve_triangular(x1, x2, upper=upper)

    # Convolution: PyTorch's own, for floats and at least one channel

    def convolve(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        if not x.is_floating_point() or not x.shape[1]:
            return super().convolve(x, weight, windows, groups)
        x, settings = _settings(x, windows, groups)
        return torch.ops.aten.convolution(x, weight, None, *settings)

    def convolve_input(self, g: Array, weight: Array, lengths: Lengths, windows: Windows, groups: int) -> Any:
        if not g.is_floating_point() or not weight.shape[1]:
            return super().convolve_input(g, weight, lengths, windows, groups)
        like = g.new_empty(1).expand(g.shape[0], weight.shape[1] * groups, *lengths)
        x, settings = _settings(like, windows, groups)
        result, _, _ = torch.ops.aten.convolution_backward(g, x, weight, None, *settings, [True, False, False])
        return result if x is like else result[windows.inside(lengths)]

    def convolve_weight(self, g: Array, x: Array, windows: Windows, groups: int) -> Any:
        if not g.is_floating_point() or not x.shape[1]:
            return super().convolve_weight(g, x, windows, groups)
        like = g.new_empty(1).expand(g.shape[1], x.shape[1] // groups, *windows.kernel)
        x, settings = _settings(x, windows, groups)
        _, result, _ = torch.ops.aten.convolution_backward(g, x, like, None, *settings, [False, True, False])
        return result

    def generator(self, seed: int, native: NativeDevice) -> Any:
        return torch.Generator(native).manual_seed(seed ^ seed >> 32)  # on the CPU, PyTorch takes the low 32 bits only

    def get_state(self, generator: Any) -> dict[str, Any]:
        return {"generator": "torch", "state": generator.get_state().numpy().tobytes().hex()}

    def set_state(self, generator: Any, state: dict[str, Any]) -> None:
        generator.set_state(torch.tensor(list(bytes.fromhex(state["state"])), dtype=torch.uint8))

    def uniform(self, generator: Any, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice) -> Any:
        return torch.rand(shape, generator=generator, dtype=dtype, device=native)

    def normal(self, generator: Any, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice) -> Any:
        return torch.randn(shape, generator=generator, dtype=dtype, device=native)

    def integers(
        self, generator: Any, low: int, high: int, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice
    ) -> Any:
        return torch.randint(low, high, shape, generator=generator, dtype=dtype, device=native)

    def permutation(self, generator: Any, n: int, native: NativeDevice) -> Any:
        return torch.randperm(n, generator=generator, device=native)


def _settings(x: Array, windows: Windows, groups: int) -> tuple[Any, tuple[Any, ...]]:
    """Return the input, padded if the padding is asymmetric, and the arguments of PyTorch's convolution."""
    padding = [before for before, _ in windows.padding]
    if any(before != behind for before, behind in windows.padding):
        x = torch.nn.functional.pad(x, [n for pair in reversed(windows.padding) for n in pair])
        padding = [0] * len(padding)
    return x, (windows.stride, padding, windows.dilation, False, [0] * len(padding), groups)


def _apart(value: Array, array: Array) -> Any:
    """Return a value to write into an array, copied if they may share memory: PyTorch does not allow overlaps."""
    if isinstance(value, torch.Tensor) and value.untyped_storage().data_ptr() == array.untyped_storage().data_ptr():
        return value.clone()
    return value


BACKEND = TorchBackend()
