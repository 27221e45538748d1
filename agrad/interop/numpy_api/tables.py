"""The tables of all modules merged, and the look-up of agrad's counterpart of a NumPy function."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final

from ...core import errors
from ...core.tensor import Tensor
from . import calculus, choosing, creation, fourier, joining, linear_algebra, polynomials, reductions, shapes
from .arguments import Unsupported, is_default
from .choosing import WRITERS
from .elementwise import UFUNCS

__all__ = [
    "FUNCTIONS", "PRINTED", "READERS", "SHAPE_ONLY", "UFUNCS", "WRITERS", "Counterpart", "counterpart_of",
    "cupy_name", "name_of", "of_cupy", "of_ufunc", "write",
]  # fmt: skip

# By the name in numpy, with the prefix "linalg." or "fft." for numpy.linalg and numpy.fft.
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **calculus.TABLE,
    **choosing.TABLE,
    **creation.TABLE,
    **fourier.TABLE,
    **joining.TABLE,
    **linear_algebra.TABLE,
    **polynomials.TABLE,
    **reductions.TABLE,
    **shapes.TABLE,
}

# Functions that use only shapes: NumPy's own code accepts a Tensor.
SHAPE_ONLY: Final = frozenset({
    "diag_indices_from", "ndim", "shape", "size", "tril_indices_from", "triu_indices_from",
})  # fmt: skip

# Libraries convert their arguments with these, as with np.asarray: a Tensor that needs no gradient becomes an array.
READERS: Final = frozenset({"atleast_1d", "atleast_2d", "atleast_3d"})

# Functions that return text: they detach, since no gradient flows through text.
PRINTED: Final = frozenset({"array2string", "array_repr", "array_str"})


@cache
def name_of(function: Any) -> str:
    """Return the name of a function in the tables; "" if it is not NumPy's."""
    module = getattr(function, "__module__", None) or ""
    if module != "numpy" and not module.startswith("numpy."):
        return ""
    return f"{module}.{function.__name__}".removeprefix("numpy.")


class Counterpart:
    """agrad's version of a NumPy function, called with NumPy's arguments.

    It may lack some of NumPy's parameters; a call can pass those only with NumPy's default value.
    """

    def __init__(self, ours: Callable[..., Any], theirs: Any) -> None:
        mine, known = inspect.signature(ours).parameters, _parameters(theirs)
        kinds = {parameter.kind for parameter in mine.values()}
        self.ours = ours
        self.names = mine.keys()
        self.takes_all_names = inspect.Parameter.VAR_KEYWORD in kinds
        self.order = [name for name, p in known.items() if p.kind <= inspect.Parameter.POSITIONAL_OR_KEYWORD]
        self.defaults = {name: parameter.default for name, parameter in known.items()}
        self.shared = sys.maxsize  # how many leading parameters are the same as NumPy's
        if self.order and inspect.Parameter.VAR_POSITIONAL not in kinds:
            self.shared = _alike(list(mine.values()), self.order)

    def __call__(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Call it; Unsupported if a parameter that it lacks is given."""
        named = kwargs | dict(zip(self.order[self.shared :], args[self.shared :], strict=False))
        out = named.pop("out", None)
        if out is not None and not isinstance(out, Tensor):
            raise Unsupported("a NumPy array for out=")
        for name in [] if self.takes_all_names else named.keys() - self.names:
            value = named.pop(name)
            if not is_default(value, self.defaults.get(name)):
                raise Unsupported(f"{name}={errors.describe(value)}")
        result = self.ours(*args[: self.shared], **named)
        return result if out is None else write(out, result)


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except ValueError:  # a function in C without a signature, in some versions of NumPy
        return {}


def _alike(mine: list[inspect.Parameter], order: list[str]) -> int:
    """Return how many arguments can be passed on by position: those with the same names in the same order."""
    for i, parameter in enumerate(mine):
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            continue
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY or order[i : i + 1] != [parameter.name]:
            return i
    return len(mine)


def write(out: Tensor, result: Any) -> Tensor:
    """Write a result to the Tensor `out`; gradients flow through."""
    if out.shape != result.shape:
        raise ValueError(f"out= must have the shape {result.shape} of the result, not {out.shape}; or omit out=")
    out[...] = result
    return out


@cache
def counterpart_of(function: Any) -> Counterpart | None:
    """Return agrad's counterpart of a NumPy function; None if there is none."""
    ours = FUNCTIONS.get(name_of(function))
    return None if ours is None else Counterpart(ours, function)


@cache
def of_ufunc(ufunc: Any) -> Callable[..., Any] | None:
    """Return agrad's counterpart of a ufunc of NumPy or scipy.special; None if there is none."""
    name = ufunc.__name__
    if getattr(sys.modules.get("numpy"), name, None) is ufunc:
        return UFUNCS.get(name)
    if getattr(sys.modules.get("scipy.special"), name, None) is ufunc:
        special = import_module("agrad.special")
        return getattr(special, name) if name in special.__all__ else None
    return None


def cupy_name(kernel: Any) -> str:
    """Return the name of a CuPy ufunc as NumPy or scipy.special have it: "sin" for "cupy_sin"."""
    name = re.sub(r"^cupyx_scipy_(special_)?|^cupy_", "", kernel.name)
    return {"true_divide": "divide"}.get(name, name)


@cache
def of_cupy(kernel: Any) -> Callable[..., Any] | None:
    """Return agrad's counterpart of a CuPy ufunc, which may be one of cupyx.scipy.special; None if there is none."""
    if type(kernel).__name__ != "ufunc":
        return None
    name = cupy_name(kernel)
    special = import_module("agrad.special")
    return UFUNCS.get(name) or FUNCTIONS.get(name) or (getattr(special, name) if name in special.__all__ else None)
