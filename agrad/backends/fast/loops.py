"""Loops that `agrad.compile` prints, compiled by numba; what was compiled once is kept on the disk."""

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
# The order of sums may be another, and products may be fused with sums. NaN and infinity are kept.
_SETTINGS: Final = {"error_model": "numpy", "fastmath": {"contract", "reassoc"}}


def compile_loops(text: str, name: str, arrays: Sequence[tuple[Any, bool]]) -> Callable[..., bool]:
    """Return the function of a text, compiled for arrays like those given.

    It checks nothing: each argument must have the dtype and the number of axes of its array, and where that comes with
    True, lie in memory without gaps.
    """
    source = _HEAD.format(", ".join(_DTYPES)) + text
    signature = numba.types.boolean(*[_type_of(array, gapless) for array, gapless in arrays])
    path = _written(source)
    known: dict[str, Any] = {"__name__": __name__}  # a module that numba finds when it loads what it has kept
    exec(compile(source, str(path or "<agrad loops>"), "exec"), known)
    try:
        made = numba.njit([signature], cache=path is not None, **_SETTINGS)(known[name])
    except Exception:  # the folder may be read-only, or hold what another version or a broken disk left
        made = numba.njit([signature], **_SETTINGS)(known[name])
    # The entry point itself is called: the dispatcher would look at the types of the arguments first, 0.4 µs longer.
    entry: Callable[..., bool] = made.get_compile_result(signature).entry_point
    _kept.append(made)
    return entry


_kept: list[Any] = []


def _type_of(array: Any, gapless: bool) -> Any:
    return numba.types.Array(numba.from_dtype(array.dtype), array.ndim, "C" if gapless else "A")


def _written(source: str) -> Path | None:
    """Return the file of a source in the cache, beside which numba keeps what it compiles; None if there is none."""
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
