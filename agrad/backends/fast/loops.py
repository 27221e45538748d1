"""Loops that `agrad.compile` prints, compiled by numba and cached on disk."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numba

__all__ = ["compile_loops"]

_HEAD: Final = "import math\n\nimport numpy as np\nfrom numpy import {}\n\n\n"
_DTYPES: Final = (
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"
)  # fmt: skip
# Sums may be reordered, and products fused with sums. NaN and infinity are respected.
_SETTINGS: Final = {"error_model": "numpy", "fastmath": {"contract", "reassoc"}}


def compile_loops(text: str, name: str, arrays: Sequence[tuple[Any, bool]]) -> Callable[..., bool]:
    """Return a function, compiled from its source for arrays like those given.

    The function checks nothing: each argument must have the dtype and the number of axes of its array, and must be
    C-contiguous if the array comes with True.
    """
    source = _HEAD.format(", ".join(_DTYPES)) + text
    signature = numba.types.boolean(*[_type_of(array, gapless) for array, gapless in arrays])
    path = _written(source)
    known: dict[str, Any] = {"__name__": __name__}  # a module that numba can import when it loads from its cache
    exec(compile(source, str(path or "<agrad loops>"), "exec"), known)
    try:
        made = numba.njit([signature], cache=path is not None, **_SETTINGS)(known[name])
    except Exception:  # the folder may be read-only, or hold files of another version or broken ones
        made = numba.njit([signature], **_SETTINGS)(known[name])
    # Calling the entry point directly saves 0.4 µs, in which the dispatcher would check the types of the arguments.
    entry: Callable[..., bool] = made.get_compile_result(signature).entry_point
    _kept.append(made)
    return entry


_kept: list[Any] = []


def _type_of(array: Any, gapless: bool) -> Any:
    return numba.types.Array(numba.from_dtype(array.dtype), array.ndim, "C" if gapless else "A")


def _written(source: str) -> Path | None:
    """Write a source to the cache, where numba stores the compiled code beside it; None if that is not possible."""
    path = _folder() / f"{hashlib.sha256(source.encode()).hexdigest()[:24]}.py"
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            file.write(source)
        os.replace(file.name, path)
    except OSError:
        return None
    return path


def _folder() -> Path:
    """Return the folder of the compiled programs in the user's cache."""
    if sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        cache = Path.home() / "Library" / "Caches"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "agrad" / "programs"
