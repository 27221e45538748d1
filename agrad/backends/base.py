"""The generic backend: all that agrad needs beyond the standard, in pure array API.

It is slow where the standard lacks a function, and correct everywhere: the other backends are tested against it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import accumulate
from math import prod
from operator import imul
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Protocol

import numpy as np

from . import bessel, cross_entropy, rational, softmax
from . import sliding_windows as generic
from .host import portable, show
from .places import device_of
from .sliding_windows import Lengths, Windows
from .typing import Array, Namespace, NativeDevice, NativeDtype

if TYPE_CHECKING:
    from .mpi import Request, World
    from .transports import Transport

__all__ = ["OUT", "Backend", "Capturer", "Into", "UnknownValueError", "names_of", "repeats"]

ANYWHERE: Final = nullcontext()
OUT: Final = object()  # placeholder for the output array, or in `steps` for the result of the step before


class Into(NamedTuple):
    """A function that computes into a given array, and its arguments, with OUT in place of that array.

    Attributes
    ----------
    function : callable
    args : tuple
    elementwise : bool
        Whether the output array may be an operand of the same shape and layout.
    slow_in_place : bool
        Whether the function is then slower than with another array.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    elementwise: bool
    slow_in_place: bool = False


class Capturer(Protocol):
    """Captures the device work of a function, so that one launch repeats it without Python, as a CUDA graph does.

    A launch reads and writes the memory addresses of the capture. So arrays must stay where they are, and numbers are
    read from 0-d arrays, since they would otherwise keep their values.
    """

    def scalar(self, dtype: NativeDtype) -> tuple[Array, Callable[[Any], None]]:
        """Return a 0-d array, and a function that sets the number that `flush` writes into it."""

    def flush(self) -> None:
        """Write the numbers that have changed to their arrays, before a launch."""

    def buffer(self, array: Array) -> Array:
        """Return a copy of an array, which `copy` can overwrite."""

    def copy(self, buffer: Array, array: Array) -> None:
        """Overwrite a buffer with an array, before a launch."""

    def run(self, function: Callable[[], Any]) -> Any:
        """Call a function as `capture` does, but execute its work, which compiles kernels and fills caches."""

    def capture(self, function: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        """Call a function; return the launch, and what the function returned: arrays that each launch fills.

        The work is executed by launches only. If something cannot be captured, an error is raised, and nothing was
        executed.
        """


class UnknownValueError(RuntimeError):
    """The value of an array is read that has none yet, or several: under `vmap`, `compile` or an ONNX export."""


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
        Which of NumPy's keys its arrays support: only those of the standard, all keys of integers, slices, None and
        Ellipsis, or keys with arrays too.
    formulas : collection of str
        The optimizers' formulas that `update_many` has.
    warns_caller : bool
        Whether its warnings about NaN and infinity name the module that calls its functions, as NumPy's do.
    immutable : bool
        Whether writing returns a new array and leaves the old one unchanged.
    fused : collection of str
        Methods that are one kernel each, so that a compiled program calls them as a whole.
    fuses_relu : bool
        Whether `bias_relu` and its gradients are a kernel each, so that a layer is merged with the ReLU behind it.
    puts_numbers : bool
        Whether `put` is a single call, which takes a number for all values too.
    reading_waits : bool
        Whether reading a value waits until the device has computed it, as on a GPU.
    lazy : bool
        Whether the library delays computations until `materialize` is called or a value is read.
    without_special : str
        The advice in the error for a special function that the library lacks.

    Examples
    --------
    Three attributes are enough for a library that conforms to the standard:

    >>> import array_api_strict
    >>> from agrad.backends import Backend
    >>> class MyBackend(Backend):
    ...     kind = "mylibrary"
    ...     xp = array_api_strict
    ...     array_type = type(array_api_strict.zeros(0))
    """

    kind: ClassVar[str]
    xp: Any
    array_type: type
    native_keys: ClassVar[str] = "standard"
    formulas: ClassVar[Collection[str]] = ()
    warns_caller: ClassVar[bool] = False
    immutable: ClassVar[bool] = False
    fused: ClassVar[Collection[str]] = ()
    fuses_relu: ClassVar[bool] = False
    puts_numbers: ClassVar[bool] = False
    reading_waits: ClassVar[bool] = False
    lazy: ClassVar[bool] = False
    without_special: ClassVar[str] = "write x.to('cpu'), where SciPy computes it; pip install \"agrad[special]\""

    @property
    def supports_float64(self) -> bool:
        """Whether the library supports float64 as it is configured now."""
        return hasattr(self.xp, "float64")

    def default_integer(self, native: NativeDevice) -> Any:
        """Return the default integer dtype of that device."""
        info = getattr(self.xp, "__array_namespace_info__", None)
        return self.xp.arange(1).dtype if info is None else info().default_dtypes(device=native)["integral"]

    # Devices

    def device_names(self) -> Sequence[str]:
        """Return the parts after the colon of this machine's device names; RuntimeError says why there are none."""
        return ("",)

    def find_device(self, place: str) -> tuple[str, Any]:
        """Return the canonical part after the colon of a device's name, and the library's device object or None."""
        if place:
            raise ValueError(f"{self.kind!r} has one device only; write {self.kind!r}, not '{self.kind}:{place}'")
        return "", None

    def device_name_of(self, array: Array) -> str:
        """Return the canonical part after the colon of the name of the device that `array` is on."""
        return ""

    def namespace(self, native: NativeDevice) -> Any:
        """Return the namespace that ops on that device call."""
        return self.xp

    def activate(self, native: NativeDevice) -> AbstractContextManager[Any]:
        """Return a context manager in which the library creates arrays on that device."""
        return ANYWHERE

    def synchronize(self, native: NativeDevice) -> None:
        """Wait until all work queued on the device is done; a synchronous library does nothing here."""

    def waits_on_read(self, native: NativeDevice) -> bool:
        """Return whether reading a value synchronizes with the device; values are then not checked."""
        return False

    def memory(self, native: NativeDevice) -> dict[str, int]:
        """Return the bytes "allocated" to arrays, "reserved" by the allocator, "free" and "total"; empty if unknown."""
        return {}

    def empty_cache(self, native: NativeDevice) -> None:
        """Release reserved memory that no array uses."""

    def without_warnings(self) -> Any:
        """Return a context manager, and decorator, in which the library does not warn about NaN and infinity."""
        return np.errstate(all="ignore")

    def during_backward(self) -> AbstractContextManager[Any]:
        """Return a context manager without warnings for gradient rules, which may overflow in intermediate results."""
        return self.without_warnings()

    def with_checks(self) -> AbstractContextManager[Any]:
        """Return a context manager in which the library also reports errors that it otherwise ignores to save time."""
        return ANYWHERE

    # Arrays

    def is_array(self, array: Array) -> bool:
        """Return whether `array` is one of this library's arrays."""
        return isinstance(array, self.array_type)

    def asarray(self, data: Array, dtype: NativeDtype, native: NativeDevice, copy: bool | None = None) -> Any:
        """Convert numbers, lists, a NumPy array or one of the library's arrays to an array on that device."""
        data = portable(data, dtype) if isinstance(data, np.ndarray) else data
        wishes = {"dtype": dtype, "device": native, "copy": copy}  # only those given: some libraries lack others
        return self.xp.asarray(data, **{name: value for name, value in wishes.items() if value is not None})

    def box(self, value: Array) -> Any:
        """Return `value` as an array, since some libraries return scalars instead of 0-d arrays."""
        return value if self.is_array(value) else self.xp.asarray(value)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        """Copy an array to the host as a NumPy array."""
        return np.asarray(array)

    def dlpack(self, array: Array, **wishes: Any) -> Any:
        """Return the array's DLPack capsule; `wishes` are the keywords of ``__dlpack__`` that the caller gave."""
        return array.__dlpack__(**wishes)

    def format_array(self, array: Array, name: str) -> str:
        """Return the values as text, aligned after ``name(``, shortened to fit on a screen."""
        return show(self.to_numpy(array), name)

    def underlying_array(self, array: Array) -> Any:
        """Return the array that instruments read: for a virtual array the one that it holds."""
        return array

    def bounds(self, array: Array) -> tuple[Any, Any]:
        """Return the smallest and the largest element of a non-empty array, for error messages."""
        return self.xp.min(array), self.xp.max(array)

    def within(self, array: Array, least: float, most: float) -> bool:
        """Return whether no element of a non-empty array is below `least` or above `most`; NaN is neither."""
        number = float if self.xp.isdtype(array.dtype, "real floating") else int
        low, high = map(number, self.bounds(array))
        return not (low < least or high > most)

    def constant(self, data: Array, dtype: NativeDtype, native: NativeDevice, copy: bool | None = None) -> Any:
        """Convert a NumPy array that was made from numbers, NumPy scalars or lists in the user's code: a constant."""
        return self.asarray(data, dtype, native, copy)

    def is_view(self, array: Array) -> bool:
        """Return whether `array` may share memory with another; True if the library does not say."""
        return True

    def buffer_of(self, array: Array) -> int:
        """Return a number that identifies the memory of `array`, the same for all its views."""
        return id(array)

    def seed_like(self, array: Array) -> Any:
        """Return read-only ones of an array's shape and dtype, the first cotangent of a backward pass."""
        return self.xp.ones_like(array)

    def own(self, value: Array, shared: bool) -> Any:
        """Return `value` as an array that owns its memory, copied if it is a view or `shared`."""
        array = value if type(value) is self.array_type else self.box(value)
        return self.copy(array) if shared or self.is_view(array) else array

    def is_writable(self, array: Array) -> bool:
        """Return whether each element has its own, writable memory; True if writing returns a new array."""
        return True

    def materialize(self, arrays: Sequence[Array]) -> Sequence[Array]:
        """Return arrays with their values computed, if the library is `lazy`.

        It is called for the arrays that outlive a training step: parameters, the state of optimizers, running
        statistics. Otherwise their graphs of delayed computations would grow with each step.
        """
        return arrays

    def copy(self, array: Array) -> Any:
        """Return a copy with its own memory."""
        return self.xp.asarray(array, copy=True)

    def full_like(self, array: Array, shape: tuple[int, ...], value: float) -> Any:
        """Return an array of another shape filled with a number; libraries that know a memory layout keep it."""
        return self.xp.full(shape, value, dtype=array.dtype, device=device_of(array))

    def laid_out_like(self, array: Array, x: Array) -> Any:
        """Return `x`, or a copy in the memory layout of an array of its shape if they are computed faster together."""
        return x

    # Writing: only these methods change memory in place. Use their result: if arrays are immutable, it is a new array.

    def assign(self, array: Array, key: tuple[Any, ...], value: Array) -> Any:
        """Write `value` at a basic key (integers, slices and an Ellipsis)."""
        array[key] = value
        return array

    def fill(self, array: Array, value: Array) -> Any:
        """Overwrite the whole of `array`."""
        return self.assign(array, (...,), value)

    def update(self, array: Array, operator: Callable[[Any, Any], Any], other: Array) -> Any:
        """Apply one of Python's in-place operators, for example `operator.iadd`."""
        return operator(array, other)

    def add_scaled(self, array: Array, other: Array, scale: float) -> Any:
        """Add ``scale * other`` to `array`."""
        array += scale * other
        return array

    def interpolate(self, array: Array, other: Array, weight: float) -> Any:
        """Change `array` to ``(1 - weight) * array + weight * other``."""
        return self.add_scaled(self.update(array, imul, 1 - weight), other, weight)

    def add_product(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        """Add ``scale * x1 * x2`` to `array`."""
        product = x1 * x2
        product *= scale
        array += product
        return array

    def add_quotient(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        """Add ``scale * x1 / x2`` to `array`."""
        quotient = x1 / x2
        quotient *= scale
        array += quotient
        return array

    def put(self, array: Array, index: Array, values: Array) -> Any:
        """Write ``values[i]`` to ``array[index[i]]`` along the first axis; for a repeated index, the last one stays."""
        for i in range(index.shape[0]):
            array = self.assign(array, (int(index[i]), ...), values[i, ...])
        return array

    def add_at(self, array: Array, index: Array, values: Array) -> Any:
        """Add ``values[i]`` to ``array[index[i]]`` along the first axis, repeated indices included.

        Computed as a one-hot matrix times the values, in chunks that keep the matrix small; row by row if a value is
        infinite or NaN, since 0 times such a value is NaN.
        """
        xp = self.xp
        n, rows = index.shape[0], array.shape[0]
        if array.size == 0 or n == 0:
            return array
        if not bool(xp.all(xp.isfinite(values))):
            for i in range(n):
                row = int(index[i])
                array = self.assign(array, (row, ...), array[row, ...] + values[i, ...])
            return array
        native = self.find_device(self.device_name_of(array))[1]
        flat = self.copy(xp.reshape(values, (n, -1)))  # dpnp's matmul does not take broadcast arrays
        places = xp.arange(rows, dtype=index.dtype, device=native)
        total = xp.zeros((rows, flat.shape[1]), dtype=flat.dtype, device=native)
        step = max(1, 1_000_000 // rows)
        for start in range(0, n, step):
            chunk = slice(start, min(start + step, n))
            one_hot = xp.astype(places[:, None] == index[chunk][None, :], flat.dtype)
            total += one_hot @ flat[chunk, :]
        return array + xp.reshape(total, array.shape)

    def can_update(self, row: Sequence[Array]) -> bool:
        """Return whether `update_many` supports a parameter: an optimizer updates others one by one.

        A row holds the parameter, its gradient, its master weights or None, and its state.
        """
        return False

    def update_many(self, formula: str, rows: Sequence[Sequence[Array]], settings: Sequence[Any]) -> Any:
        """Update parameters in place by one of the `formulas`; return their rows, with the updated arrays."""
        raise NotImplementedError

    # Compiled programs

    def into(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], result: Array) -> Any:
        """Return the `Into` that computes a call bit for bit; None if there is none.

        `result` is what the call returned. Objects with an attribute `value` among the arguments represent arrays and
        numbers.
        """
        return None

    def steps(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return a sequence of calls that computes a call bit for bit; None if there is none.

        Each is a function, its arguments, with OUT for the result of the previous call, and its keyword arguments.
        """
        return None

    def empty_as(self, array: Array) -> Any:
        """Return an array of the same shape, dtype and memory layout."""
        return self.xp.empty_like(array)

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of arrays and numbers, compiled if the library has a compiler."""
        return function

    def capturer(self, native: NativeDevice) -> Capturer | None:
        """Return a new Capturer, if the library can launch many calls at once."""
        return None

    def require_compiler(self, name: str | None) -> None:
        """Raise an error if `agrad.compile` cannot use a compiler of this name: ImportError if it is not installed."""
        if name is not None:
            raise NotImplementedError(f'agrad.compile(..., jit={name!r}) is for the device "cpu", not for {self.kind}')

    def compile_loops(self, text: str, name: str, arrays: Sequence[tuple[Array, bool]]) -> Callable[..., bool]:
        """Return a function of loops, compiled from its source for arrays like these; see `fast.compile_loops`."""
        raise NotImplementedError

    def fuses(self, array: Array) -> bool:
        """Return whether `add_scaled`, `add_product` and `add_quotient` are faster for this array than operators."""
        return True

    # Mathematics beyond the standard

    def special(self, name: str) -> Callable[..., Any]:
        """Return a special function under its name in scipy.special, for arrays of one real floating type.

        Its result may have another dtype. NotImplementedError, with advice, if there is no such function.
        """
        if name in ("erf", "erfc", "ndtr"):
            return partial(getattr(rational, name), self.xp)
        if name in ("j0", "j1"):
            return partial(getattr(bessel, name), self.xp)
        raise NotImplementedError(f"device {self.kind!r} has no {name}: {self.without_special}")

    def solve_triangular(self, x1: Array, x2: Array, upper: bool) -> Any:
        """Return the solutions of linear equations with the upper or the lower triangles of `x1` as matrices."""
        return self.xp.linalg.solve(self.xp.triu(x1) if upper else self.xp.tril(x1), x2)

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
        """Return the cross entropy of a matrix of logits and class indices, and two arrays saved for its gradient.

        Without an `ignore_index`, the caller has checked that all indices are classes; with one, the loss of a sample
        whose index is no class is NaN.
        """
        return cross_entropy.losses(self.xp, input, target, reduction, weight, ignore_index, label_smoothing)

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
        """Return the gradient of `softmax_nll` with respect to the logits."""
        exponentials, total = saved
        probabilities = exponentials / total[:, None]
        settings = reduction, weight, ignore_index, label_smoothing
        return cross_entropy.gradient(self.xp, g, probabilities, target, *settings)

    # Layers

    def softmax(self, x: Array, axis: Any, logarithm: bool) -> Any:
        """Return the softmax along axes, or its logarithm."""
        return softmax.softmax(self.xp, x, axis, logarithm)

    def softmax_input(self, g: Array, out: Array, axis: Any, logarithm: bool) -> Any:
        """Return the gradient of `softmax` with respect to its input."""
        return softmax.gradient(self.xp, g, out, axis, logarithm)

    def where_nonzero(self, x: Array, condition: Array) -> Any:
        """Return `x` where `condition` is not 0, and 0 elsewhere."""
        return self.xp.where(condition != 0.0, x, 0.0)

    def bias_relu(self, x: Array, bias: Array, axis: int) -> Any:
        """Return the ReLU of `x` plus a bias along an axis, 0 or more."""
        return self.xp.maximum(x + self.xp.reshape(bias, (*bias.shape, *[1] * (x.ndim - 1 - axis))), 0)

    def bias_relu_inputs(self, g: Array, out: Array, axis: int) -> tuple[Any, Any]:
        """Return the gradients of `bias_relu` with respect to `x` and the bias."""
        slope = self.where_nonzero(g, out)
        return slope, self.xp.sum(slope, axis=tuple([i for i in range(out.ndim) if i != axis]))

    def standardize(self, x: Array, axis: tuple[int, ...], eps: float) -> tuple[Any, Any]:
        """Return an array normalized to mean 0 and variance 1 along axes, and its standard deviation."""
        xp = self.xp
        centered = x - xp.mean(x, axis=axis, keepdims=True)
        deviation = xp.sqrt(xp.mean(centered * centered, axis=axis, keepdims=True) + eps)
        return centered / deviation, deviation

    def standardize_input(self, g: Array, out: Array, deviation: Array, axis: tuple[int, ...]) -> Any:
        """Return the gradient of `standardize` with respect to its input."""
        xp = self.xp
        along = out * xp.mean(g * out, axis=axis, keepdims=True)
        return (g - xp.mean(g, axis=axis, keepdims=True) - along) / deviation

    def moments(self, x: Array, axis: tuple[int, ...]) -> tuple[Any, Any]:
        """Return the mean along axes, and the variance with Bessel's correction."""
        return self.xp.mean(x, axis=axis), self.xp.var(x, axis=axis, correction=1)

    # Windows: convolution, and sums and maxima for pooling, over the last axes

    def convolve(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        """Return the convolution of `x` with `weight`: sums of products over each window and the channels of a group.

        `x` is ``(batch, channels, ...)``, `weight` ``(outputs, channels of a group, ...)``.
        """
        return generic.convolve(self, x, weight, windows, groups)

    def convolve_with_bias(self, x: Array, weight: Array, bias: Array, windows: Windows, groups: int) -> Any:
        """Return the convolution plus a bias of shape ``(outputs,)``."""
        out = self.convolve(x, weight, windows, groups)
        out += self.xp.reshape(bias, (-1, *[1] * len(windows.kernel)))
        return out

    def convolve_by_channel(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        """Return the convolution in any memory layout; channel by channel, as matrix products give it, saves a copy."""
        return self.convolve(x, weight, windows, groups)

    def convolve_input(self, g: Array, weight: Array, lengths: Lengths, windows: Windows, groups: int) -> Any:
        """Return the gradient of `convolve` with respect to its input, whose last axes have these lengths."""
        return generic.convolve_input(self, g, weight, lengths, windows, groups)

    def convolve_weight(self, g: Array, x: Array, windows: Windows, groups: int) -> Any:
        """Return the gradient of `convolve` with respect to its weight."""
        return generic.convolve_weight(self, g, x, windows, groups)

    def window_sum(self, x: Array, windows: Windows) -> Any:
        """Return the sum of each window."""
        return generic.window_sum(self, x, windows)

    def window_max(self, x: Array, windows: Windows) -> tuple[Any, Any]:
        """Return the largest element of each window, or NaN if it holds one, and its flat index in the kernel."""
        return generic.window_max(self, x, windows)

    def add_to_windows(self, g: Array, indices: Array, lengths: Lengths, windows: Windows) -> Any:
        """Add each element to its whole window in zeros, or only at its flat kernel index in `indices`."""
        return generic.add_to_windows(self, g, indices, lengths, windows)

    def gather_from_windows(self, x: Array, indices: Array, windows: Windows) -> Any:
        """Return the element of each window at its flat kernel index in `indices`."""
        return generic.gather_from_windows(self, x, indices, windows)

    # Random numbers: drawn by NumPy, and copied to the device

    def generator(self, seed: int, native: NativeDevice) -> Any:
        """Return a new random generator, seeded by an integer from 0 to 2**64 - 1."""
        return np.random.default_rng(seed)

    def get_state(self, generator: Any) -> dict[str, Any]:
        """Return a generator's state as strings and numbers."""
        with generator.bit_generator.lock:  # another thread may be drawing
            state = generator.bit_generator.state
        integers = {name: str(value) for name, value in state["state"].items()}  # too large for JSON's numbers
        return {**state, "state": integers}

    def set_state(self, generator: Any, state: dict[str, Any]) -> None:
        """Restore a generator's state that `get_state` returned."""
        integers = {name: int(value) for name, value in state["state"].items()}
        generator.bit_generator.state = {**state, "state": integers}

    def _is_float64(self, dtype: NativeDtype) -> bool:
        return bool(hasattr(self.xp, "float64") and dtype == self.xp.float64)  # not every library has it

    def uniform(self, generator: Any, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice) -> Any:
        """Draw from the uniform distribution on [0, 1)."""
        if self._is_float64(dtype):
            return self.asarray(generator.random(shape), dtype, native)
        draws = generator.random(shape, np.float32)
        if dtype != self.xp.float32:
            levels = 1 / float(self.xp.finfo(dtype).eps)
            draws = np.floor(draws * levels) / levels  # exact in 16 bits: rounding could return 1
        return self.asarray(draws, dtype, native)

    def normal(self, generator: Any, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice) -> Any:
        """Draw from the standard normal distribution."""
        width = np.float64 if self._is_float64(dtype) else np.float32
        return self.asarray(generator.standard_normal(shape, width), dtype, native)

    def integers(
        self, generator: Any, low: int, high: int, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice
    ) -> Any:
        """Draw integers from low to high - 1."""
        return self.asarray(generator.integers(low, high, shape), dtype, native)

    def dropout_mask(
        self, generator: Any, keep: float, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice
    ) -> Any:
        """Draw the factors of dropout: ``1 / keep`` with probability `keep`, otherwise 0."""
        kept = self.uniform(generator, shape, self.xp.float32, native) < keep
        return self.xp.astype(self.box(kept), dtype) / (keep or 1.0)

    def permutation(self, generator: Any, n: int, native: NativeDevice) -> Any:
        """Return the integers from 0 to n - 1 in random order."""
        return self.asarray(generator.permutation(n), self.default_integer(native), native)

    # Collectives: all processes call them, each with an array of the same shape and dtype

    def carrier(self, array: Array, world: World, op: str = "") -> tuple[Any, Transport]:
        """Return the array to send to other processes, and its transport: by default, a copy on the host, and MPI.

        `op` is the operation of a reduction.
        """
        return self.to_numpy(array), world.transport

    def all_reduce(self, array: Array, op: str, world: World) -> Any:
        """Return the elementwise sum, mean, maximum or minimum (`op`) of the arrays of all processes."""
        given, transport = self.carrier(array, world, op)
        return self._as(array, world.all_reduce(given, op, transport))

    def start_all_reduce(self, array: Array, op: str, world: World) -> Request:
        """Start to overwrite an array with the elementwise reduction of the arrays of all processes.

        The array must not be used until the method `wait` of the result returns it.
        """
        given, transport = self.carrier(array, world, op)
        request = world.start_all_reduce(given, op, transport)
        if given is array:
            return request
        return request.then(lambda reduced: self.assign(array, (...,), self._as(array, reduced)))

    def average(self, arrays: list[Array], mark: int, world: World) -> Any:
        """Return the means over all processes of arrays of one dtype: views of one array, exchanged as a whole.

        `mark`, at most 1,000, tells which arrays these are. RuntimeError if another process has another one, except
        where reading it would wait for the device.
        """
        dtype, native = arrays[0].dtype, self.find_device(self.device_name_of(arrays[0]))[1]
        last, limits = self.xp.full((1,), mark, dtype=dtype, device=native), self.xp.finfo(dtype)
        # Numbers of 16 bits are divided after their sum, which is in float32: part of a small one would be 0.
        factor, op = (1, "mean") if limits.bits == 16 else (1 / world.size, "sum")
        whole = self.start_all_reduce(self.concat_scaled([*arrays, last], factor), op, world).wait()
        rounding = 2 * mark * float(limits.eps)
        if not self.reading_waits and abs(complex(whole[-1]) - mark) > 0.25 / world.size + rounding:
            raise RuntimeError(
                "the processes have gradients of different parameters, which cannot be averaged; each backward must "
                "reach the same ones in all processes: add 0 * p.sum() to the loss for a parameter p that it leaves out"
            )
        sizes = [prod(x.shape) for x in arrays]
        parts = [whole[end - size : end] for size, end in zip(sizes, accumulate(sizes), strict=True)]
        return [self.xp.reshape(part, x.shape) for part, x in zip(parts, arrays, strict=True)]

    def concat_scaled(self, arrays: list[Array], factor: float) -> Any:
        """Return flattened arrays of one dtype as one new array, multiplied by a number."""
        whole = self.xp.concat([self.xp.reshape(x, (-1,)) for x in arrays])
        whole *= factor
        return whole

    def all_gather(self, array: Array, axis: int, world: World) -> Any:
        """Return the arrays of all processes joined along a non-negative axis."""
        given, transport = self.carrier(array, world)
        return self._as(array, world.all_gather(given, axis, transport))

    def reduce_scatter(self, array: Array, op: str, axis: int, world: World) -> Any:
        """Return this process's part, along an axis, of the elementwise sum or mean."""
        given, transport = self.carrier(array, world, op)
        return self._as(array, world.reduce_scatter(given, op, axis, transport))

    def broadcast(self, array: Array, root: int, world: World) -> Any:
        """Return the array of the process with the rank `root`."""
        given, transport = self.carrier(array, world)
        return self._as(array, world.broadcast(given, root, transport))

    def _as(self, array: Array, found: Array) -> Any:
        """Return a result as an array of this library, with the dtype and device of `array`."""
        if self.is_array(found):
            return found
        return self.asarray(found, array.dtype, self.find_device(self.device_name_of(array))[1])


def repeats(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Return whether elements of an array share memory, as after broadcasting."""
    steps = zip(shape, strides, strict=True)
    return 0 not in shape and any(length > 1 and not stride for length, stride in steps)


def names_of(xp: Namespace) -> dict[str, Any]:
    """Return the public names of a namespace, for another one that overrides some of them."""
    return {name: value for name, value in vars(xp).items() if not name.startswith("__") or name.startswith("__array")}
