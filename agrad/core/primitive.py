"""@primitive: a forward, and one gradient rule per array argument.

A rule is a function that asks by name for what it needs::

    @primitive
    def exp(xp, x: ArrayLike, /):
        return xp.exp(x)

    exp.vjp(x=lambda g, out: g * out)

`g` is the cotangent of the output, `out` the output, `xp` the namespace; any argument of the op may be named, and
``x_shape`` or ``x_dtype`` keep no array. The same rule runs on raw arrays and, for higher orders, on Tensors.

Calls are compiled of short texts: see `codegen`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial, update_wrapper
from inspect import Parameter  # noqa: F401 - what ops are compiled of asks for it
from types import NoneType, SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, overload

from .. import backends
from . import errors, rules, tape
from .codegen import call_text, default_values, make, make_at_first_call, record_text, rule_text
from .device import Device
from .dtypes import from_native
from .grad_mode import recording
from .lifting import lifted
from .observing import observe, observers  # noqa: F401 - what ops are compiled of asks for them
from .tape import Node, Pick, tick, unchanged
from .tensor import LEAF, SCALARS, Tensor, convert, wrap

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


__all__ = ["ArrayLike", "Definition", "RulePlan", "prepare", "primitive", "refuses", "standard", "unwrap_sequence"]


# A Tensor, a number, a nested list or an array of an array library. @primitive reads it from the annotations.
ArrayLike: TypeAlias = Annotated[Any, "ArrayLike"]
registry: dict[str, Definition] = {}
PLAIN: Final = SCALARS | {NoneType}
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


class RulePlan:
    """The plan of a call in which some of the arguments need gradients: what to save of it, and which rules to run.

    Attributes
    ----------
    record : callable
        Makes the Node of a call, or returns None if no argument that needs a gradient has a rule.

    The others are those of `tape.Plan`.
    """

    portable = True

    def __init__(self, definition: Definition, mask: int) -> None:
        self.name, self.sequence, self.arrays = definition.name, definition.sequence, definition.arrays
        self.residuals = definition.residuals
        self.tracked = {i: x for i, x in enumerate(self.arrays) if mask >> i & 1 and x in definition.rules}
        rules = {name: definition.rules[name] for name in self.tracked.values()}
        asked = [name for _, asks in rules.values() for name in asks]
        self.saves = list(dict.fromkeys(["xp", *asked])) + ["the places of the parents"] * self.sequence
        self.saves_arrays = any(name in (*self.arrays, *self.residuals, "out") for name in self.saves)
        self.record = self._recorder(definition, {f"rule_of_{x}": self._runner(x, *rule) for x, rule in rules.items()})

    def _runner(self, argument: str, rule: Callable[..., Any], asks: list[str]) -> Any:
        """Return a rule as a function of the cotangent and of all saved values."""
        if rule is unchanged:
            return rule
        text = rule_text(argument, [self.saves.index(name) for name in asks], self.sequence)
        known = {"rule": rule, "explain": partial(errors.in_rule, self.name, argument, rule, asks)}
        return make(text, known, f"{self.name}: the rule of {argument}")

    def _recorder(self, definition: Definition, rules: dict[str, Any]) -> Any:
        if not self.tracked:
            return lambda *_: None
        first, has_node = self.arrays[0], "if (_n := x._node) is not None"
        edges = [f"({x} if (_n := {x}._node) is LEAF else _n, rule_of_{x})" for x in self.tracked.values()]
        if self.sequence:
            edges = [f"*[(x if _n is LEAF else _n, rule_of_{first}) for x in {first} {has_node}]"]
        places = f"[i for i, x in enumerate({first}) {has_node}]"
        saved = [definition.known.get(name, places) for name in self.saves]
        known = rules | {"Node": Node, "LEAF": LEAF, "plan": self, "new": object.__new__, "tick": tick}
        text = record_text(", ".join([definition.frame, *self.residuals]), edges, saved)
        return make(text, known, f"{self.name}: the record for {', '.join(self.tracked.values())}")

    def run_sequence_rule(
        self, edges: Sequence[Any], g: Any, saved: Sequence[Any]
    ) -> list[tuple[Any, Callable[..., Any]]]:
        """Run the rule of an op over a sequence once; return edges that hold what it found for each parent."""
        return [(parent, lambda *_, x=x: x) for (parent, _), x in zip(edges, edges[0][1](g, saved), strict=True)]

    def unpack(self, node: Node, saved: Sequence[Any]) -> list[Any]:
        """Return saved values as Tensors with their places on the tape, so that rules that use them are recorded."""
        parents = [parent for parent, _ in node.edges]
        entries = dict(zip(saved[-1] if self.sequence else self.tracked, parents, strict=True))
        values = [tape.namespace]
        for name, value in zip(self.saves[1:], saved[1:], strict=True):
            if name == "out":
                value = _outputs(node, value)
            elif name in self.residuals:
                value = _residual(value, node.device)
            elif name in self.arrays and self.sequence:
                value = [self._argument(x, entries.get(i), node.device) for i, x in enumerate(value)]
            elif name in self.arrays:
                value = self._argument(value, entries.get(self.arrays.index(name)), node.device)
            values.append(value)
        return values

    def _argument(self, x: Any, entry: Any, device: Device) -> Any:
        """Return a saved argument as a Tensor at its place on the tape, or a number as it is."""
        if isinstance(entry, Tensor):
            if entry._data is not x:
                raise errors.changed(self.name)  # it was given another array, as JAX's arrays are written to
            return entry
        return x if type(x) in PLAIN else wrap(x, device, entry)


def _outputs(node: Node, out: Any) -> Any:
    """Return a saved output, or several, as Tensors at their places on the tape."""
    if isinstance(out, list):
        return [wrap(x, node.device, Pick.node(node, i, x)) for i, x in enumerate(out)]
    return wrap(out, node.device, node)


def _residual(x: Any, device: Device) -> Any:
    """Return a residual as a constant, or None for one that is floating: its derivative is not known."""
    return None if from_native(x.dtype).differentiable else wrap(x, device)
