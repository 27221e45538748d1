"""Backends: what the array API standard does not cover, per array library. Only this package imports array libraries.

`load` finds a library's `Backend` by its device kind, `of` by an array. A library is imported when it is first needed.
Both tables are open: `register_backend` adds a library that agrad does not know, and so does an installed package that
names its backend as an entry point, see `plugins`.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Final, TypeVar

from .base import Backend, UnknownValueError
from .host import is_host, is_number, is_readable, read, refuse_lossy, show
from .places import device_of
from .plugins import checked, entries, load_entry
from .typing import Array

__all__ = [
    "KINDS", "Backend", "UnknownValueError", "add_type", "device_of", "devices", "dtype_name", "is_array_type",
    "is_host", "is_number", "is_readable", "kinds", "load", "of", "read", "refuse_lossy", "register_backend", "show",
]  # fmt: skip

KINDS: Final = {
    "cpu": "numpy", "cuda": "cupy", "strict": "strict", "torch": "torch", "jax": "jax", "mlx": "mlx", "dpnp": "dpnp",
    "ndonnx": "ndonnx",
}  # fmt: skip
_INSTALL: Final = {
    "cuda": 'CuPy: pip install "cupy-cuda12x[ctk]", or "cupy-cuda13x[ctk]" for CUDA 13',
    "strict": "array-api-strict: pip install array-api-strict",
    "torch": "PyTorch: pip install torch",
    "jax": "JAX: pip install jax",
    "mlx": 'MLX: pip install mlx on a Mac, pip install "mlx[cpu]" on Linux',
    "dpnp": "dpnp: pip install dpnp",
    "ndonnx": 'ndonnx: pip install "agrad[onnx]"',
}
_ROOTS: Final = {
    "numpy": "cpu", "cupy": "cuda", "array_api_strict": "strict", "torch": "torch", "jax": "jax", "jaxlib": "jax",
    "mlx": "mlx", "dpnp": "dpnp", "dpctl": "dpnp", "ndonnx": "ndonnx",
}  # fmt: skip
_by_kind: dict[str, Backend] = {}
_by_type: dict[type, Backend] = {}
_BackendOrClass = TypeVar("_BackendOrClass", bound=Backend | type[Backend])


def kinds() -> list[str]:
    """Return all kinds of devices: agrad's own, those that were registered, and those of installed packages."""
    return list(dict.fromkeys([*KINDS, *_by_kind, *entries()]))


def load(kind: str) -> Backend:
    """Return the backend of a device kind, importing its library.

    Raises
    ------
    ValueError
        If there is no such kind.
    RuntimeError
        If its library is missing or broken; the message says how to install it.
    """
    if kind not in _by_kind:
        if kind not in KINDS and kind not in entries():
            known = ", ".join(map(repr, kinds()))
            raise ValueError(f"unknown device {kind!r}; write one of {known}, or with an index: 'cuda:0'")
        _add(_import(kind).BACKEND if kind in KINDS else load_entry(kind))
    return _by_kind[kind]


def _import(kind: str) -> ModuleType:
    try:
        return import_module(f".{KINDS[kind]}", __name__)
    except ImportError as error:
        library, _, command = _INSTALL[kind].partition(": ")
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _ROOTS:
            raise RuntimeError(f"device {kind!r} needs {library}, which is not installed; run {command}") from None
        raise RuntimeError(f"device {kind!r} needs {library}, which cannot be imported: {error}") from error


def register_backend(backend: _BackendOrClass) -> _BackendOrClass:
    """Register the backend of an array library, so that agrad has a device of its name and takes its arrays.

    The ops, gradients, layers and optimizers then run on it. The function can decorate the backend's class.

    Parameters
    ----------
    backend : type or Backend
        A subclass of `agrad.backends.Backend`, or an object of one. It must have `kind`, the name of the device; `xp`,
        the library's array API namespace; and `array_type`, the class of its arrays. It may override methods that the
        library does faster than the standard's functions, or differently.

    Returns
    -------
    type or Backend
        The argument.

    Raises
    ------
    TypeError
        If it is no backend, or lacks one of the three attributes.
    ValueError
        If there is a device of that name, or a backend for that class of arrays, already.

    Examples
    --------
    >>> import agrad
    >>> import mylibrary  # doctest: +SKIP
    >>> from agrad.backends import Backend
    >>> @agrad.register_backend  # doctest: +SKIP
    ... class MyBackend(Backend):
    ...     kind = "mylibrary"
    ...     xp = mylibrary
    ...     array_type = mylibrary.Array
    >>> agrad.ones(2, device="mylibrary") + 1  # doctest: +SKIP
    Tensor([2., 2.], dtype=float32, device='mylibrary')

    agrad checks its argument:

    >>> agrad.register_backend("mylibrary")
    Traceback (most recent call last):
        ...
    TypeError: a backend is a subclass of agrad.backends.Backend, or an object of one, not 'mylibrary'
    """
    made = checked(backend)
    if made.kind in kinds():
        raise ValueError(f"there is a device {made.kind!r} already; give {type(made).__name__}.kind another name")
    if made.array_type in _by_type:
        owner = _by_type[made.array_type].kind
        raise ValueError(f"{made.array_type.__qualname__} belongs to the device {owner!r} already")
    _add(made)
    return backend


def _add(backend: Backend) -> None:
    _by_kind[backend.kind] = backend
    _by_type[backend.array_type] = backend


def add_type(backend: Backend) -> None:
    """Add the backend of a virtual library, whose arrays belong to no device that users name."""
    _by_type[backend.array_type] = backend


def of(array: Array) -> Backend:
    """Return the backend that an array belongs to.

    Raises
    ------
    TypeError
        If it is not an array of a library that agrad knows.
    """
    backend = _by_type.get(type(array))
    if backend is None:
        backend = _by_type[type(array)] = _search(array)
    return backend


def _search(array: Array) -> Backend:
    for base in type(array).__mro__:
        kind = _ROOTS.get(base.__module__.partition(".")[0])
        backend = _by_type.get(base) or (None if kind is None else load(kind))
        if backend is not None and backend.is_array(array):
            return backend
    name = f"{type(array).__module__}.{type(array).__qualname__}"
    if not hasattr(type(array), "__array_namespace__"):
        raise TypeError(f"{name} is not an array that agrad knows")
    if _load_entries():
        return _search(array)
    raise TypeError(f"{name} is not an array that agrad knows; agrad.register_backend adds its library")


def _load_entries() -> bool:
    """Load the backends of installed packages that work; return whether there are new ones."""
    known = len(_by_kind)
    for kind in entries().keys() - _by_kind.keys():
        with suppress(RuntimeError):  # `devices` shows the reason
            load(kind)
    return len(_by_kind) > known


def dtype_name(dtype: object, names: Collection[str]) -> str | None:
    """Return the name of a library's dtype in that library's namespace; None if no known library has the dtype."""
    kind = _ROOTS.get(type(dtype).__module__.partition(".")[0])
    for backend in _by_kind.values() if kind is None else [load(kind)]:
        for name in names:
            own = getattr(backend.xp, name, None)
            if type(own) is type(dtype) and own == dtype:  # some libraries warn if dtypes of two libraries are compared
                return name
    return None


def is_array_type(kind: type) -> bool:
    """Return whether a class is an array class of a library that agrad knows, or a subclass of one."""
    return any(base in _by_type or base.__module__.partition(".")[0] in _ROOTS for base in kind.__mro__)


def devices() -> dict[str, str]:
    """Return the devices of this machine, and why others are missing.

    Returns
    -------
    dict of str to str
        For each device name ``""`` if the device can be used, else the reason why not.

    Examples
    --------
    >>> import agrad
    >>> agrad.devices()["cpu"]
    ''
    """
    found: dict[str, str] = {}
    for kind in kinds():
        try:
            places = load(kind).device_names()
        except RuntimeError as error:
            found[kind] = str(error)
        else:
            found |= {f"{kind}:{place}" if place else kind: "" for place in places}
    return found
