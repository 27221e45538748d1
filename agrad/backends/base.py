"""The generic backend: all that agrad needs beyond the standard, in pure array API.

It is slow where the standard is narrow, and right everywhere: the oracle that the other backends are tested against.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np

from . import rational
from . import windows as generic
from .host import portable, show
from .windows import Lengths, Windows

__all__ = ["Backend", "UnknownValueError", "names_of", "repeats"]

_ANYWHERE: Final = nullcontext()


class UnknownValueError(RuntimeError):
    """A value was asked of an array that has none to tell: of a virtual one, with a value for each of a batch."""


class Backend:
    """One array library, as agrad uses it.

    Attributes
    ----------
    kind : str
        The name of its devices before the colon.
    xp : module
        Its array API namespace, through array-api-compat.
    array_type : type
        The class of its arrays.
    native_keys : {"standard", "basic", "all"}
        Which keys of NumPy's its arrays take as they are: only what the standard promises, all that are made of
        integers, slices, None and Ellipsis, or those with arrays in them too.
    without_special : str
        What to do where the library lacks a special function.
    """

    kind: ClassVar[str]
    xp: Any
    array_type: type
    native_keys: ClassVar[str] = "standard"
    without_special: ClassVar[str] = "write x.to('cpu'), where SciPy computes it; pip install \"agrad[special]\""

    @property
    def supports_float64(self) -> bool:
        """Whether it computes in double precision as it is set up now."""
        return True

    def default_integer(self, native: Any) -> Any:
        """Return the dtype that integers have on that device if nothing else is asked for."""
        return self.xp.__array_namespace_info__().default_dtypes(device=native)["integral"]

    # Places

    def places(self) -> Sequence[str]:
        """Return what may stand after the colon on this machine; RuntimeError says why there is nothing."""
        return ("",)

    def find(self, place: str) -> tuple[str, Any]:
        """Return the canonical name of a place and the library's own device object (None for its default)."""
        if place:
            raise ValueError(f"{self.kind!r} has one device only; write {self.kind!r}, not '{self.kind}:{place}'")
        return "", None

    def place_of(self, array: Any) -> str:
        """Return the canonical name of the place where `array` lives."""
        return ""

    def namespace(self, native: Any) -> Any:
        """Return the namespace that ops on that device call."""
        return self.xp

    def activate(self, native: Any) -> AbstractContextManager[Any]:
        """Return a context in which the library makes its arrays on that device."""
        return _ANYWHERE

    def synchronize(self, native: Any) -> None:
        """Wait for the device's queue; libraries that compute at once have none."""

    def waits(self, native: Any) -> bool:
        """Whether reading a value stops the program until the device has finished its queue: then nobody looks."""
        return False

    def memory(self, native: Any) -> dict[str, int]:
        """Return bytes "allocated" to arrays, "reserved" for more, "free" and in "total"; empty if nobody counts."""
        return {}

    def empty_cache(self, native: Any) -> None:
        """Give memory that is reserved and unused back to the device."""

    def quiet(self) -> AbstractContextManager[Any]:
        """Return a context in which the library does not warn where a NaN or an infinity comes out."""
        return np.errstate(all="ignore")

    # Arrays

    def is_array(self, array: Any) -> bool:
        """Whether `array` is one of this library's arrays."""
        return isinstance(array, self.array_type)

    def asarray(self, data: Any, dtype: Any, native: Any, copy: bool | None = None) -> Any:
        """Make an array on that device from numbers, lists, a NumPy array or one of the library's own."""
        data = portable(data, dtype) if isinstance(data, np.ndarray) else data
        return self.xp.asarray(data, dtype=dtype, device=native, copy=copy)

    def box(self, value: Any) -> Any:
        """Return `value` as an array where the library returned one of its scalars."""
        return value if self.is_array(value) else self.xp.asarray(value)

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        """Copy an array to the host as a NumPy array."""
        return np.asarray(array)

    def shown(self, array: Any, name: str) -> str:
        """Return the values as text, aligned behind ``name(``, in a screenful at most."""
        return show(self.to_numpy(array), name)

    def whole(self, array: Any) -> Any:
        """Return an array with all values, as instruments look at them: of a virtual one what it holds."""
        return array

    def bounds(self, array: Any) -> tuple[Any, Any]:
        """Return the least and the largest element of an array that has some: what checks of values ask for."""
        return self.xp.min(array), self.xp.max(array)

    def is_view(self, array: Any) -> bool:
        """Whether `array` may share its memory with another; True where the library does not tell."""
        return True

    def buffer_of(self, array: Any) -> int:
        """Return a number that stands for the memory that `array` shares with its views."""
        return id(array)

    def own(self, value: Any, shared: bool) -> Any:
        """Return `value` as an array whose memory is nobody else's, copied where it is or may be `shared`."""
        array = value if type(value) is self.array_type else self.box(value)
        return self.copy(array) if shared or self.is_view(array) else array

    def is_writable(self, array: Any) -> bool:
        """Whether each element has memory of its own that may change; True where writing makes a new array."""
        return True

    def copy(self, array: Any) -> Any:
        """Return a copy with memory of its own."""
        return self.xp.asarray(array, copy=True)

    # Writing: the only places where anything changes in place. The result is the array to go on with.

    def assign(self, array: Any, key: tuple[Any, ...], value: Any) -> Any:
        """Write `value` at a basic key (integers, slices and an Ellipsis)."""
        array[key] = value
        return array

    def fill(self, array: Any, value: Any) -> Any:
        """Overwrite the whole of `array`."""
        return self.assign(array, (...,), value)

    def update(self, array: Any, operator: Callable[[Any, Any], Any], other: Any) -> Any:
        """Apply one of Python's in-place operators, `operator.iadd` for instance."""
        return operator(array, other)

    def add_scaled(self, array: Any, other: Any, scale: float) -> Any:
        """Add ``scale * other`` to `array`."""
        array += scale * other
        return array

    def add_product(self, array: Any, x1: Any, x2: Any, scale: float) -> Any:
        """Add ``scale * x1 * x2`` to `array`."""
        product = x1 * x2
        product *= scale
        array += product
        return array

    def add_quotient(self, array: Any, x1: Any, x2: Any, scale: float) -> Any:
        """Add ``scale * x1 / x2`` to `array`."""
        quotient = x1 / x2
        quotient *= scale
        array += quotient
        return array

    def put(self, array: Any, index: Any, values: Any) -> Any:
        """Write ``values[i]`` at ``array[index[i]]`` along the first axis; of several values, the last one stays."""
        for i in range(index.shape[0]):
            array = self.assign(array, (int(index[i]), ...), values[i, ...])
        return array

    def add_at(self, array: Any, index: Any, values: Any) -> Any:
        """Add ``values[i]`` to ``array[index[i]]`` along the first axis, repeated indices included.

        A one-hot matrix times the values, in chunks that keep the matrix small; row by row where a value is infinite
        or NaN, because zero times that is not zero.
        """
        xp, n, rows = self.xp, index.shape[0], array.shape[0]
        if array.size == 0 or n == 0:
            return array
        if not bool(xp.all(xp.isfinite(values))):
            for i in range(n):
                row = int(index[i])
                array = self.assign(array, (row, ...), array[row, ...] + values[i, ...])
            return array
        native = self.find(self.place_of(array))[1]
        flat = xp.reshape(values, (n, -1))
        places = xp.arange(rows, dtype=index.dtype, device=native)
        total = xp.zeros((rows, flat.shape[1]), dtype=flat.dtype, device=native)
        step = max(1, 1_000_000 // rows)
        for start in range(0, n, step):
            chunk = slice(start, min(start + step, n))
            one_hot = xp.astype(places[:, None] == index[chunk][None, :], flat.dtype)
            total += one_hot @ flat[chunk, :]
        return array + xp.reshape(total, array.shape)

    # Mathematics beyond the standard

    def special(self, name: str) -> Callable[..., Any]:
        """Return a special function under its name in scipy.special, for arrays of one real floating type.

        It may return another type. NotImplementedError says what to do where there is no such function.
        """
        if name in ("erf", "erfc", "ndtr"):
            return partial(getattr(rational, name), self.xp)
        raise NotImplementedError(f"device {self.kind!r} has no {name}: {self.without_special}")

    # Windows: convolution, and sums and maxima for pooling, over the last axes

    def convolve(self, x: Any, weight: Any, windows: Windows, groups: int) -> Any:
        """Return the sums over each window, and the channels of each group, of `x` times `weight`.

        `x` is ``(batch, channels, ...)``, `weight` ``(outputs, channels of a group, ...)``.
        """
        return generic.convolve(self, x, weight, windows, groups)

    def convolve_input(self, g: Any, weight: Any, lengths: Lengths, windows: Windows, groups: int) -> Any:
        """Return the transpose of `convolve` in its input, whose last axes have these lengths."""
        return generic.convolve_input(self, g, weight, lengths, windows, groups)

    def convolve_weight(self, g: Any, x: Any, windows: Windows, groups: int) -> Any:
        """Return the transpose of `convolve` in its weight."""
        return generic.convolve_weight(self, g, x, windows, groups)

    def window_sum(self, x: Any, windows: Windows) -> Any:
        """Return the sum of each window."""
        return generic.window_sum(self, x, windows)

    def window_max(self, x: Any, windows: Windows) -> tuple[Any, Any]:
        """Return the largest element of each window, or NaN if there is one, and its place in the kernel by number."""
        return generic.window_max(self, x, windows)

    def spread(self, g: Any, numbers: Any, lengths: Lengths, windows: Windows) -> Any:
        """Add each element to its whole window in zeros, or to the place in it that its number says."""
        return generic.spread(self, g, numbers, lengths, windows)

    def pick(self, x: Any, numbers: Any, windows: Windows) -> Any:
        """Return the element of each window at the place that its number says."""
        return generic.pick(self, x, numbers, windows)

    # Random numbers: from NumPy, and moved

    def generator(self, seed: int, native: Any) -> Any:
        """Return a new generator of random numbers, seeded by an integer from 0 to 2**64 - 1."""
        return np.random.default_rng(seed)

    def get_state(self, generator: Any) -> dict[str, Any]:
        """Return a generator's state as strings and numbers."""
        with generator.bit_generator.lock:  # another thread may be drawing, and half of a state is none
            state = generator.bit_generator.state
        numbers = {name: str(value) for name, value in state["state"].items()}  # too long for JSON's numbers
        return {**state, "state": numbers}

    def set_state(self, generator: Any, state: dict[str, Any]) -> None:
        """Put a generator into a state that `get_state` returned."""
        numbers = {name: int(value) for name, value in state["state"].items()}
        generator.bit_generator.state = {**state, "state": numbers}

    def uniform(self, generator: Any, shape: tuple[int, ...], dtype: Any, native: Any) -> Any:
        """Draw from [0, 1)."""
        if dtype == self.xp.float64:
            return self.asarray(generator.random(shape), dtype, native)
        numbers = generator.random(shape, np.float32)
        if dtype != self.xp.float32:
            levels = 1 / float(self.xp.finfo(dtype).eps)
            numbers = np.floor(numbers * levels) / levels  # exact in 16 bits: rounding would lead up to 1
        return self.asarray(numbers, dtype, native)

    def normal(self, generator: Any, shape: tuple[int, ...], dtype: Any, native: Any) -> Any:
        """Draw from the standard normal distribution."""
        width = np.float64 if dtype == self.xp.float64 else np.float32
        return self.asarray(generator.standard_normal(shape, width), dtype, native)

    def integers(self, generator: Any, low: int, high: int, shape: tuple[int, ...], dtype: Any, native: Any) -> Any:
        """Draw integers from low to high - 1."""
        return self.asarray(generator.integers(low, high, shape), dtype, native)

    def permutation(self, generator: Any, n: int, native: Any) -> Any:
        """Return the integers from 0 to n - 1 in random order."""
        return self.asarray(generator.permutation(n), self.default_integer(native), native)


def repeats(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether an array has elements that share memory, as broadcasting makes them."""
    steps = zip(shape, strides, strict=True)
    return 0 not in shape and any(length > 1 and not stride for length, stride in steps)


def names_of(xp: Any) -> dict[str, Any]:
    """Return what a namespace offers, for a namespace that offers some of it differently."""
    return {name: value for name, value in vars(xp).items() if not name.startswith("__") or name.startswith("__array")}
