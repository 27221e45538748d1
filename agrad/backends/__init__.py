"""Backends: what the array API standard does not cover, per array library. Only this package imports array libraries.

`load` finds a library's `Backend` by its device kind, `of` by an array. A library is imported when it is first needed.
Both tables are open: `register` adds a library that agrad does not know.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Final

from .base import Backend, UnknownValueError
from .host import is_host, is_number, is_readable, read, refuse_lossy, show
from .typing import Array

__all__ = [
    "KINDS", "Backend", "UnknownValueError", "add_type", "devices", "is_array_type", "is_host", "is_number",
    "is_readable", "load", "of", "read", "refuse_lossy", "register", "show",
]  # fmt: skip

KINDS: Final = {"cpu": "numpy", "cuda": "cupy", "strict": "strict", "torch": "torch", "jax": "jax"}
_INSTALL: Final = {
    "cuda": 'CuPy: pip install "cupy-cuda12x[ctk]", or "cupy-cuda13x[ctk]" for CUDA 13',
    "strict": "array-api-strict: pip install array-api-strict",
    "torch": "PyTorch: pip install torch",
    "jax": "JAX: pip install jax",
}
_ROOTS: Final = {
    "numpy": "cpu", "cupy": "cuda", "array_api_strict": "strict", "torch": "torch", "jax": "jax", "jaxlib": "jax",
}  # fmt: skip
_by_kind: dict[str, Backend] = {}
_by_type: dict[type, Backend] = {}


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
        if kind not in KINDS:
            known = ", ".join(repr(name) for name in (*KINDS, *(_by_kind.keys() - KINDS.keys())))
            raise ValueError(f"unknown device {kind!r}; write one of {known}, or with an index: 'cuda:0'")
        register(_import(kind).BACKEND)
    return _by_kind[kind]


def _import(kind: str) -> ModuleType:
    try:
        return import_module(f".{KINDS[kind]}", __name__)
    except ImportError as error:
        library, _, command = _INSTALL[kind].partition(": ")
        if isinstance(error, ModuleNotFoundError) and error.name in _ROOTS:
            raise RuntimeError(f"device {kind!r} needs {library}, which is not installed; run {command}") from None
        raise RuntimeError(f"device {kind!r} needs {library}, which cannot be imported: {error}") from error


def register(backend: Backend) -> None:
    """Add a backend: its kind becomes the name of a device, and its arrays become Tensors without a copy."""
    _by_kind[backend.kind] = backend
    _by_type[backend.array_type] = backend


def add_type(backend: Backend) -> None:
    """Add a backend of arrays that no device is named by: those of a virtual library."""
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
    raise TypeError(f"{type(array).__module__}.{type(array).__qualname__} is not an array that agrad knows")


def is_array_type(kind: type) -> bool:
    """Whether a class is of an array library that agrad knows, or is derived from one."""
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
    for kind in (*KINDS, *(_by_kind.keys() - KINDS.keys())):
        try:
            places = load(kind).device_names()
        except RuntimeError as error:
            found[kind] = str(error)
        else:
            found |= {f"{kind}:{place}" if place else kind: "" for place in places}
    return found
