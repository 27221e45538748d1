"""NumPy, on the CPU."""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cache, wraps
from importlib import import_module
from itertools import accumulate
from math import copysign, inf
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import array_api_compat.numpy as compat
import numpy as np

from . import cross_entropy
from .base import ANYWHERE, OUT, Into, names_of
from .host import portable
from .into import elementwise_into
from .numpy_layouts import has_samples_last, laid_out_like
from .numpy_masks import WHOLE, zero_unless
from .numpy_pooling import add_at_indices
from .numpy_products import chosen_matmul, product_into
from .sliding_windows import Lengths, Windows
from .strided import StridedBackend
from .typing import Array, NativeDevice, NativeDtype

if TYPE_CHECKING:
    from .mpi import World
    from .transports import Transport

__all__ = ["NumpyBackend", "compiled"]

# Called with array, axis, dtype, out, keepdims by position, which is faster; NumPy's stubs do not know it.
_add: Any = np.add.reduce
_multiply: Any = np.multiply.reduce
_greatest: Any = np.maximum.reduce
_least: Any = np.minimum.reduce
_or: Any = np.logical_or.reduce
_and: Any = np.logical_and.reduce
_CHUNK = 1 << 18  # elements that `add_at` writes at once: its index array then takes 2 MB at most
_PART = 1 << 19  # bytes of the blocks in which a large array is updated: three of them stay in the cache
_RECYCLED = 1 << 24  # bytes: the C library keeps the freed memory of arrays up to this size
_LINE = 64  # bytes of a cache line
_LONG = 4096  # bytes of an array from which on its alignment matters
_FEW = 32  # entries of a row up to which a reduction is faster along the columns of the transpose
_MANY = 4096  # entries from which on mispredicted branches cost more than a few more calls
_HALF, _INT64 = np.dtype(np.float16), np.dtype(np.int64)


def _keep_freed_memory() -> None:
    """Let the C library keep the memory of freed arrays of up to 16 MB for the next ones.

    glibc's malloc raises its mmap threshold when a large array is freed. Until then it returns the memory to the system
    and requests it again at every step, and the page faults take a third of a small network's time. The environment
    variable AGRAD_KEEP_FREED_MEMORY=0 leaves the allocator unchanged.
    """
    if os.environ.get("AGRAD_KEEP_FREED_MEMORY", "1") != "0":
        np.empty(_RECYCLED, np.uint8)


_keep_freed_memory()

# Infinity and NaN are ordinary results, as on all other devices. NumPy's warnings about them would name lines of agrad
# and not of the user's program.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=__name__.partition(".")[0] + r"\.")
_FILTER = warnings.filters[0]


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function without NumPy's warnings, which would name lines of NumPy's Python code."""

    @wraps(function)
    def quiet(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return quiet


# Methods, and not functions, so that the warning about an empty mean names a line of agrad and is filtered.
_mean_of_any, _var_of_any = _quiet(lambda x, *args: x.mean(*args)), _quiet(lambda x, *args: x.var(*args))


@cache
def _one(dtype: NativeDtype) -> Any:
    """Return a 0-d array with the value 1, which is not written to."""
    return np.ones((), dtype)


# Faster versions of functions in which array-api-compat or NumPy has more than 0.4 µs of overhead, the time in which
# two 8×16 arrays are added. The figures are µs for an 8×16 float32 array: array-api-compat's version -> this one.


def _sum(x: Array, /, *, axis: Any = None, dtype: NativeDtype = None, keepdims: bool = False) -> Any:  # 2.9 -> 1.4
    if (x.dtype if dtype is None else np.dtype(dtype)) is _HALF:  # in float16, 2048 + 1 is 2048
        return np.asarray(_add(x, axis, np.float32, None, keepdims)).astype(np.float16)
    if x.ndim == 2 and _is_row_of_few(x, axis) and dtype is None:
        return _along_columns(_add, x, keepdims)
    return np.asarray(_add(x, axis, dtype, None, keepdims))


def _prod(x: Array, /, *, axis: Any = None, dtype: NativeDtype = None, keepdims: bool = False) -> Any:  # 3.0 -> 1.5
    return _multiply(x, axis, dtype, None, keepdims)


def _max(x: Array, /, *, axis: Any = None, keepdims: bool = False) -> Any:  # 2.9 -> 1.5; 128×10: 9 -> 1.8
    if x.ndim == 2 and _is_row_of_few(x, axis):
        return _along_columns(_greatest, x, keepdims)
    return _greatest(x, axis, None, None, keepdims)


def _min(x: Array, /, *, axis: Any = None, keepdims: bool = False) -> Any:  # 2.9 -> 1.5; 128×10: 9 -> 1.8
    if x.ndim == 2 and _is_row_of_few(x, axis):
        return _along_columns(_least, x, keepdims)
    return _least(x, axis, None, None, keepdims)


def _is_row_of_few(x: Array, axis: Any) -> bool:
    """Return whether many short rows are reduced: NumPy then spends most of its time on starting each row."""
    return (axis == 1 or axis == -1) and x.shape[1] <= _FEW <= x.shape[0]


def _along_columns(reduce: Any, x: Array, keepdims: bool) -> Any:
    """Reduce the columns of the transpose instead of the rows, so that NumPy adds whole columns."""
    reduced = reduce(x.T.copy(), 0)
    return reduced[:, None] if keepdims else reduced


def _any(x: Array, /, *, axis: Any = None, keepdims: bool = False) -> Any:  # 3.2 -> 1.5
    return _or(x, axis, None, None, keepdims)


def _all(x: Array, /, *, axis: Any = None, keepdims: bool = False) -> Any:  # 2.7 -> 1.5
    return _and(x, axis, None, None, keepdims)


def _mean(x: Array, /, *, axis: Any = None, keepdims: bool = False) -> Any:  # 6.8 -> 1.8
    if x.dtype.char not in "fdFD" and x.size:
        return _mean_of_any(x, axis, None, None, keepdims)  # float16 is summed in float32
    total = _add(x, axis, None, None, keepdims)
    return np.asarray(total / _share(x, total))


def _var(x: Array, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:  # 18 -> 9
    if x.dtype.char not in "fd" and x.size:
        return _var_of_any(x, axis, None, None, correction, keepdims)
    total = _add(x, axis, None, None, True)
    count = _share(x, total)
    deviation = x - total / count
    return _add(deviation * deviation, axis, None, None, keepdims) / max(count - correction, 0.0)


def _share(x: Array, reduced: Any) -> Any:
    """Return the number of elements of `x` per reduced element; 0.0 if there are none, so that NumPy returns NaN."""
    return x.size // reduced.size if x.size else 0.0


def _std(x: Array, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:  # 18 -> 10
    return np.sqrt(_var(x, axis=axis, correction=correction, keepdims=keepdims))


def _argmax(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Any:  # 1.5 -> 0.6
    return x.argmax(axis, keepdims=keepdims)


def _argmin(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Any:  # 1.5 -> 0.6
    return x.argmin(axis, keepdims=keepdims)


def _maximum(x1: Array, x2: Array, /) -> Any:  # 128×128 and a number, which NumPy compares one by one: 6.7 -> 3.4
    # Of 0.0 and -0.0 either may be returned: the standard does not specify which.
    return x1.clip(x2, inf) if _is_many_and_one(x1, x2) else np.maximum(x1, x2)


def _minimum(x1: Array, x2: Array, /) -> Any:  # as _maximum
    return x1.clip(-inf, x2) if _is_many_and_one(x1, x2) else np.minimum(x1, x2)


def _is_many_and_one(x: Array, number: Any) -> bool:
    """Return whether `x` is a large array of floats, and the other a Python number."""
    return type(number) in _NUMBERS and type(x) is np.ndarray and x.size >= _MANY and x.dtype.kind == "f"


def _clip(x: Array, /, min: Array = None, max: Array = None) -> Any:  # 20 -> 1.9; 128×128 and one number: 8.2 -> 3.4
    least, most = -inf if min is None else min, inf if max is None else max
    if x.dtype.kind == "f" and type(least) in _NUMBERS and type(most) in _NUMBERS:
        return x.clip(least, most)
    if x.dtype.kind == "c":
        raise TypeError("expected real numbers; write agrad.real(x), agrad.imag(x) or agrad.abs(x)")
    return compat.clip(x, *(_as(x, limit) for limit in (min, max)))


def _as(x: Array, limit: Any) -> Any:
    """Cast a limit to the dtype of `x` if that is safe: array-api-compat does not take narrower integers."""
    return limit.astype(x.dtype) if type(limit) is np.ndarray and np.can_cast(limit.dtype, x.dtype) else limit


_NUMBERS = (int, float)


def _reshape(x: Array, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Any:  # 1.1 -> 0.3
    return x.reshape(shape) if copy is None else np.reshape(x, shape, copy=copy)


def _permute_dims(x: Array, /, axes: tuple[int, ...]) -> Any:  # 1.4 -> 0.2
    return x.transpose(axes)


def _matrix_transpose(x: Array, /) -> Any:  # 1.4 -> 0.3
    return x.mT


def _expand_dims(x: Array, /, *, axis: Any = 0) -> Any:  # 2.9 -> 0.7
    ndim = x.ndim + 1
    if type(axis) is not int or not -ndim <= axis < ndim:
        return np.expand_dims(x, axis)
    shape = list(x.shape)
    shape.insert(axis % ndim, 1)
    return x.reshape(shape)


def _squeeze(x: Array, /, axis: Any) -> Any:  # 0.7 -> 0.4
    return x.squeeze(axis)


def _broadcast_to(x: Array, /, shape: tuple[int, ...]) -> Any:  # 3.3 -> 1.1, for a single element
    if x.size != 1 or x.base is not None or 0 in shape or len(shape) < x.ndim:
        return np.broadcast_to(x, shape)
    many = np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
    many.setflags(write=False)
    return many


def _take(x: Array, indices: Array, /, *, axis: int | None = None) -> Any:  # 1.4 -> 0.4
    return x.take(indices, axis)


def _where(
    condition: Array, x1: Array, x2: Array, /
) -> Any:  # 128×128, random condition: 37 -> 12 for 0, 25 for arrays
    """Select without a branch: the bits of a float, as an integer, times True or False."""
    whole = WHOLE.get(x1.dtype.char) if type(x1) is np.ndarray and x1.size >= _MANY else None
    if whole is None or type(condition) is not np.ndarray or condition.shape != x1.shape or condition.dtype.char != "?":
        if int in (type(x1), type(x2)):
            x1, x2 = _in_bounds(x1, x2), _in_bounds(x2, x1)
        return np.where(condition, x1, x2)
    if _is_zero(x2):
        chosen = np.multiply(x1.view(whole), condition).view(x1.dtype)
    elif type(x2) is np.ndarray and x2.dtype == x1.dtype and x2.shape == x1.shape:
        other = x2.view(whole)
        bits = np.bitwise_xor(x1.view(whole), other)
        bits *= condition
        bits ^= other
        chosen = bits.view(x1.dtype)
    else:
        chosen = np.where(condition, x1, x2)
    return chosen


def _is_zero(x: Any) -> bool:
    return type(x) is float and x == 0 and copysign(1, x) == 1


def _where_into(condition: Any, x1: Any, x2: Any) -> Any:
    """Return how a program chooses between a large array and 0, as `_where` does; None for other choices."""
    mask, x = _value(condition), _value(x1)
    many = type(x) is np.ndarray and x.size >= _MANY and x.dtype.char in WHOLE
    if not many or not _is_zero(x2) or type(mask) is not np.ndarray or mask.shape != x.shape or mask.dtype.char != "?":
        return None
    return Into(zero_unless, (x1, condition, OUT), True)


def _in_bounds(number: Any, beside: Any) -> Any:
    """Return a Python integer in the dtype of an integer array; OverflowError if `np.where` would wrap it around."""
    is_beside_integers = type(number) is int and type(beside) is np.ndarray and beside.dtype.kind in "iu"
    return beside.dtype.type(number) if is_beside_integers else number


def _astype(x: Array, dtype: NativeDtype, /, *, copy: bool = True, device: Any = None) -> Any:  # 0.9 -> 0.6
    return x.astype(dtype, copy=copy)


def _ones(shape: Any, *, dtype: NativeDtype = None, device: Any = None) -> Any:  # 2.2 -> 0.7
    many = np.empty(shape, dtype, device=device)
    many.fill(1)
    return many


def _ones_like(x: Array, /, *, dtype: NativeDtype = None, device: Any = None) -> Any:  # 2.2 -> 0.9
    return _ones(x.shape, dtype=x.dtype if dtype is None else dtype)


def _zeros_like(x: Array, /, *, dtype: NativeDtype = None, device: Any = None) -> Any:  # 2.2 -> 0.5
    return np.zeros(x.shape, x.dtype if dtype is None else dtype)


def _namespace() -> Any:
    """Return array-api-compat's NumPy with faster versions of the functions that have the most overhead."""
    xp: Any = ModuleType("agrad.backends.numpy.xp")
    vars(xp).update(names_of(compat))
    xp.linalg = ModuleType("agrad.backends.numpy.xp.linalg")
    for name, function in names_of(compat.linalg).items():
        is_function = callable(function) and not isinstance(function, type)
        setattr(xp.linalg, name, _quiet(function) if is_function else function)
    xp.cumulative_sum, xp.cumulative_prod = _quiet(compat.cumulative_sum), _quiet(compat.cumulative_prod)
    vars(xp).update(sum=_sum, prod=_prod, max=_max, min=_min, any=_any, all=_all)
    vars(xp).update(mean=_mean, var=_var, std=_std)
    vars(xp).update(argmax=_argmax, argmin=_argmin, clip=_clip, take=_take, astype=_astype)
    vars(xp).update(where=_where, maximum=_maximum, minimum=_minimum)
    vars(xp).update(reshape=_reshape, permute_dims=_permute_dims, matrix_transpose=_matrix_transpose)
    vars(xp).update(expand_dims=_expand_dims, squeeze=_squeeze, broadcast_to=_broadcast_to)
    vars(xp).update(ones=_ones, ones_like=_ones_like, zeros_like=_zeros_like)
    # NumPy itself follows the standard here since 2.1; going through array-api-compat costs 0.5 to 1 more.
    vars(xp).update(asarray=np.asarray, arange=np.arange, empty=np.empty, zeros=np.zeros, full=np.full)
    vars(xp).update(sign=np.sign, ceil=np.ceil, floor=np.floor, trunc=np.trunc)
    xp.matmul = chosen_matmul()
    return xp


@cache
def _scipy_special() -> ModuleType | None:
    """Return scipy.special, imported at the first call; None if SciPy is not installed."""
    try:
        return import_module("scipy.special")
    except ImportError:
        return None


@cache
def compiled() -> ModuleType | None:
    """Return `fast`, imported at the first call; None if numba is missing or does not work."""
    try:
        return import_module(".fast", __package__)
    except Exception:  # numba may be incompatible, lack a library, or have no folder for its cache
        return None


def _fast(windows: Windows, *arrays: Any, outputs: int = 0) -> Any:
    """Return `fast` if it is available and suits these arrays and the outputs per group; None otherwise."""
    fast = compiled()
    if not outputs and has_samples_last(arrays[0]):  # for pooling, it does not pay to transpose them
        return None
    return fast if fast is not None and fast.suits(windows, *arrays, outputs=outputs) else None


class NumpyBackend(StridedBackend):
    """NumPy: one device, arrays that know whether they are views."""

    kind: ClassVar[str] = "cpu"
    warns_caller: ClassVar[bool] = True
    puts_numbers: ClassVar[bool] = True
    library: ClassVar[ModuleType] = np
    gathered: ClassVar[int] = 1 << 21  # about the size of a core's L2 cache, 1 to 2 MB
    streams: ClassVar[int] = 16
    native_keys: ClassVar[str] = "all"
    without_special: ClassVar[str] = 'it needs SciPy; pip install "agrad[special]"'

    def __init__(self) -> None:
        self.xp = _namespace()
        self.array_type = np.ndarray

    def is_array(self, array: Array) -> bool:
        return isinstance(array, (np.ndarray, np.generic)) and not isinstance(array, np.ma.MaskedArray)

    def asarray(self, data: Array, dtype: NativeDtype, native: NativeDevice, copy: bool | None = None) -> Any:
        data = portable(data, dtype)
        if copy and getattr(data, "nbytes", 0) >= _LONG:
            return _aligned_copy(data, data.dtype if dtype is None else dtype)
        return np.asarray(data, dtype=dtype, copy=copy)

    box: Any = staticmethod(np.asarray)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        return np.array(array)

    def seed_like(self, array: Array) -> Any:
        return _one(array.dtype) if array.shape == () else np.ones_like(array)

    def during_backward(self) -> AbstractContextManager[Any]:
        # agrad's filter ignores warnings, unless the program added others; np.errstate takes a microsecond.
        unfiltered = not warnings.filters or warnings.filters[0] is not _FILTER
        return self.without_warnings() if unfiltered else ANYWHERE

    def within(self, array: Array, least: float, most: float) -> bool:  # 128 integers: 4.3 -> 1.8, from 0 on 1.1
        if least == 0 and array.dtype is _INT64:  # as numbers without a sign, those below 0 are the largest
            return not _greatest(array.view(np.uint64), None) > most
        return not (_least(array, None) < least or _greatest(array, None) > most)

    def own(self, value: Array, shared: bool) -> Any:
        array = value if type(value) is np.ndarray else np.asarray(value)
        return array.copy() if shared or array.base is not None else array

    def is_view(self, array: Array) -> bool:
        return type(array) is not np.ndarray or array.base is not None

    def buffer_of(self, array: Array) -> int:
        while (base := getattr(array, "base", None)) is not None:  # to the owner of the memory: a file, or bytes
            array = base
        return id(array)

    def add_scaled(self, array: Array, other: Array, scale: float) -> Any:
        for part, x in _parts(array, other):
            part += scale * x
        return array

    def add_product(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        for part, a, b in _parts(array, x1, x2):
            super().add_product(part, a, b, scale)
        return array

    def add_quotient(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        for part, a, b in _parts(array, x1, x2):
            super().add_quotient(part, a, b, scale)
        return array

    def laid_out_like(self, array: Array, x: Array) -> Any:
        return laid_out_like(array, x) if type(array) is type(x) is np.ndarray and array.shape == x.shape else x

    def where_nonzero(self, x: Array, condition: Array) -> Any:
        return super().where_nonzero(self.laid_out_like(condition, x), condition)

    def carrier(self, array: Array, world: World, op: str = "") -> tuple[Any, Transport]:
        return np.asarray(array), world.transport

    def concat_scaled(self, arrays: list[Array], factor: float) -> Any:  # 100,000 numbers: 50 -> 25 µs
        ends = list(accumulate(x.size for x in arrays))
        whole = np.empty(ends[-1], arrays[0].dtype)
        for end, x in zip(ends, arrays, strict=True):
            np.multiply(x.reshape(-1), factor, out=whole[end - x.size : end])
        return whole

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
        if weight is not None or ignore_index is not None or label_smoothing:
            settings = reduction, weight, ignore_index, label_smoothing
            return super().softmax_nll_input(g, input, target, *settings, saved)
        exponentials, total = saved
        return cross_entropy.gradient_in_place(self, g, exponentials / total[:, None], target, reduction)

    def put(self, array: Array, index: Array, values: Array) -> Any:
        array[index] = values  # NumPy guarantees that for a repeated index the last value stays
        return array

    def add_at(self, array: Array, index: Array, values: Array) -> Any:
        if array.ndim < 2 or array.size == 0 or not array.flags.c_contiguous:
            np.add.at(array, index, values)
            return array
        # Element by element: ufunc.at is several times faster for one axis than for rows.
        columns = array.size // array.shape[0]
        flat, values = array.reshape(-1), values.reshape((-1, columns))
        offsets = np.arange(columns)
        step = max(1, _CHUNK // columns)
        for start in range(0, index.shape[0], step):
            places = index[start : start + step, None] * columns + offsets
            np.add.at(flat, places.reshape(-1), values[start : start + step].reshape(-1))
        return array

    # Compiled programs

    def into(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], result: Array) -> Any:
        if function is self.xp.sum:
            return _sum_into(*args, **kwargs)
        if function is self.xp.where:
            return _where_into(*args)
        if function in (self.xp.matmul, operator.matmul):
            return product_into(function, args[0], args[1])
        if function is self.xp.maximum and len(args) == 2 and _is_many_and_one(_value(args[0]), args[1]):
            return Into(np.ndarray.clip, (*args, inf, OUT), True)
        return elementwise_into(function, args, kwargs, result)

    def steps(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return _mean_steps(self.xp, *args, **kwargs) if function is self.xp.mean else None

    def empty_as(self, array: Array) -> Any:
        return np.empty_like(array, subok=False)

    def require_compiler(self, name: str | None) -> None:
        if name is None:
            return
        try:
            import_module(".fast.loops", __package__)
            import_module("scipy.linalg.cython_blas")  # numba multiplies matrices with it
        except ImportError as error:
            message = 'agrad.compile(..., jit="numba") needs numba and SciPy: pip install "agrad[fast]"'
            raise ImportError(message) from error

    def compile_loops(self, text: str, name: str, arrays: Sequence[tuple[Array, bool]]) -> Callable[..., bool]:
        compiled: Callable[..., bool] = import_module(".fast.loops", __package__).compile_loops(text, name, arrays)
        return compiled

    def fuses(self, array: Array) -> bool:
        return array.nbytes > _PART

    # Windows, by numba if it is installed

    def convolve(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        by: Any = _fast(windows, x, weight, outputs=weight.shape[0] // groups) or super()
        return by.convolve(x, weight, windows, groups)

    def convolve_input(self, g: Array, weight: Array, lengths: Lengths, windows: Windows, groups: int) -> Any:
        by: Any = _fast(windows, g, weight, outputs=g.shape[1] // groups) or super()
        return by.convolve_input(g, weight, lengths, windows, groups)

    def convolve_weight(self, g: Array, x: Array, windows: Windows, groups: int) -> Any:
        by: Any = _fast(windows, g, x, outputs=g.shape[1] // groups) or super()
        return by.convolve_weight(g, x, windows, groups)

    def window_sum(self, x: Array, windows: Windows) -> Any:
        by: Any = _fast(windows, x) or super()
        return by.window_sum(x, windows)

    def window_max(self, x: Array, windows: Windows) -> tuple[Any, Any]:
        by: Any = _fast(windows, x) or super()
        return by.window_max(x, windows)

    def add_to_windows(self, g: Array, indices: Array, lengths: Lengths, windows: Windows) -> Any:
        if by := _fast(windows, g):
            return by.add_to_windows(g, indices, lengths, windows)
        if indices is None or g.dtype.char not in WHOLE:
            return super().add_to_windows(g, indices, lengths, windows)
        return add_at_indices(g, indices, lengths, windows)

    def special(self, name: str) -> Callable[..., Any]:
        found = getattr(_scipy_special(), name, None)
        return super().special(name) if found is None else found


def _value(x: Any) -> Any:
    return getattr(x, "value", x)


def _sum_into(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    given = x.value
    if dtype is not None or given.dtype is _HALF or (given.ndim == 2 and _is_row_of_few(given, axis)):
        return None
    if given.dtype.kind not in "fc":
        return None  # small integers are summed in a larger dtype
    return Into(_add, (x, axis, None, OUT, keepdims), False)


def _mean_steps(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    given = x.value
    if given.dtype.char not in "fd" or not given.size or (given.ndim == 2 and _is_row_of_few(given, axis)):
        return None
    share = _share(given, _add(given, axis, None, None, keepdims))
    return [(xp.sum, (x,), {"axis": axis, "keepdims": keepdims}), (operator.truediv, (OUT, share), {})]


def _aligned_copy(x: Array, dtype: NativeDtype) -> Any:
    """Copy an array to memory aligned to a cache line: adding to it in place then takes two thirds of the time."""
    memory = np.empty(x.size * np.dtype(dtype).itemsize + _LINE, np.uint8)
    copied = np.ndarray(x.shape, dtype, memory, -memory.ctypes.data % _LINE)
    np.copyto(copied, x, casting="unsafe")
    return copied


def _parts(*arrays: Any) -> Iterable[Sequence[Any]]:
    """Split large arrays of one memory layout into blocks, so that their temporaries stay in the cache."""
    first = arrays[0]
    if first.nbytes <= _PART:
        return [arrays]
    if not all(x.shape == first.shape and x.dtype == first.dtype and x.flags.c_contiguous for x in arrays):
        return [arrays]
    flat, count = [x.reshape(-1) for x in arrays], _PART // first.itemsize
    return ([x[start : start + count] for x in flat] for start in range(0, first.size, count))


BACKEND = NumpyBackend()
