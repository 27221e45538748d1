"""Backends of other packages: checks of registered ones, and entry points of installed packages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from .base import Backend

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "checked", "entries", "load_entry"]

GROUP: Final = "agrad.backends"  # of entry points: name is a backend's kind, value "module:Backend"


def checked(backend: Any) -> Backend:
    """Return a backend, or an object of its class if that is given; an error says what it lacks."""
    made = backend() if isinstance(backend, type) and issubclass(backend, Backend) else backend
    if not isinstance(made, Backend):
        raise TypeError(f"a backend is a subclass of agrad.backends.Backend, or an object of one, not {backend!r}")
    name = type(made).__name__
    if missing := [what for what in ("kind", "xp", "array_type") if not hasattr(made, what)]:
        raise TypeError(f"{name} has no {', '.join(missing)}; write for instance {name}.{missing[0]} = ...")
    if not (isinstance(made.kind, str) and made.kind.isidentifier()):
        raise ValueError(f"{name}.kind must be a name for agrad.Device, such as 'mylibrary', not {made.kind!r}")
    if not isinstance(made.array_type, type):
        raise TypeError(f"{name}.array_type must be the class of the library's arrays, not {made.array_type!r}")
    return made


@cache
def entries() -> dict[str, EntryPoint]:
    """Return the entry points of installed packages, by the kind of their backends; they are not loaded yet."""
    from importlib.metadata import entry_points  # here, since the import is slow and few programs need it

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def load_entry(kind: str) -> Backend:
    """Return the backend that an entry point names; RuntimeError if it cannot be loaded, or is of another kind."""
    entry = entries()[kind]
    package = entry.dist.name if entry.dist else entry.module
    try:
        backend = checked(entry.load())
    except Exception as error:  # the package's own code runs here
        raise RuntimeError(f"device {kind!r} comes from {package} ({entry.value}), which fails: {error}") from error
    if backend.kind != kind:
        raise RuntimeError(f"{package} offers a device {kind!r}, but its backend is of kind {backend.kind!r}")
    return backend
