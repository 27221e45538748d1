"""Helpers of the transforms: the arguments to differentiate, and the signature of the function that is returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, Final, TypeAlias

from ..checks import as_integer, check_callable
from ..core.errors import describe

__all__ = ["FOR_TENSORS", "Argnums", "as_argnums", "check_tuples", "named"]


Argnums: TypeAlias = int | Sequence[int]


FOR_TENSORS: Final = "write agrad.gradients(y, x) for a Tensor that was computed from x"


def as_argnums(argnums: Argnums) -> list[int]:
    """Return `argnums` as a list; TypeError if it is neither an integer nor a sequence of integers."""
    given = argnums if isinstance(argnums, Sequence) and not isinstance(argnums, str) else [argnums]
    return [as_integer("argnums", i) for i in given]


def check_tuples(**arguments: Any) -> None:
    """Raise TypeError for arguments of `f` that are not in a tuple or list."""
    for name, given in arguments.items():
        if not isinstance(given, (tuple, list)):
            raise TypeError(
                f"{name} must be a tuple with an entry for each argument of f, as (x,), not {describe(given)}"
            )


def named(
    function: Callable[..., Any], f: Callable[..., Any], what: str, remedy: str = FOR_TENSORS
) -> Callable[..., Any]:
    """Give a transformed function the signature of `f` and a descriptive name.

    Raises
    ------
    TypeError
        If `f` is not callable; the message ends with the `remedy`.
    """
    check_callable(f"agrad.{what}", f, remedy)
    update_wrapper(function, f, updated=())
    function.__name__ = f"{what}({getattr(f, '__name__', type(f).__name__)})"
    return function
