"""Random Tensors, drawn on their own device by a generator that `manual_seed` sets.

Each device has one generator, made when it is first drawn from, for the whole process or for a `fork_rng` block. Names
and arguments are PyTorch's where it has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf, prod
from typing import Any, TypeAlias

from ..checks import as_integer, as_seed, as_shape
from ..core import errors
from ..core.device import Device, get_device, opened
from ..core.dtypes import DType, as_dtype, from_native, get_default_dtype, native
from ..core.lifting import enter, lift, lifted
from ..core.tensor import Tensor, wrap
from .generators import current

__all__ = [
    "bernoulli", "fork_rng", "get_state", "manual_seed", "normal", "rand", "randint", "randn", "randperm", "set_state",
    "uniform",
]  # fmt: skip

Place: TypeAlias = str | Device | None
Size: TypeAlias = int | Sequence[int]


def manual_seed(seed: int) -> None:
    """Start the random numbers of all devices over: the same seed gives the same numbers on the same device.

    All threads draw from the same numbers. No two of them get the same one, but which thread gets which differs from
    run to run, and a call in one thread starts over for all. A thread does not repeat its numbers, unless it has its
    own: write ``with agrad.random.fork_rng():`` around what it does. The batches of a `DataLoader` have their own,
    which follow from the seed whatever the number of workers.

    Parameters
    ----------
    seed : int
        From 0 to 2**64 - 1.

    Raises
    ------
    ValueError
        If it is not in that range.
    TypeError
        If it is no integer.

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
    """Return the state of the random numbers of all devices, in strings, numbers and dicts that `save` can write.

    Within `fork_rng`, and where a `DataLoader` makes a batch, it is that of the block or the batch alone.

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
    """Go on with the random numbers where `get_state` was called.

    Parameters
    ----------
    state : dict
        What `get_state` returned, on this machine or on another: devices that are not here do not matter.

    Raises
    ------
    ValueError
        If it is something else; nothing has changed then.
    """
    try:
        seed, devices = as_seed(state["seed"]), dict(state["devices"])
        spawned = as_integer("spawned", state.get("spawned", 0), 0)  # states of older versions lack it
        for name, saved in devices.items():
            _check_state(name, saved)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"this is no state of random numbers ({error!r}); give set_state what get_state returned"
        ) from error
    current.get().start_over(seed, devices, spawned)


@contextmanager
def fork_rng() -> Iterator[None]:
    """Give a ``with`` block, or a decorated function, random numbers of its own.

    They begin as the numbers outside would go on, and those go on afterwards as if none had been drawn in the block.
    `manual_seed` and `set_state` hold for the block alone, and no other thread draws from its numbers: so each thread
    can have, and repeat, its own.

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
        if current.get() is forked:  # else a generator that entered the block was closed in another context
            current.set(before)


def _check_state(name: str, state: dict[str, Any]) -> None:
    """Put a generator on trial into a state; that of a device which is not here can only be a dict."""
    if not isinstance(name, str) or not isinstance(state, Mapping):
        raise TypeError(f"the state of device {name!r} is a {type(state).__name__}")
    try:
        device = Device(name)
    except (RuntimeError, ValueError):
        return
    device.backend.set_state(device.backend.generator(0, device.native), dict(state))


# Floating-point numbers


def rand(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Draw numbers that are equally likely all over [0, 1).

    Parameters
    ----------
    *size : int
        The shape: ``rand(2, 3)`` or ``rand((2, 3))``.
    dtype : DType, optional
        A real floating type; by default the default dtype.
    device : str or Device, optional
    requires_grad : bool

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import agrad
    >>> agrad.rand(2, 3).shape
    (2, 3)
    """
    place, kind = _floating(dtype, device)
    uniform, raw = place.backend.uniform, native(place.xp, kind)
    numbers = _drawn(place, _shape_of(size), lambda draws, shape: uniform(draws, shape, raw, place.native))
    return numbers.requires_grad_() if requires_grad else numbers


def randn(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Draw from the standard normal distribution, of mean 0 and standard deviation 1.

    Parameters
    ----------
    *size : int
        The shape: ``randn(2, 3)`` or ``randn((2, 3))``.
    dtype : DType, optional
        A real floating type; by default the default dtype.
    device : str or Device, optional
    requires_grad : bool

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import agrad
    >>> agrad.randn((2, 3), requires_grad=True).requires_grad
    True
    """
    place, kind = _floating(dtype, device)
    normal, raw = place.backend.normal, native(place.xp, kind)
    numbers = _drawn(place, _shape_of(size), lambda draws, shape: normal(draws, shape, raw, place.native))
    return numbers.requires_grad_() if requires_grad else numbers


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Size | None = None,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw from normal distributions.

    Parameters
    ----------
    mean, std : float or Tensor
        Tensors broadcast, and gradients flow to them: the result is ``mean + std * randn(...)``.
    size : int or sequence of int, optional
        The shape; by default the one that `mean` and `std` have together.
    dtype : DType, optional
        A real floating type; by default that of the Tensors, or else the default dtype.
    device : str or Device, optional
        By default that of the Tensors, or else the current device.
    requires_grad : bool

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If `std` is negative or NaN. Nobody looks into a Tensor on a GPU, where that would mean to wait for it.

    Examples
    --------
    >>> import agrad
    >>> agrad.normal(0, 0.01, size=(2, 1), requires_grad=True).shape
    (2, 1)
    """
    mean, std = (x if isinstance(x, Tensor) else float(x) for x in (mean, std))
    _check_range(std, "a standard deviation is not negative, nor NaN", most=inf)
    tensors = [x for x in (mean, std) if isinstance(x, Tensor)]
    shape = _broadcast([x.shape for x in tensors]) if size is None else _shape_of((size,))
    if tensors:
        dtype, device = dtype or tensors[0].dtype, device or tensors[0].device
    result: Any = randn(shape, dtype=dtype, device=device) * std + mean
    if result.shape != shape:
        raise ValueError(f"mean and std make the shape {result.shape}, which size={size} does not hold")
    return result.requires_grad_() if requires_grad else result


def uniform(
    low: float = 0.0,
    high: float = 1.0,
    size: Size = (),
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw numbers that are equally likely all over [low, high).

    Parameters
    ----------
    low, high : float
    size : int or sequence of int
        The shape.
    dtype : DType, optional
        A real floating type; by default the default dtype.
    device : str or Device, optional
    requires_grad : bool

    Returns
    -------
    Tensor

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
    if high < low:
        raise ValueError(f"uniform draws from low to high, and {high} is below {low}")
    result: Any = rand(size, dtype=dtype, device=device) * float(high - low) + float(low)
    return result.requires_grad_() if requires_grad else result


def bernoulli(
    p: Any, size: Size | None = None, *, dtype: Any = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Draw ones, each with its probability, and zeros.

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

    Returns
    -------
    Tensor
        No gradient flows to `p`.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1. Nobody looks into a Tensor on a GPU, where that would mean to wait for it.
    TypeError
        If the Tensor `p` does not hold floating-point numbers.

    Examples
    --------
    >>> import agrad
    >>> agrad.bernoulli(1.0, size=3)
    Tensor([1., 1., 1.], dtype=float32, device='cpu')
    """
    _check_range(p, "a probability lies between 0 and 1", most=1.0)
    if isinstance(p, Tensor):
        size = p.shape if size is None else size
        place, kind = _floating(p.dtype, p.device)
        dtype, device = dtype or kind, device or place
    numbers = rand(() if size is None else size, device=device)
    if isinstance(p, Tensor):
        numbers, p = lifted("bernoulli", [numbers, p])
        p = p._data
    here, kind = numbers._device, native(numbers._device.xp, get_default_dtype() if dtype is None else dtype)
    ones = wrap(here.backend.box(here.xp.astype(here.xp.less(numbers._data, p), kind)), here)
    return ones.requires_grad_() if requires_grad else ones


# Integers


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw integers from low to high - 1, all equally likely.

    Parameters
    ----------
    low : int
        May be left out: ``randint(10, (2, 3))`` draws from 0 to 9.
    high : int
    size : int or sequence of int
        The shape.
    dtype : DType, optional
        By default the device's own for integers, int64 nearly everywhere.
    device : str or Device, optional
    requires_grad : bool
        There for whoever passes it everywhere: integers have no gradients, so that True is an error.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there is no integer to draw, or if they do not fit into the dtype.
    TypeError
        If the dtype is not for integers, or `requires_grad` is true.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.randint(1, 7, (100,))
    >>> agrad.min(x).item() >= 1, agrad.max(x).item() <= 6
    (True, True)
    """
    if high is None or isinstance(high, (tuple, list)):
        low, high, size = 0, low, high if size is None else size
    low, high = as_integer("low", low), as_integer("high", high)
    if high <= low:
        raise ValueError(f"there is no integer from {low} up to {high} - 1")
    place = get_device() if device is None else Device(device)
    shape, kind = _shape_of((() if size is None else size,)), _integer(place, dtype)
    if not from_native(kind).family.endswith("integer"):
        raise TypeError(f"random integers need an integer dtype such as agrad.int64, not {as_dtype(dtype)!r}")
    limits = place.xp.iinfo(kind)
    if low < limits.min or high - 1 > limits.max:
        raise ValueError(f"integers from {low} to {high - 1} do not fit into {from_native(kind)!r}")
    integers = place.backend.integers
    numbers = _drawn(place, shape, lambda draws, shape: integers(draws, low, high, shape, kind, place.native))
    return numbers.requires_grad_() if requires_grad else numbers


def randperm(n: int, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return the integers from 0 to n - 1 in random order.

    Parameters
    ----------
    n : int
    dtype : DType, optional
        As in `randint`.
    device : str or Device, optional
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
    place = get_device() if device is None else Device(device)
    kind, xp = _integer(place, dtype), place.xp

    def orders(draws: Any, shape: tuple[int, ...]) -> Any:
        rows = [place.backend.permutation(draws, n, place.native) for _ in range(prod(shape[:-1]))]
        numbers = xp.stack(rows) if rows else xp.zeros(shape, device=place.native)
        return xp.reshape(xp.astype(numbers, kind), shape)

    numbers = _drawn(place, (n,), orders)
    return numbers.requires_grad_() if requires_grad else numbers


# What they share


def _floating(dtype: Any, device: Place) -> tuple[Device, DType]:
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    if kind.family != "real floating":
        raise TypeError(f"random numbers on a continuum need a real floating dtype such as agrad.float32, not {kind!r}")
    return get_device() if device is None else Device(device), kind


def _check_range(x: Any, rule: str, most: float) -> None:
    """Raise ValueError, with the rule, for numbers that are not from 0 to `most`, where looking needs no waiting."""
    ends = [x]
    if isinstance(x, Tensor):
        if not x.size or x.device.backend.waits(x.device.native):
            return
        ends = [float(end) for end in x._device.backend.bounds(x._data)]
    for end in ends:
        if not 0 <= end <= most:
            raise ValueError(f"{rule}: {end}")


def _integer(place: Device, dtype: Any) -> Any:
    return place.backend.default_integer(place.native) if dtype is None else native(place.xp, dtype)


def _shape_of(size: tuple[Any, ...]) -> tuple[int, ...]:
    """Read a shape from ``(2, 3)`` or ``((2, 3),)``."""
    lengths = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    return as_shape(lengths)


def _broadcast(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    ndim = max(map(len, shapes), default=0)
    padded = [(1,) * (ndim - len(shape)) + shape for shape in shapes]
    return tuple(max(lengths) if 0 not in lengths else 0 for lengths in zip(*padded, strict=True))


def _drawn(place: Device, shape: tuple[int, ...], draw: Callable[[Any, tuple[int, ...]], Any]) -> Tensor:
    """Return numbers that are drawn by a generator: under `vmap` others for each example, or the same for all."""
    levels = [device for device in opened.get() if device.real is place]
    asked = [level.native.randomness for level in levels]
    if "error" in asked:
        raise RuntimeError(
            "random numbers were drawn under vmap, which was not told what they are to be; write "
            "agrad.vmap(f, randomness='different') for others for each example, or 'same' for the same for all"
        )
    batches = [level.native.size for level, what in zip(levels, asked, strict=True) if what == "different"]
    numbers = wrap(place.backend.box(draw(current.get().of(place), (*batches, *shape))), place)
    for level, what in zip(levels if batches else (), asked, strict=False):
        numbers = enter(lift(numbers, level.below), level, 0 if what == "different" else None)
    return numbers
