"""Random Tensors, drawn on their device by its generator, which `manual_seed` seeds.

Each device has one generator, made at its first use, for the whole process or for a `fork_rng` block. Names and
arguments are PyTorch's where it has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf, prod
from typing import Any, TypeAlias

from ..checks import as_integer, as_seed, as_shape, check_number, check_numbers
from ..core import errors
from ..core.device import Device, get_device, opened
from ..core.dtypes import DType, as_dtype, from_native, get_default_dtype, native
from ..core.lifting import enter, lift, lifted
from ..core.tensor import Tensor, wrap
from ..core.typing import DTypeLike
from .generators import current

__all__ = [
    "bernoulli",
    "dropout_mask",
    "fork_rng",
    "get_state",
    "manual_seed",
    "normal",
    "rand",
    "randint",
    "randn",
    "randperm",
    "set_state",
    "uniform",
]  # fmt: skip

Place: TypeAlias = str | Device | None
Size: TypeAlias = int | Sequence[int]


def manual_seed(seed: int) -> None:
    """Seed the generators of all devices: the same seed gives the same numbers on the same device.

    All threads share these generators: a call in one thread seeds them for all, and which thread gets which numbers
    differs from run to run. For reproducible numbers in a thread, give it its own generators by
    ``with agrad.random.fork_rng():``. The batches of a `DataLoader` have their own too, derived from the seed and
    independent of the number of workers.

    Parameters
    ----------
    seed : int
        From 0 to 2**64 - 1.

    Raises
    ------
    ValueError
        If `seed` is not in that range.
    TypeError
        If `seed` is not an integer.

    Examples
    --------
    >>> import agrad
    >>> agrad.manual_seed(0)
    >>> x = agrad.rand(3)
    >>> agrad.manual_seed(0)
    >>> agrad.all(x == agrad.rand(3)).item()
    True
    """
    current.get().start_over(as_seed(seed), {}, 0)


def get_state() -> dict[str, Any]:
    """Return the state of the generators of all devices.

    Within `fork_rng`, and where a `DataLoader` makes a batch, it is that of the block or the batch alone.

    Returns
    -------
    dict
        For `set_state`, of strings, integers and dicts, which `agrad.save` can write.

    Examples
    --------
    >>> import agrad
    >>> state = agrad.random.get_state()
    >>> x = agrad.rand(3)
    >>> agrad.random.set_state(state)
    >>> agrad.all(x == agrad.rand(3)).item()
    True
    """
    return current.get().state()


def set_state(state: dict[str, Any]) -> None:
    """Restore a state of the generators that `get_state` returned.

    Parameters
    ----------
    state : dict
        What `get_state` returned, on this machine or another; states of devices that are missing here have no effect.

    Raises
    ------
    ValueError
        If it is something else; the generators are then unchanged.

    Examples
    --------
    >>> import agrad
    >>> state = agrad.random.get_state()
    >>> x = agrad.randn(2)
    >>> agrad.random.set_state(state)
    >>> agrad.all(x == agrad.randn(2)).item()
    True
    """
    try:
        seed, devices = as_seed(state["seed"]), dict(state["devices"])
        spawned = as_integer("spawned", state.get("spawned", 0), 0)  # older versions did not save it
        for name, saved in devices.items():
            _check_state(name, saved)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"this is not a state of random generators ({error!r}); give set_state what get_state returned"
        ) from error
    current.get().start_over(seed, devices, spawned)


@contextmanager
def fork_rng() -> Iterator[None]:
    """Give a ``with`` block, or a decorated function, its own random generators.

    They start in the state of the outer ones, which continue after the block as if nothing had been drawn in it.
    `manual_seed` and `set_state` affect the block alone, and no other thread draws from its generators: so each thread
    can have reproducible numbers.

    Yields
    ------
    None
        Within the block, the current context draws from the new generators.

    Examples
    --------
    >>> import agrad
    >>> def noise(seed):
    ...     with agrad.random.fork_rng():
    ...         agrad.manual_seed(seed)
    ...         return agrad.rand(2).tolist()
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(8) as pool:
    ...     same = list(pool.map(noise, range(8))) == [noise(seed) for seed in range(8)]
    >>> same
    True
    """
    before = current.get()
    forked = before.copy()
    current.set(forked)
    try:
        yield
    finally:
        if current.get() is forked:  # not if a generator function that entered the block is closed in another context
            current.set(before)


def _check_state(name: str, state: dict[str, Any]) -> None:
    """Raise if a new generator of the device does not take a state; for a missing device it need only be a dict."""
    if not isinstance(name, str) or not isinstance(state, Mapping):
        raise TypeError(f"the state of device {name!r} is a {type(state).__name__}")
    try:
        device = Device(name)
    except (RuntimeError, ValueError):
        return
    device.backend.set_state(device.backend.generator(0, device.native), dict(state))


# Floating-point numbers


def rand(*size: Any, dtype: DTypeLike = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Draw from the uniform distribution on [0, 1).

    Parameters
    ----------
    *size : int
        The shape: ``rand(2, 3)`` or ``rand((2, 3))``.
    dtype : DType, optional
        A real floating dtype; by default the default dtype.
    device : str or Device, optional
        The current device if left out.
    requires_grad : bool
        Whether the result requires gradients.

    Returns
    -------
    Tensor
        Of that shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.rand(2, 3).shape
    (2, 3)
    """
    target, kind = _floating(dtype, device)
    uniform, raw = target.backend.uniform, native(target.xp, kind)
    drawn = _drawn(target, _shape_of(size), lambda draws, shape: uniform(draws, shape, raw, target.native))
    return drawn.requires_grad_(requires_grad) if requires_grad is not False else drawn


def randn(*size: Any, dtype: DTypeLike = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Draw from the standard normal distribution, of mean 0 and standard deviation 1.

    Parameters
    ----------
    *size : int
        The shape: ``randn(2, 3)`` or ``randn((2, 3))``.
    dtype : DType, optional
        A real floating dtype; by default the default dtype.
    device : str or Device, optional
        The current device if left out.
    requires_grad : bool
        Whether the result requires gradients.

    Returns
    -------
    Tensor
        Of that shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.randn((2, 3), requires_grad=True).requires_grad
    True
    """
    target, kind = _floating(dtype, device)
    normal, raw = target.backend.normal, native(target.xp, kind)
    drawn = _drawn(target, _shape_of(size), lambda draws, shape: normal(draws, shape, raw, target.native))
    return drawn.requires_grad_(requires_grad) if requires_grad is not False else drawn


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Size | None = None,
    *,
    dtype: DTypeLike = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw from normal distributions.

    Parameters
    ----------
    mean, std : float or Tensor
        Tensors broadcast, and gradients flow to them: the result is ``mean + std * randn(...)``.
    size : int or sequence of int, optional
        The shape; by default that to which `mean` and `std` broadcast.
    dtype : DType, optional
        A real floating dtype; by default that of the Tensors, or else the default dtype.
    device : str or Device, optional
        By default that of the Tensors, or else the current device.
    requires_grad : bool
        Whether the result requires gradients.

    Returns
    -------
    Tensor
        Of that shape and dtype.

    Raises
    ------
    ValueError
        If `std` is negative or NaN; this is not checked for a Tensor on a GPU, where it would synchronise.

    Examples
    --------
    >>> import agrad
    >>> agrad.normal(0, 0.01, size=(2, 1), requires_grad=True).shape
    (2, 1)
    """
    mean = mean if isinstance(mean, Tensor) else check_number("mean", _number(mean))
    std = std if isinstance(std, Tensor) else check_number("std", _number(std), 0)
    _check_range(std, "std must be 0 or more", most=inf)
    tensors = [x for x in (mean, std) if isinstance(x, Tensor)]
    shape = _broadcast([x.shape for x in tensors]) if size is None else _shape_of((size,))
    if tensors:
        dtype, device = dtype or tensors[0].dtype, device or tensors[0].device
    result: Any = randn(shape, dtype=dtype, device=device) * std + mean
    if result.shape != shape:
        raise ValueError(f"mean and std broadcast to the shape {result.shape}, not to size={size}")
    return result if requires_grad is False else result.requires_grad_(requires_grad)


def uniform(
    low: float = 0.0,
    high: float = 1.0,
    size: Size = (),
    *,
    dtype: DTypeLike = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw from the uniform distribution on [low, high).

    Parameters
    ----------
    low, high : float
        The ends of the interval.
    size : int or sequence of int
        The shape.
    dtype : DType, optional
        A real floating dtype; by default the default dtype.
    device : str or Device, optional
        The current device if left out.
    requires_grad : bool
        Whether the result requires gradients.

    Returns
    -------
    Tensor
        Of that shape and dtype.

    Raises
    ------
    ValueError
        If `high` is below `low`.
    RuntimeError
        If one is a Tensor that requires gradients: write ``low + (high - low) * agrad.rand(...)``.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.uniform(-1.0, 1.0, size=5)
    >>> agrad.all(agrad.abs(x) <= 1).item()
    True
    """
    if any(isinstance(x, Tensor) and x.requires_grad for x in (low, high)):
        raise errors.lost_gradient("uniform()")
    low, high = _number(low), _number(high)
    check_numbers(low=low, high=high)
    if high < low:
        raise ValueError(f"high must be at least low, not high={high} with low={low}")
    result: Any = rand(size, dtype=dtype, device=device) * (high - low) + low
    return result if requires_grad is False else result.requires_grad_(requires_grad)


def bernoulli(
    p: Any, size: Size | None = None, *, dtype: DTypeLike = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Draw from Bernoulli distributions: 1 with probability `p`, else 0.

    Parameters
    ----------
    p : float or Tensor
        The probability of a one, or one for each element.
    size : int or sequence of int, optional
        The shape; by default that of `p`.
    dtype : DType, optional
        By default that of `p` if it is a Tensor, or else the default dtype.
    device : str or Device, optional
        By default that of `p` if it is a Tensor, or else the current device.
    requires_grad : bool
        Whether the result requires gradients.

    Returns
    -------
    Tensor
        No gradient flows to `p`.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1; this is not checked for a Tensor on a GPU, where it would synchronise.
    TypeError
        If the Tensor `p` does not hold floating-point numbers.

    Examples
    --------
    >>> import agrad
    >>> agrad.bernoulli(1.0, size=3)
    Tensor([1., 1., 1.], dtype=float32, device='cpu')
    """
    _check_range(p, "p must be from 0 to 1", most=1.0)
    if isinstance(p, Tensor):
        size = p.shape if size is None else size
        target, kind = _floating(p.dtype, p.device)
        dtype, device = dtype or kind, device or target
    draws = rand(() if size is None else size, device=device)
    if isinstance(p, Tensor):
        draws, p = lifted("bernoulli", [draws, p])
        p = p._data
    here, kind = draws._device, native(draws._device.xp, get_default_dtype() if dtype is None else dtype)
    ones = wrap(here.backend.box(here.xp.astype(here.xp.less(draws._data, p), kind)), here)
    return ones.requires_grad_(requires_grad) if requires_grad is not False else ones


def dropout_mask(keep: float, shape: tuple[int, ...], dtype: DType, device: Device) -> Tensor:
    """Draw ``1 / keep`` with probability `keep`, else 0, as dropout does.

    Parameters
    ----------
    keep : float
        The probability, from 0 to 1.
    shape : tuple of int
    dtype : DType
    device : Device

    Returns
    -------
    Tensor
        Of that shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> from agrad.random.sampling import dropout_mask
    >>> dropout_mask(1.0, (3,), agrad.float32, agrad.get_device()).tolist()
    [1.0, 1.0, 1.0]
    """
    draw, raw = device.backend.dropout_mask, native(device.xp, dtype)
    return _drawn(device, shape, lambda draws, shape: draw(draws, keep, shape, raw, device.native))


# Integers


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    dtype: DTypeLike = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw integers uniformly from `low` to ``high - 1``.

    Parameters
    ----------
    low : int
        The lowest integer. May be left out: ``randint(10, (2, 3))`` draws from 0 to 9.
    high : int
        One more than the highest integer.
    size : int or sequence of int
        The shape.
    dtype : DType, optional
        By default the device's default integer dtype, int64 nearly everywhere.
    device : str or Device, optional
        The current device if left out.
    requires_grad : bool
        Accepted as in PyTorch, but True is an error: integers have no gradients.

    Returns
    -------
    Tensor
        Of that shape and dtype.

    Raises
    ------
    ValueError
        If `high` is not greater than `low`, or the integers do not fit into the dtype.
    TypeError
        If the dtype is not an integer one, or `requires_grad` is True.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.randint(1, 7, (100,))
    >>> agrad.min(x).item() >= 1, agrad.max(x).item() <= 6
    (True, True)
    """
    if high is None or isinstance(high, (tuple, list)):
        size = high if size is None else size
        low, high = 0, low
    low, high = as_integer("low", low), as_integer("high", high)
    if high <= low:
        raise ValueError(f"high must be greater than low, not high={high} with low={low}")
    target = get_device() if device is None else Device(device)
    shape, kind = _shape_of((() if size is None else size,)), _integer(target, dtype)
    if not from_native(kind).family.endswith("integer"):
        raise TypeError(f"random integers need an integer dtype such as agrad.int64, not {as_dtype(dtype)!r}")
    limits = target.xp.iinfo(kind)
    if low < limits.min or high - 1 > limits.max:
        raise ValueError(f"integers from {low} to {high - 1} do not fit into {from_native(kind)!r}")
    integers = target.backend.integers
    drawn = _drawn(target, shape, lambda draws, shape: integers(draws, low, high, shape, kind, target.native))
    return drawn.requires_grad_(requires_grad) if requires_grad is not False else drawn


def randperm(n: int, *, dtype: DTypeLike = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return the integers from 0 to n - 1 in random order.

    Parameters
    ----------
    n : int
        The number of integers.
    dtype : DType, optional
        As in `randint`.
    device : str or Device, optional
        The current device if left out.
    requires_grad : bool
        As in `randint`.

    Returns
    -------
    Tensor
        Of shape (n,).

    Raises
    ------
    ValueError
        If `n` is negative.
    TypeError
        As `randint`.

    Examples
    --------
    >>> import agrad
    >>> agrad.sort(agrad.randperm(4))
    Tensor([0, 1, 2, 3], dtype=int64, device='cpu')
    """
    as_integer("n", n, 0)
    target = get_device() if device is None else Device(device)
    kind, xp = _integer(target, dtype), target.xp

    def orders(draws: Any, shape: tuple[int, ...]) -> Any:
        rows = [target.backend.permutation(draws, n, target.native) for _ in range(prod(shape[:-1]))]
        numbers = xp.stack(rows) if rows else xp.zeros(shape, device=target.native)
        return xp.reshape(xp.astype(numbers, kind), shape)

    drawn = _drawn(target, (n,), orders)
    return drawn.requires_grad_(requires_grad) if requires_grad is not False else drawn


# Helpers


def _floating(dtype: DTypeLike, device: Place) -> tuple[Device, DType]:
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    if kind.family != "real floating":
        raise TypeError(f"continuous distributions need a real floating dtype such as agrad.float32, not {kind!r}")
    return get_device() if device is None else Device(device), kind


def _number(x: Any) -> Any:
    """Return the number in an array of one element; anything else as it is."""
    return x.item() if hasattr(x, "item") else x


def _check_range(x: Any, rule: str, most: float) -> None:
    """Raise ValueError for values outside [0, most]; a Tensor is not checked if reading it would synchronize."""
    ends = [x]
    if isinstance(x, Tensor):
        backend = x._device.backend
        if not x.size or backend.waits_on_read(x._device.native) or backend.within(_without_nan(x), 0, most):
            return
        ends = [float(end) for end in backend.bounds(x._data)]
    for end in ends:
        if not 0 <= end <= most:
            raise ValueError(f"{rule}, not {end}")


def _without_nan(x: Tensor) -> Any:
    """Return an array with -1 in place of NaN."""
    real = x.dtype.family == "real floating"
    return x._device.xp.where(x._data != x._data, -1.0, x._data) if real else x._data


def _integer(target: Device, dtype: DTypeLike) -> Any:
    return target.backend.default_integer(target.native) if dtype is None else native(target.xp, dtype)


def _shape_of(size: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the shape that ``(2, 3)`` or ``((2, 3),)`` means."""
    lengths = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    return as_shape(lengths)


def _broadcast(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    ndim = max(map(len, shapes), default=0)
    padded = [(1,) * (ndim - len(shape)) + shape for shape in shapes]
    return tuple(max(lengths) if 0 not in lengths else 0 for lengths in zip(*padded, strict=True))


def _drawn(place: Device, shape: tuple[int, ...], draw: Callable[[Any, tuple[int, ...]], Any]) -> Tensor:
    """Return numbers that a generator draws; under `vmap`, different ones for each example, or the same for all."""
    levels = [device for device in opened.get() if device.real is place]
    asked = [level.native.randomness for level in levels]
    if "error" in asked:
        raise RuntimeError(
            "random numbers were drawn under vmap with randomness='error'; write "
            "agrad.vmap(f, randomness='different') for different numbers for each "
            "example, or 'same' for the same numbers"
        )
    batches = [level.native.size for level, what in zip(levels, asked, strict=True) if what == "different"]
    numbers = wrap(place.backend.box(draw(current.get().of(place), (*batches, *shape))), place)
    for level, what in zip(levels if batches else (), asked, strict=False):
        numbers = enter(lift(numbers, level.below), level, 0 if what == "different" else None)
    return numbers
