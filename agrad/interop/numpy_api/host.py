"""Functions without a counterpart in agrad: NumPy's own run, if no argument requires gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from ...core.tensor import Tensor
from .arguments import tensors_in

__all__ = ["REMEDIES", "cannot_write", "detached", "is_tracked", "read", "refusal", "run"]

# What to write instead of a NumPy function that has no gradient.
REMEDIES: Final = {
    "numpy.histogram": "agrad.sigmoid((x - edge) / width) for counts that change smoothly",
    "numpy.frexp": "agrad.log2(agrad.abs(x)) for an exponent that changes smoothly",
}


def is_tracked(values: Any) -> bool:
    """Whether a Tensor among the arguments requires gradients."""
    return any(x.requires_grad for x in tensors_in(values))


def detached(values: Any) -> Any:
    """Return arguments with Tensors converted to NumPy arrays, detached."""
    return _mapped(values, lambda x: x.detach().numpy())


def read(values: Any, name: str, why: str = "") -> Any:
    """Return arguments with Tensors converted to NumPy arrays.

    Raises
    ------
    RuntimeError
        If one of them requires gradients.
    TypeError
        If one is on a GPU.
    """

    def as_numpy(x: Tensor) -> Any:
        if x.requires_grad:
            raise refusal(name, why)
        if x.device.kind == "cuda":
            raise TypeError(f"{name} runs only on the CPU{_because(why)}; write x.numpy() for a Tensor on {x.device}")
        return x.numpy()

    return _mapped(values, as_numpy)


def _mapped(values: Any, function: Callable[[Tensor], Any]) -> Any:
    if isinstance(values, Tensor):
        return function(values)
    if isinstance(values, dict):
        return {name: _mapped(value, function) for name, value in values.items()}
    if type(values) in (list, tuple):
        return type(values)(_mapped(value, function) for value in values)
    return values


def _because(why: str) -> str:
    return f" with {why}" if why else ""


def refusal(name: str, why: str = "", detached: str = "x.detach().numpy()") -> RuntimeError:
    """Return the error for a function of NumPy or CuPy that would lose gradients."""
    remedy = f", or {REMEDIES[name]}" if name in REMEDIES else ""
    return RuntimeError(
        f"{name}{_because(why)} of a Tensor that requires gradients would lose them: it has no counterpart in agrad; "
        f"write {detached} if you need no gradient{remedy}"
    )


def cannot_write(name: str, why: str = "") -> TypeError:
    """Return the error for a NumPy function that would write to a copy of a Tensor."""
    return TypeError(f"{name}{_because(why)} cannot write to an agrad Tensor; write x[key] = v instead")


def run(function: Callable[..., Any], args: Any, kwargs: Any, name: str, why: str = "") -> Any:
    """Call NumPy's function with Tensors converted to NumPy arrays; raises as `read` does."""
    if any(_outputs(kwargs)):
        raise cannot_write(name, why)
    return function(*read(args, name, why), **read(kwargs, name, why))


def _outputs(kwargs: dict[str, Any]) -> Iterator[bool]:
    out = kwargs.get("out")
    return (isinstance(x, Tensor) for x in (out if isinstance(out, tuple) else (out,)))
