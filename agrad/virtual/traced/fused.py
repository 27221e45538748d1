"""Functions of a backend that do several steps in a kernel of their own, recorded as one call each.

Where the backend below has no such kernel, the steps are recorded, which a program can share and compute in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...backends.base import Backend
from ...backends.cross_entropy import gradient_in_place
from ...backends.typing import Array
from ..base import VirtualBackend
from .recording import PURE, WRITE, Trace

__all__ = ["FusedBackend"]


def _recorded(name: str, record: Callable[..., Any]) -> Any:
    """Return a method which records a call of the same method below, if that is among the backend's `fused`."""
    generic = getattr(Backend, name)

    def method(self: FusedBackend, *args: Any) -> Any:
        if name not in self.below.fused:
            return generic(self, *args)
        return record(self._trace_in(args), name, getattr(self.below, name), args)

    return method


def _pure(name: str) -> Any:
    return _recorded(name, lambda trace, name, function, args: trace.run(PURE, name, function, *args))


def _losses(trace: Trace, name: str, function: Callable[..., Any], args: Any) -> Any:
    """Record a call that returns an array, and others in a tuple."""

    def flat(*args: Any) -> Any:
        out, saved = function(*args)
        return out, *saved

    out, *saved = trace.run(PURE, name, flat, *args)
    return out, tuple(saved)


class FusedBackend(VirtualBackend):
    """The part of `TracedBackend` for such functions.

    Attributes
    ----------
    below : Backend
        The backend of the arrays that the traced ones hold.
    array_type : type
        The class of the traced arrays.
    """

    below: Backend
    array_type: Any

    def _trace_in(self, args: Any) -> Trace:
        trace: Trace = next(x if type(x) is Trace else x.trace for x in args if type(x) in (Trace, self.array_type))
        return trace

    softmax, softmax_input, where_nonzero = map(_pure, ("softmax", "softmax_input", "where_nonzero"))
    standardize, standardize_input, moments = map(_pure, ("standardize", "standardize_input", "moments"))
    softmax_nll = _recorded("softmax_nll", _losses)
    _softmax_nll_input = _pure("softmax_nll_input")

    def softmax_nll_input(self, g: Array, input: Array, target: Array, reduction: str, *settings: Any) -> Any:
        *special, (exponentials, total) = settings
        if not self.below.puts_numbers or any(special):
            return self._softmax_nll_input(g, input, target, reduction, *settings)
        return gradient_in_place(self, g, exponentials / total[:, None], target, reduction)

    bias_relu, bias_relu_inputs = map(_pure, ("bias_relu", "bias_relu_inputs"))
    convolve_with_bias, convolve_by_channel = map(_pure, ("convolve_with_bias", "convolve_by_channel"))
    interpolate = _recorded("interpolate", lambda trace, name, function, args: trace.run(WRITE, name, function, *args))
    dropout_mask = _recorded("dropout_mask", lambda trace, name, function, args: trace.draw(name, function, *args))
