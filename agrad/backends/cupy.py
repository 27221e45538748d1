"""CuPy's arrays, on CUDA. Kernels, and functions of CuPy's namespace that are replaced, are in the folder `cuda`.

CUDA has a current device in each thread, on which CuPy's operators work. On a machine with several GPUs, creating an
array on a device or calling a function of its namespace makes it the current one; code that alternates between two must
enter each (``with agrad.Device("cuda:1")``). The methods here enter the device of the array that they are given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from sys import getrefcount
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import cupy
import cupyx
import numpy as np

from .base import repeats
from .cuda import (
    bessel,
    bias_relu,
    convolution,
    cross_entropy,
    graphs,
    kernels,
    nccl,
    optimizers,
    random,
    softmax,
    standardize,
)
from .cuda import windows as sliding
from .cuda.kept import kept
from .cuda.namespace import bound, namespace
from .sliding_windows import Lengths, Windows
from .stream import StreamBackend
from .strided import StridedBackend
from .typing import Array, NativeDevice, NativeDtype

if TYPE_CHECKING:
    from .mpi import World
    from .transports import Transport

__all__ = ["CupyBackend"]

_STAY = 'or stay on the CPU: agrad.set_device("cpu")'


def _look_for_gpus() -> list[str]:
    """Return the indices of the GPUs that CuPy can use; RuntimeError says what is missing."""
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(
            f"CuPy is installed, but finds no CUDA device ({error}); install NVIDIA's driver, check what nvidia-smi "
            f"lists and what CUDA_VISIBLE_DEVICES hides, {_STAY}"
        ) from None
    try:
        cupy.cuda.nvrtc.getVersion()
        cupy.cuda.cublas.getVersion  # noqa: B018 - CuPy loads the library at this access
    except (ImportError, RuntimeError) as error:
        raise RuntimeError(
            f"CuPy and NVIDIA's driver are installed, but CUDA's libraries are not ({str(error).splitlines()[0]}); run "
            f'pip install "cupy-cuda12x[ctk]", or "cupy-cuda13x[ctk]" for CUDA 13, {_STAY}'
        ) from None
    return [str(index) for index in range(count)]


def _references(view: Array) -> int:
    """Return how many references there are to the array that a view is of."""
    return getrefcount(view.base)


@cache
def _references_of_one() -> int:
    """Return what `_references` is where there is no other than the view: it depends on Python's version."""
    return _references(cupy.empty((1, 2)).reshape(2))


class _Nothing(nullcontext[None]):
    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function


_NOTHING = _Nothing()


def _word(number: Any) -> Any:
    """Return a number as a kernel takes it; in a recording it is an array without axes."""
    return number if isinstance(number, cupy.ndarray) else np.uint64(number)


# MPI has no function that tells reliably, and without CUDA in it crashes at the address of a GPU.
_MPI_READS_GPUS = os.environ.get("AGRAD_CUDA_AWARE_MPI", "0") not in ("", "0")


@cache
def _mpi(world: World) -> Transport:
    """Return MPI as it reads and writes the memory of GPUs, where it was built for that."""
    return world.mpi(empty=cupy.empty, ready=lambda: cupy.cuda.get_current_stream().synchronize())


class CupyBackend(StridedBackend, StreamBackend):
    """CuPy: one device per GPU."""

    kind: ClassVar[str] = "cuda"
    library: ClassVar[ModuleType] = cupy
    gathered: ClassVar[int] = 1 << 28
    streams: ClassVar[int] = 1 << 31  # all at once, in one kernel
    native_keys: ClassVar[str] = "basic"
    fused: ClassVar[Collection[str]] = frozenset(
        {
            "bias_relu", "bias_relu_inputs", "convolve_by_channel", "convolve_with_bias", "dropout_mask", "interpolate",
            "moments", "softmax", "softmax_input", "softmax_nll", "softmax_nll_input", "standardize",
            "standardize_input", "where_nonzero",
        }
    )  # fmt: skip
    fuses_relu: ClassVar[bool] = True
    formulas: ClassVar[Collection[str]] = optimizers.FORMULAS

    def __init__(self) -> None:
        self.xp = namespace()
        self.array_type = cupy.ndarray
        self._places: Sequence[str] = ()
        self._namespaces: dict[int, Any] = {}

    def device_names(self) -> Sequence[str]:
        self._places = self._places or _look_for_gpus()
        return self._places

    def find_device(self, place: str) -> tuple[str, Any]:
        place = place or "0"
        if not place.isdecimal():
            raise ValueError(f"unknown device 'cuda:{place}'; write 'cuda', or with a GPU's number 'cuda:0'")
        places = self.device_names()
        if int(place) >= len(places):
            has = f"'cuda:0' to 'cuda:{len(places) - 1}'" if len(places) > 1 else "'cuda:0' only"
            raise RuntimeError(f"there is no device 'cuda:{place}'; this machine has {has}")
        return str(int(place)), cupy.cuda.Device(int(place))

    def device_name_of(self, array: Array) -> str:
        return str(array.device.id)

    def namespace(self, native: NativeDevice) -> Any:
        if len(self.device_names()) == 1:
            return self.xp
        return self._namespaces.setdefault(native.id, bound(self.xp, native))

    def activate(self, native: NativeDevice) -> AbstractContextManager[Any]:
        return native

    def synchronize(self, native: NativeDevice) -> None:
        native.synchronize()

    def waits_on_read(self, native: NativeDevice) -> bool:
        return True

    def memory(self, native: NativeDevice) -> dict[str, int]:
        with native:
            pool = cupy.get_default_memory_pool()
            free, total = cupy.cuda.runtime.memGetInfo()
            return {"allocated": pool.used_bytes(), "reserved": pool.total_bytes(), "free": free, "total": total}

    def empty_cache(self, native: NativeDevice) -> None:
        with native:
            cupy.get_default_memory_pool().free_all_blocks()

    def without_warnings(self) -> Any:
        return _NOTHING  # CuPy gives none

    def with_checks(self) -> AbstractContextManager[Any]:
        return cupyx.errstate(linalg="raise")

    def carrier(self, array: Array, world: World, op: str = "") -> tuple[Any, Transport]:
        array.device.use()
        direct = nccl.transport(world, array.device.id)
        if direct is not None and nccl.supports(array.dtype, op):
            return array, direct
        if _MPI_READS_GPUS and nccl.supports(array.dtype, op):
            return array, _mpi(world)
        return super().carrier(array, world, op)

    # Arrays

    def asarray(self, data: Array, dtype: NativeDtype, native: NativeDevice, copy: bool | None = None) -> Any:
        native.use()
        return super().asarray(data, dtype, native, copy)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        with array.device:
            return array.get()

    def dlpack(self, array: Array, copy: bool = False, **wishes: Any) -> Any:
        here = wishes.get("dl_device") in (None, array.__dlpack_device__())
        if copy and here:  # CuPy copies only on the way to the CPU
            return self.copy(array).__dlpack__(**wishes)
        return array.__dlpack__(**wishes, **({"copy": copy} if copy else {}))

    def is_view(self, array: Array) -> bool:
        if array.base is None:
            return False
        # Nobody else sees the memory of a base that only this view refers to, as after reshaping a result.
        alone = array.base.size == array.size and _references(array) == _references_of_one()
        return not alone or repeats(array.shape, array.strides)

    def buffer_of(self, array: Array) -> int:
        return array.data.mem.ptr or id(array.data.mem)  # empty arrays all have the address 0

    def seed_like(self, array: Array) -> Any:
        with array.device:
            return kept(cupy.ones, (), array.dtype) if array.shape == () else cupy.ones_like(array)

    def copy(self, array: Array) -> Any:
        with array.device:
            return array.copy()

    def assign(self, array: Array, key: tuple[Any, ...], value: Array) -> Any:
        with array.device:
            array[key] = value
        return array

    def update(self, array: Array, operator: Callable[[Any, Any], Any], other: Array) -> Any:
        with array.device:
            return operator(array, other)

    def add_scaled(self, array: Array, other: Array, scale: float) -> Any:
        with array.device:
            kernels.add_scaled(other, scale, array)
        return array

    def interpolate(self, array: Array, other: Array, weight: float) -> Any:
        with array.device:
            kernels.interpolate(other, weight, array)
        return array

    def add_product(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        with array.device:
            kernels.add_product(x1, x2, scale, array)
        return array

    def add_quotient(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        with array.device:
            kernels.add_quotient(x1, x2, scale, array)
        return array

    def put(self, array: Array, index: Array, values: Array) -> Any:
        if not array.size:
            return array
        # Where an index repeats, CUDA does not define which value stays, so each element gets the last one.
        with array.device:
            last = cupy.zeros(array.shape[0], np.int32)
            cupy.maximum.at(last, index, cupy.arange(index.shape[0], dtype=np.int32))
            array[index] = values[last[index]]
        return array

    def add_at(self, array: Array, index: Array, values: Array) -> Any:
        if array.dtype.kind == "c":  # CUDA cannot add complex numbers atomically
            self.add_at(array.real, index, values.real)
            self.add_at(array.imag, index, values.imag)
        else:
            with array.device:
                cupy.add.at(array, index, values)
        return array

    def can_update(self, row: Sequence[Array]) -> bool:
        return optimizers.can_update(*row)

    def update_many(self, formula: str, rows: Sequence[Sequence[Array]], settings: Sequence[Any]) -> Any:
        with rows[0][0].device:
            optimizers.update_many(formula, rows, settings)
        return rows

    def special(self, name: str) -> Callable[..., Any]:
        if name in ("i0e", "i1e"):
            return getattr(bessel, name)
        import cupyx.scipy.special  # takes half a second, and only this needs it

        function = getattr(cupyx.scipy.special, name, None)
        if function is None:
            return super().special(name)

        def there(*arrays: Any) -> Any:
            with arrays[0].device:
                return function(*arrays, 1.0) if (name, len(arrays)) == ("zeta", 1) else function(*arrays)

        return there

    def capturer(self, native: NativeDevice) -> graphs.Capturer:
        return graphs.Capturer(native)

    # Losses

    def softmax_nll(
        self,
        input: Array,
        target: Array,
        reduction: str,
        weight: Array | None,
        ignore_index: int | None,
        label_smoothing: float,
    ) -> tuple[Any, tuple[Any, Any]]:
        with input.device:
            return cross_entropy.losses(input, target, reduction, weight, ignore_index, label_smoothing)

    def softmax_nll_input(
        self,
        g: Array,
        input: Array,
        target: Array,
        reduction: str,
        weight: Array | None,
        ignore_index: int | None,
        label_smoothing: float,
        saved: tuple[Array, Array],
    ) -> Any:
        with input.device:
            settings = reduction, weight, ignore_index, label_smoothing
            return cross_entropy.gradient(g, input, target, *settings, saved[0])

    # Layers

    def softmax(self, x: Array, axis: Any, logarithm: bool) -> Any:
        with x.device:
            return softmax.softmax(x, logarithm) if softmax.suits(x, axis) else super().softmax(x, axis, logarithm)

    def softmax_input(self, g: Array, out: Array, axis: Any, logarithm: bool) -> Any:
        with g.device:
            if softmax.suits(out, axis):
                return softmax.gradient(g, out, logarithm)
            return super().softmax_input(g, out, axis, logarithm)

    def where_nonzero(self, x: Array, condition: Array) -> Any:
        with x.device:
            return kernels.where_nonzero(x, condition)

    def bias_relu(self, x: Array, bias: Array, axis: int) -> Any:
        with x.device:
            by: Any = bias_relu if bias_relu.suits(x, bias) else super()
            return by.bias_relu(x, bias, axis)

    def bias_relu_inputs(self, g: Array, out: Array, axis: int) -> tuple[Any, Any]:
        with g.device:
            return bias_relu.gradients(g, out, axis) if bias_relu.suits(out) else super().bias_relu_inputs(g, out, axis)

    def standardize(self, x: Array, axis: tuple[int, ...], eps: float) -> tuple[Any, Any]:
        groups = standardize.groups_of(x, axis)
        with x.device:
            return standardize.standardize(x, axis, eps, groups) if groups else super().standardize(x, axis, eps)

    def standardize_input(self, g: Array, out: Array, deviation: Array, axis: tuple[int, ...]) -> Any:
        groups = standardize.groups_of(out, axis)
        with g.device:
            if groups:
                return standardize.gradient(g, out, deviation, groups)
            return super().standardize_input(g, out, deviation, axis)

    def moments(self, x: Array, axis: tuple[int, ...]) -> tuple[Any, Any]:
        groups = standardize.groups_of(x, axis)
        with x.device:
            return standardize.moments(x, axis, groups) if groups else super().moments(x, axis)

    # Windows: kernels of their own for most types, on the device of their arrays

    def convolve(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        with x.device:
            if x.dtype == weight.dtype and sliding.suits(x.dtype, windows):
                return convolution.convolve(x, weight, windows, groups)
            return super().convolve(x, weight, windows, groups)

    def convolve_with_bias(self, x: Array, weight: Array, bias: Array, windows: Windows, groups: int) -> Any:
        with x.device:
            if x.dtype == weight.dtype == bias.dtype and sliding.suits(x.dtype, windows):
                return convolution.convolve(x, weight, windows, groups, bias)
            return super().convolve_with_bias(x, weight, bias, windows, groups)

    def convolve_by_channel(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        with x.device:
            if x.dtype == weight.dtype and sliding.suits(x.dtype, windows):
                return convolution.convolve_by_channel(x, weight, windows, groups)
            return super().convolve_by_channel(x, weight, windows, groups)

    def convolve_input(self, g: Array, weight: Array, lengths: Lengths, windows: Windows, groups: int) -> Any:
        with g.device:
            if g.dtype == weight.dtype and sliding.suits(g.dtype, windows):
                return convolution.convolve_input(g, weight, lengths, windows, groups)
            return super().convolve_input(g, weight, lengths, windows, groups)

    def convolve_weight(self, g: Array, x: Array, windows: Windows, groups: int) -> Any:
        with g.device:
            if g.dtype == x.dtype and sliding.suits(g.dtype, windows):
                return convolution.convolve_weight(g, x, windows, groups)
            return super().convolve_weight(g, x, windows, groups)

    def window_sum(self, x: Array, windows: Windows) -> Any:
        with x.device:
            by: Any = sliding if sliding.suits(x.dtype, windows) else super()
            return by.window_sum(x, windows)

    def window_max(self, x: Array, windows: Windows) -> tuple[Any, Any]:
        with x.device:
            by: Any = sliding if sliding.suits(x.dtype, windows) else super()
            return by.window_max(x, windows)

    def add_to_windows(self, g: Array, indices: Array, lengths: Lengths, windows: Windows) -> Any:
        with g.device:
            by: Any = sliding if sliding.suits(g.dtype, windows) else super()
            return by.add_to_windows(g, indices, lengths, windows)

    def gather_from_windows(self, x: Array, indices: Array, windows: Windows) -> Any:
        with x.device:
            by: Any = sliding if sliding.suits(x.dtype, windows) else super()
            return by.gather_from_windows(x, indices, windows)

    # Random numbers

    def uniform(self, generator: Any, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice) -> Any:
        if dtype == np.float16:
            draws = self.uniform(generator, shape, np.float32, native)
            with native:
                return (cupy.floor(draws * 1024) / 1024).astype(dtype)  # rounding could return 1
        return self._draw(random.uniform, generator, shape, dtype, native)

    def normal(self, generator: Any, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice) -> Any:
        if dtype == np.float16:
            with native:
                return self.normal(generator, shape, np.float32, native).astype(dtype)
        return self._draw(random.normal, generator, shape, dtype, native)

    def integers(
        self, generator: Any, low: int, high: int, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice
    ) -> Any:
        count = np.uint64(high - low)
        with native:
            return self._draw(random.integers, generator, shape, np.int64, native, low, count).astype(dtype, copy=False)

    def dropout_mask(
        self, generator: Any, keep: float, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice
    ) -> Any:
        return self._draw(random.dropout_mask, generator, shape, dtype, native, keep)

    def permutation(self, generator: Any, n: int, native: NativeDevice) -> Any:
        with native:
            return cupy.argsort(self.integers(generator, 0, 2**63, (n,), np.int64, native))

    def _draw(
        self,
        kernel: Array,
        generator: Any,
        shape: tuple[int, ...],
        dtype: NativeDtype,
        native: NativeDevice,
        *limits: Any,
    ) -> Any:
        seed, draw = generator.draw()
        with native:
            draws = cupy.empty(shape, dtype)
            kernel(_word(seed), _word(draw), *limits, draws)
            return draws


BACKEND = CupyBackend()
