"""Checks of the gradient rules that users write, so that a mistake is an error and not a wrong number.

agrad's own rules are checked by its tests, and run without these.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import wraps
from inspect import Parameter, signature
from typing import Any

__all__ = ["asked", "checked"]

Rule = Callable[..., Any]


def asked(rule: Rule, known: Collection[str]) -> list[str]:
    """Return what a rule takes, without what is its own: at the end, parameters with defaults and names not `known`."""
    parameters = signature(rule).parameters
    names = list(parameters)
    while names and names[-1] not in known and parameters[names[-1]].default is not Parameter.empty:
        names.pop()
    return names


def checked(argument: str, sequence: bool, rule: Rule, asks: list[str]) -> tuple[Rule, list[str]]:
    """Return a rule that also looks at what it returns, and what it asks for; agrad's own as they are.

    Parameters
    ----------
    argument : str
        What the rule is for.
    sequence : bool
        Whether the argument is a sequence of arrays.
    rule : callable
    asks : list of str
        What it takes beside the cotangent.
    """
    if str(getattr(rule, "__module__", None)).partition(".")[0] == "agrad":
        return rule, asks

    @wraps(rule)
    def checking(g: Any, *values: Any) -> Any:
        *asked, shape = values
        found = rule(g, *asked)
        if not sequence:
            _check(found, g, shape, "it")
        elif not isinstance(found, (list, tuple)) or len(found) != len(shape):
            raise TypeError(f"it must return a list of {len(shape)} arrays, one per element, not {_told(found)}")
        else:
            for i, (x, length) in enumerate(zip(found, shape, strict=True)):
                _check(x, g, length, f"at {i} it")
            if len({id(x) for x in found}) < len(found):  # no two inputs may come to share what is added to in place
                found = [1 * x for x in found]
        return found

    return checking, [*asks, f"{argument}_shape"]


def _check(found: Any, g: Any, shape: Sequence[int], it: str) -> None:
    """Raise if a cotangent cannot be one for an array of that shape; the engine tells whose rule it was."""
    like = g[0] if isinstance(g, list) else g
    if _library(found) != _library(like) or not hasattr(found, "shape"):
        raise TypeError(
            f"{it} must return {_told(like)} like g, not {_told(found)}; "
            "compute it from g with operators and functions of xp"
        )
    if not _shrinks(tuple(found.shape), tuple(shape)):
        raise ValueError(
            f"{it} returned shape {tuple(found.shape)} for an input of shape {tuple(shape)}; "
            "it must be that shape, or one that the input broadcasts to"
        )
    name = getattr(found.dtype, "name", str(found.dtype))
    if "float" not in name and "complex" not in name:
        raise TypeError(f"{it} returned {name}; a gradient is floating: write xp.astype(..., g.dtype)")


def _shrinks(found: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a shape is what an input of the other one broadcasts to."""
    extra = len(found) - len(shape)
    return extra >= 0 and all(n in (1, m) for n, m in zip(shape, found[extra:], strict=True))


def _library(x: Any) -> str:
    return type(x).__module__.partition(".")[0]


def _told(x: Any) -> str:
    return "None" if x is None else f"{_library(x)}.{type(x).__name__}"
