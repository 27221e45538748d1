"""@primitive: a forward, and one gradient rule per array argument.

A rule is a function that asks by name for what it needs::

    @primitive
    def exp(xp, x: ArrayLike, /):
        return xp.exp(x)

    exp.vjp(x=lambda g, out: g * out)

`g` is the cotangent of the output, `out` the output, `xp` the namespace; any argument of the op may be named, and
``x_shape`` or ``x_dtype`` keep no array. The same rule runs on raw arrays and, for higher orders, on Tensors.

Calls are compiled of short texts: see `codegen`. What a call leaves on the tape is made in `recording`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial, update_wrapper
from inspect import Parameter  # noqa: F401 - what ops are compiled of asks for it
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, overload

from .. import backends
from . import errors, rules
from .codegen import call_text, default_values, make, make_at_first_call
from .device import Device
from .dtypes import from_native
from .grad_mode import recording
from .lifting import lifted
from .observing import observe, observers  # noqa: F401 - what ops are compiled of asks for them
from .recording import RulePlan
from .tape import Pick
from .tensor import PLAIN, SCALARS, Tensor, convert, wrap  # noqa: F401 - as observers

if TYPE_CHECKING:
    from typing import Concatenate, ParamSpec, Protocol, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")
    R_co = TypeVar("R_co", covariant=True)

    class Primitive(Protocol[P, R_co]):
        """An op: a recorded function with gradient rules."""

        __name__: str
        definition: Definition
        forward: Callable[..., Any]

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
            """Compute, and record where a gradient is wanted."""

        def vjp(self, **rules: Callable[..., Any]) -> None:
            """Set the gradient rules, one per array argument."""


__all__ = ["ArrayLike", "Definition", "prepare", "primitive", "refuses", "standard", "unwrap_sequence"]


# A Tensor, a number, a nested list or an array of an array library. @primitive reads it from the annotations.
ArrayLike: TypeAlias = Annotated[Any, "ArrayLike"]
registry: dict[str, Definition] = {}
# Settings that other libraries name otherwise, and keywords that they give to ops without such settings.
_RENAMED: Final = {"axes", "axis", "k", "shape", "source"}
_REFUSED: Final = ("input", "other", "out")


@overload
def primitive(forward: Callable[Concatenate[Any, P], R], /) -> Primitive[P, R]: ...
@overload
def primitive(
    *, residuals: Sequence[str]
) -> Callable[[Callable[Concatenate[Any, P], tuple[R, Any]]], Primitive[P, R]]: ...
def primitive(forward: Any = None, /, *, residuals: Sequence[str] = ()) -> Any:
    """Make an op of a forward on raw arrays.

    Parameters
    ----------
    forward : callable
        Takes the namespace `xp`, then the array arguments (those annotated `ArrayLike`, or one
        ``Sequence[ArrayLike]``), then whatever else the op needs.
    residuals : sequence of str
        The names of what the forward saves for its rules beside its arguments and outputs: it then returns a pair of
        its output and a tuple of these. Rules ask for them by name. In a backward pass that is recorded, a rule gets
        None for those that are floating, whose history is not recorded, and computes them again.

    Returns
    -------
    callable
        The op: a function on Tensors with the forward's signature without `xp`. Its method `vjp` sets the rules, one
        per argument; an argument without a rule is a constant. A rule is a function that asks by name for what it
        needs: first `g`, the cotangent of the output, then any of `out`, `xp`, the op's arguments, the residuals, and
        ``x_shape`` or ``x_dtype`` of an argument `x`, for which no array is saved. Parameters with defaults and other
        names are its own, and come last. It is written in operators and functions of `xp`, so that it runs on arrays
        and, for higher orders, on Tensors; it need not undo broadcasting.

    Raises
    ------
    TypeError
        By `vjp`, if a rule is for or asks for what the op does not have; in the backward pass, if it returns
        something else than a floating array.
    ValueError
        In the backward pass, if a rule returns a wrong shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad import ArrayLike
    >>> @agrad.primitive
    ... def cube(xp, x: ArrayLike, /):
    ...     return x * x * x
    >>> cube.vjp(x=lambda g, x: 3 * x * x * g)
    >>> x = agrad.tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    Tensor(12., dtype=float32, device='cpu')
    """
    if forward is None:
        return partial(primitive, residuals=residuals)
    return _op(Definition(forward, residuals=residuals))


def standard(forward: Callable[Concatenate[Any, P], R], /) -> Primitive[P, R]:
    """Make an op of a forward that only hands its arguments on to the namespace's function of its own name.

    As `primitive`, and the op calls that function itself: without the call between, a small op is a twentieth faster.

    Examples
    --------
    >>> import agrad
    >>> from agrad.core.primitive import ArrayLike, standard
    >>> @standard
    ... def cos(xp, x: ArrayLike, /):
    ...     return xp.cos(x)
    >>> cos(0.0)
    Tensor(1., dtype=float32, device='cpu')
    """
    return _op(Definition(forward, standard=True))


def refuses(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Name keywords that other libraries give to an op, so that it answers them by an error.

    Every op answers ``input=``, ``other=`` and ``out=``; each name costs a hundredth of a small op.

    Examples
    --------
    >>> from agrad.core.primitive import ArrayLike, primitive, refuses
    >>> @primitive
    ... @refuses("decimals")
    ... def round_half(xp, x: ArrayLike, /):
    ...     return xp.round(x)
    >>> round_half(0.25, decimals=1)
    Traceback (most recent call last):
        ...
    TypeError: round_half() does not take decimals=1; its arguments are x
    """

    def mark(forward: Callable[P, R]) -> Callable[P, R]:
        forward.refused = names  # type: ignore[attr-defined]
        return forward

    return mark


def _op(definition: Definition) -> Any:
    op: Any = update_wrapper(definition.compile(), definition.forward)
    op.__signature__, op.definition, op.vjp = definition.signature, definition, definition.vjp
    op.forward = definition.forward  # for rules that need another op on raw arrays
    return op


class Definition:
    """What is known of a primitive: its parameters, its rules, and the plans made of them so far.

    Attributes
    ----------
    name : str
    arrays, settings : list of str
        The names of its array arguments, and of the others.
    sequence : bool
        Whether its array argument is a sequence of arrays.
    forward : callable
    standard : bool
        Whether the forward is the namespace's function of that name.
    residuals : tuple of str
    frame : str
        What there is at a call: the names of the arguments, of the raw arrays and of the device.
    advice : callable
        Takes the inputs of a call that failed, by name; returns a better error than the library's, or None.
    known : dict
        What a rule can ask for, and the expression that finds it in a frame.
    renamed : bool
        Whether it takes any arguments, to raise an error that says what to write: other libraries name its settings
        otherwise.
    refused : list of str
        If not, the keywords that it takes for that; see `refuses`.
    """

    def __init__(self, forward: Callable[..., Any], standard: bool = False, residuals: Sequence[str] = ()) -> None:
        self.name, self.forward = forward.__name__, forward
        self.standard, self.residuals = standard, tuple(residuals)
        parameters = [*inspect.signature(forward).parameters.values()]
        annotated = ["ArrayLike" in str(p.annotation) for p in parameters]
        if annotated[:1] != [False] or not any(annotated):
            raise errors.wrong_forward(self.name, parameters)
        del parameters[0]  # xp
        self.signature = inspect.Signature(parameters)
        self.keywords = [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
        self.positional = [p.name for p in parameters if p.name not in self.keywords]
        self.arrays = [p.name for p in parameters if "ArrayLike" in str(p.annotation)]
        self.settings = [p.name for p in parameters if p.name not in self.arrays]
        self.sequence = "Sequence" in str(parameters[0].annotation)
        self.renamed = not _RENAMED.isdisjoint(self.settings)
        refused = () if self.renamed else (*_REFUSED, *getattr(forward, "refused", ()))
        self.refused = [x for x in refused if x not in self.arrays + self.settings]
        self.frame = ", ".join([*self.arrays, *(f"_data_{x}" for x in self.arrays), *self.settings, "_device"])
        # A list might be changed until the backward pass.
        self.known = {x: f"tuple({x}) if type({x}) is list else {x}" for x in self.settings}
        part = "[array.{1} for array in _data_{0}]" if self.sequence else "getattr(_data_{0}, '{1}', ())"
        self.known |= {f"{x}_{what}": part.format(x, what) for x in self.arrays for what in ("shape", "dtype")}
        self.known |= {"xp": "_device.xp", "out": "out"} | {x: f"_data_{x}" for x in self.arrays}
        self.known |= {x: x for x in self.residuals}
        self.rules: dict[str, tuple[Callable[..., Any], list[str]]] = {}
        self.plans: dict[int, RulePlan] = {}
        self.advice: Callable[[dict[str, Any]], Exception | None] = lambda inputs: None
        registry[f"{forward.__module__}.{self.name}"] = self

    def compile(self, again: Callable[..., Any] | None = None, method: inspect.Signature | None = None) -> Any:
        """Return the function of the op, which is compiled when it is first called.

        Parameters
        ----------
        again : callable, optional
            What it calls with its own arguments where one of them is no Tensor and no number; by default it prepares
            the arguments, and calls itself.
        method : Signature, optional
            What it takes as a method, where that is not what the op takes.
        """
        known = globals() | {"definition": self, "forward": self.forward, "plans": self.plans, "new": object.__new__}

        def made() -> Any:
            text = call_text(self, self.standard, "again" if again else None, method)
            title = "Tensor." * bool(method) + self.name + " as an operator" * bool(again)
            function = make(text, known, title, self.name)
            function.__defaults__ = (
                self.forward.__defaults__ if again else default_values(self, method or self.signature)
            )
            function.__kwdefaults__ = self.forward.__kwdefaults__
            return function

        op = make_at_first_call(made, known, self.name)
        known |= {"op": op, "again": again}
        return op

    def vjp(self, **functions: Callable[..., Any]) -> None:
        """Set the gradient rules; TypeError if one is for, or asks for, what the op does not have."""
        for name, function in functions.items():
            g, *asks = rules.asked(function, self.known) or [""]
            if name not in self.arrays or g != "g" or not self.known.keys() >= set(asks):
                raise errors.wrong_rule(self.name, name, [g, *asks], self.arrays, self.known)
            self.rules[name] = rules.checked(name, self.sequence, function, asks)
        self.plans.clear()

    def plan(self, mask: int) -> RulePlan:
        """Return the plan for a call in which the arguments of the bits of `mask` need gradients."""
        return self.plans.get(mask) or self.plans.setdefault(mask, RulePlan(self, mask))

    def inputs(self, frame: tuple[Any, ...]) -> dict[str, Any]:
        """Return the arguments of a call by name, arrays raw."""
        return dict(zip([*self.arrays, *self.settings], frame[len(self.arrays) : -1], strict=True))

    def run(self, device: Device, inputs: dict[str, Any]) -> Any:
        """Call the forward."""
        given = [inputs[x] for x in self.positional]
        return self.forward(device.xp, *given, **{x: inputs[x] for x in self.keywords})

    def retry(self, error: Exception, frame: tuple[Any, ...]) -> Any:
        """Return the output of a call that failed because a program's filters make errors of NumPy's warnings.

        Infinite and NaN results are meant to pass, and to ask for that at every call costs a third of a small op. Any
        other error is told with the op's name and inputs.
        """
        inputs, device = self.inputs(frame), frame[-1]
        if isinstance(error, RuntimeWarning):
            with device.backend.without_warnings():
                return self.run(device, inputs)
        settings = {name: inputs[name] for name in self.settings}
        raise errors.in_op(self.name, self.advice(inputs) or error, frame[: len(self.arrays)], settings) from error

    def finish(self, out: Any, device: Device, mask: int, frame: tuple[Any, ...]) -> Any:
        """Wrap and record what is no plain array: a scalar of the library, several outputs, one beside residuals."""
        plan = self.plan(mask) if mask and recording.get() else None
        if self.residuals:
            out, residuals = out
            frame = (*frame, *residuals)
        if not isinstance(out, (tuple, list)):
            out = device.backend.box(out)
            plan = plan if from_native(out.dtype).differentiable else None
            return wrap(out, device, plan and plan.record(*frame, out, out))
        arrays = [device.backend.box(array) for array in out]
        tensors = [wrap(array, device) for array in arrays]
        like = SimpleNamespace(shape=[array.shape for array in arrays], dtype=[array.dtype for array in arrays])
        if plan and (node := plan.record(*frame, arrays, like)):
            for i, tensor in enumerate(tensors):
                if tensor.dtype.differentiable:
                    tensor._node = Pick.node(node, i, tensor._data)
        return type(out)(*tensors) if hasattr(out, "_fields") else type(out)(tensors)


def prepare(arrays: Sequence[Any]) -> list[Any]:
    """Return array arguments as Tensors and plain numbers: at least one Tensor, the host's arrays on its device."""
    device = next((x._device for x in arrays if isinstance(x, Tensor)), None)
    tracked = any(isinstance(x, Tensor) and x._node is not None for x in arrays) and recording.get()
    operands = [_operand(x, device, tracked) for x in arrays]
    if not any(isinstance(x, Tensor) for x in operands):
        operands[0] = wrap(*convert(operands[0], None, None))
    return operands


def _operand(x: Any, device: Device | None, tracked: bool) -> Any:
    """Return an array argument as a Tensor or a plain number: beside a Tensor, NumPy's numbers count as Python's.

    Where the op is recorded it shares no memory with what the caller gave: that could change without the tape seeing.
    """
    if isinstance(x, Tensor) or type(x) in PLAIN:
        return x
    if device is not None and backends.is_number(x):
        return x.item()
    place = device if backends.is_host(x) else None
    return wrap(*convert(x, None, place, copy=tracked or None))


def unwrap_sequence(op: str, arrays: Iterable[Any]) -> tuple[list[Tensor], list[Any], Device, int]:
    """Return a sequence of arrays as Tensors and raw, their device, and whether any of them needs gradients."""
    listed = list(arrays) if isinstance(arrays, Iterable) else None
    if not listed:
        kind = TypeError if listed is None else ValueError
        raise kind(f"{op} takes a list of at least one array, not {errors.describe(arrays)}")
    given = prepare(listed)
    device = next(x._device for x in given if isinstance(x, Tensor))
    tensors = [x if isinstance(x, Tensor) else wrap(*convert(x, None, device)) for x in given]
    if any(x._device is not device for x in tensors):
        tensors = lifted(op, tensors)
        device = tensors[0]._device
    return tensors, [x._data for x in tensors], device, any([x._node is not None for x in tensors])
