"""Helpers of the transforms: the arguments to differentiate, and the signature of the function that is returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, Final, TypeAlias

from ..checks import check_callable

__all__ = ["FOR_TENSORS", "Argnums", "as_argnums", "named"]


Argnums: TypeAlias = int | Sequence[int]


FOR_TENSORS: Final = "write agrad.gradients(y, x) for a Tensor that was computed from x"


def as_argnums(argnums: Argnums) -> list[int]:
    """Return `argnums` as a list."""
    return [argnums] if isinstance(argnums, int) else list(argnums)


def named(function: Callable[..., Any], f: Callable[..., Any], what: str) -> Callable[..., Any]:
    """Give a transformed function the signature of `f` and a descriptive name; TypeError if `f` is not callable."""
    check_callable(f"agrad.{what}", f, FOR_TENSORS)
    update_wrapper(function, f, updated=())
    function.__name__ = f"{what}({getattr(f, '__name__', type(f).__name__)})"
    return function
