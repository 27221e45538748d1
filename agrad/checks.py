"""Checks of arguments, with one wording for what came, what was expected, and what to write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from inspect import signature
from math import inf, isfinite
from numbers import Real
from operator import index
from typing import Any

__all__ = [
    "as_integer", "as_list", "as_seed", "as_shape", "check_callable", "check_flags", "check_flags_of", "check_integers",
    "check_number", "check_numbers", "check_one_of", "check_tensors",
]  # fmt: skip


def as_integer(name: str, value: Any, least: float = -inf, most: float = inf) -> int:
    """Return an argument as an int.

    Raises
    ------
    TypeError
        If it is not an integer; booleans are not.
    ValueError
        If it is out of range.

    Examples
    --------
    >>> from agrad.checks import as_integer
    >>> as_integer("kernel_size", 3, 1)
    3
    """
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {_shown(value)}") from None
    if isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, not {value}")
    if not least <= number <= most:
        raise ValueError(f"{name} must be {_range(least, most)}, not {value!r}")
    return number


def check_integers(least: float = -inf, /, **settings: Any) -> None:
    """Check integers, given by name, as `as_integer` does."""
    for name, value in settings.items():
        as_integer(name, value, least)


def as_seed(value: Any) -> int:
    """Return a seed of random numbers: an integer from 0 to 2**64 - 1.

    Raises
    ------
    TypeError, ValueError
        As `as_integer`.
    """
    seed = as_integer("seed", value)
    if not 0 <= seed < 2**64:
        raise ValueError(f"a seed must be an integer from 0 to 2**64 - 1, not {value}")
    return seed


def as_shape(shape: Any, name: str = "a shape") -> tuple[int, ...]:
    """Return a shape as a tuple; a single integer n means ``(n,)``.

    Raises
    ------
    TypeError
        If it is neither an integer nor a sequence of integers.
    ValueError
        If a length is negative.
    """
    lengths = shape if isinstance(shape, Iterable) and not isinstance(shape, (str, Mapping)) else (shape,)
    try:
        found = tuple([as_integer(name, length) for length in lengths])
    except TypeError:
        raise TypeError(f"{name} must be an integer or a tuple of integers, as (2, 3), not {_shown(shape)}") from None
    if found and min(found) < 0:
        raise ValueError(f"the lengths of {name} must be 0 or more, not {found}")
    return found


def check_number(
    name: str,
    value: Any,
    least: float = -inf,
    most: float = inf,
    *,
    above: float = -inf,
    below: float = inf,
    infinite: bool = False,
) -> Any:
    """Return an argument unchanged if it is a real number.

    Parameters
    ----------
    name : str
        What the message calls it.
    value : object
        The argument.
    least, most, above, below : float
        The range: `least` and `most` are part of it, `above` and `below` are not.
    infinite : bool
        Whether it may be infinite.

    Raises
    ------
    TypeError
        If it is not a number; booleans and Tensors are not.
    ValueError
        If it is NaN, infinite or out of range.

    Examples
    --------
    >>> from agrad.checks import check_number
    >>> check_number("p", 0.5, 0, 1)
    0.5
    """
    number: Any = value
    if type(number) is not float and (not isinstance(number, Real) or isinstance(number, bool)):
        raise TypeError(f"{name} must be a number, not {_shown(value)}")
    finite = infinite or isfinite(value)
    inside = least <= value <= most and (above == -inf or value > above) and (below == inf or value < below)
    if not (finite and inside):
        words = " and ".join(filter(None, ["" if finite else "finite", _range(least, most, above, below)]))
        raise ValueError(f"{name} must be {words or 'a number'}, not {value!r}")
    return value


def check_numbers(least: float = -inf, most: float = inf, /, **settings: Any) -> None:
    """Check numbers, given by name, as `check_number` does."""
    for name, value in settings.items():
        check_number(name, value, least, most)


def check_flags(**settings: Any) -> None:
    """Raise TypeError for a setting that is not True or False: words, which would all count as True, and numbers.

    Examples
    --------
    >>> from agrad.checks import check_flags
    >>> check_flags(bias="no")
    Traceback (most recent call last):
        ...
    TypeError: bias must be True or False, not 'no'
    """
    for name, value in settings.items():
        if type(value).__name__ not in ("bool", "bool_"):  # Python's and NumPy's
            raise TypeError(f"{name} must be True or False, not {_shown(value)}")


def check_flags_of(function: Callable[..., Any], settings: Mapping[str, Any]) -> None:
    """Raise as `check_flags` for those settings whose default in a function's signature is True or False."""
    check_flags(**{name: settings[name] for name in _flags(function) if name in settings})


@cache
def _flags(function: Callable[..., Any]) -> list[str]:
    parameters = signature(function).parameters.values()
    return [p.name for p in parameters if isinstance(p.default, bool)]


def check_one_of(name: str, value: Any, known: Iterable[str]) -> Any:
    """Return an argument that must be one of the known strings; ValueError if it is not."""
    words = list(known)
    if not isinstance(value, str) or value not in words:
        *most, last = map(repr, words)
        raise ValueError(f"{name} must be {', '.join(most)} or {last}, not {_shown(value)}")
    return value


def as_list(what: str, values: Any) -> list[Any]:
    """Return an iterable of values as a list; TypeError if it is not iterable, or is a string."""
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes)):
        raise TypeError(f"{what} must be in a list, not {_shown(values)}")
    return list(values)


def check_callable(what: str, function: Any, remedy: str = "") -> None:
    """Raise TypeError if `function` is not callable; in the message, `what` is the name of what takes it."""
    if not callable(function):
        raise TypeError(f"{what} takes a function, not {_described(function)}{f'; {remedy}' if remedy else ''}")


def check_tensors(**inputs: Any) -> None:
    """Raise TypeError for an input, given by name, that is neither a Tensor nor an array."""
    for name, value in inputs.items():
        if not hasattr(value, "shape"):
            raise TypeError(f"{name} must be a Tensor, not {type(value).__name__}")


def _shown(value: Any) -> str:
    """Describe a value in a few words; for an array, say how to get its number."""
    return f"{_described(value)}; write x.item() for the number in it" if _is_array(value) else _described(value)


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "item")


def _described(value: Any) -> str:
    if _is_array(value):
        return f"a {type(value).__name__} of shape {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _range(least: float, most: float, above: float = -inf, below: float = inf) -> str:
    """Return a range in words."""
    top = f"at most {most}" if most < inf else f"below {below}" if below < inf else ""
    if above > -inf:
        return f"above {above}" + (f" and {top}" if top else "")
    if least > -inf and top:
        return f"from {least} to {top.removeprefix('at most ')}"
    return f"{least} or more" if least > -inf else top
