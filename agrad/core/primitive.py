"""@primitive: a forward, and one gradient rule per array argument.

A rule is a function that asks by name for what it needs::

    @primitive
    def tanh(xp, x: ArrayLike, /):
        return xp.tanh(x)

    tanh.vjp(x=lambda g, out: g - g * out * out)

`g` is the cotangent of the output, `out` the output, `xp` the namespace; any argument of the op may be named, and
``x_shape`` or ``x_dtype`` keep no array. The same rule runs on raw arrays and, for higher orders, on Tensors.

Calls are compiled: an op's function and what it records are made of short source texts, once, because loops over
arguments and lookups by name at every call made a small op cost twice as much.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial, update_wrapper
from types import NoneType, SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from .. import backends
from . import errors, rules, tape
from .device import Device
from .dtypes import from_native
from .observing import observe, observers  # noqa: F401 - what ops are compiled of asks for them
from .recording import recording
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


__all__ = ["ArrayLike", "Definition", "Plan", "primitive", "standard"]


# A Tensor, a number, a nested list or an array of an array library. @primitive reads it from the annotations.
ArrayLike: TypeAlias = Annotated[Any, "ArrayLike"]
registry: dict[str, Definition] = {}
_PLAIN: Final = SCALARS | {NoneType}


def primitive(forward: Callable[Concatenate[Any, P], R], /) -> Primitive[P, R]:
    """Make an op of a forward on raw arrays.

    Parameters
    ----------
    forward : callable
        Takes the namespace `xp`, then the array arguments (those annotated `ArrayLike`, or one
        ``Sequence[ArrayLike]``), then whatever else the op needs. What it keeps from its inputs for its rule, beyond
        arguments and outputs, may only be integers and booleans, or what the rule computes anew on Tensors.

    Returns
    -------
    callable
        The op: a function on Tensors with the forward's signature without `xp`. Its method `vjp` sets the rules, one
        per argument; an argument without a rule is a constant. A rule is a function that asks by name for what it
        needs: first `g`, the cotangent of the output, then any of `out`, `xp`, the op's arguments, and ``x_shape`` or
        ``x_dtype`` of an argument `x`, for which no array is kept. Parameters with defaults and other names are its
        own, and come last. It is written in operators and functions of `xp`, so that it runs on arrays and, for
        higher orders, on Tensors; it need not undo broadcasting.

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
    return _op(forward, "forward(_device.xp, ")


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
    return _op(forward, "_device.xp.by_name(")


def _op(forward: Any, call: str) -> Any:
    definition = Definition(forward)
    op: Any = update_wrapper(definition.compile(forward, call), forward)
    op.__signature__, op.definition, op.vjp = definition.signature, definition, definition.vjp
    op.call, op.forward = call, forward  # the forward for rules that need another op on raw arrays
    return op


# An op's function, from its signature. What is not a Tensor or a plain number goes through _prepared and comes again.
_OP: Final = """
def op{signature}:
    _device, _mask = None, 0
    {unwrap}
    if _device is None: return op({again})
    if observers: return observe(definition, _mask, ({frame}))
    try: _out = {call})
    except Exception as error: raise errors.in_op(definition.name, error, ({arrays},), dict({settings})) from error
    if type(_out) is not _device.array_type: return definition.finish(_out, _device, _mask, ({frame}))
    result = new(Tensor)
    result._data, result._device, result._node = _out, _device, None
    if _mask and recording.get(){only}:
        result._node = (plans.get(_mask) or definition.plan(_mask)).record({frame}, _out, _out)
    return result
"""
_UNWRAP: Final = """
    if isinstance({x}, Tensor):
        if {x}._device is not _device:
            if _device is not None: raise errors.mixed_devices(definition.name, [_device.name, {x}._device.name])
            _device = {x}._device
        if {x}._node is not None: _mask += {bit}
        _data_{x} = {x}._data
    elif type({x}) in {plain}: _data_{x} = {x}
    elif {x} is None: raise errors.no_array(definition.name, "{x}")
    else: return op({again})
"""
_compiled: Final = cache(lambda source: compile(source, "<op>", "exec"))  # once for all ops of one signature


def _function(name: str, source: str, known: dict[str, Any], **names: str) -> Any:
    """Return the function that a source text defines, with other names in it.

    Its code is its own, though texts alike are compiled once: the interpreter adapts code to what that meets.
    """
    exec(_compiled(source), known)
    function = known[name]
    function.__code__ = function.__code__.replace(co_names=tuple(names.get(x, x) for x in function.__code__.co_names))
    return function


_UNWRAP_SEQUENCE: Final = "{x}, _data_{x}, _device, _mask = _unwrapped(definition.name, {x})"


# What makes the Node of a call: Node.__init__, without the call of it, which is a thirtieth of a small op.
_RECORD: Final = """
def record({frame}, out, like):
    node = new(Node)
    node.number, node.plan, node.device = tick(), plan, _device
    node.edges, node.kept = ({edges},), ({kept},)
    node.shape, node.dtype = like.shape, like.dtype
    return node
"""


# What runs a rule, on the cotangent and what its Node keeps.
_RULE: Final = """
def call(g, kept):
    try: return {found}
    except Exception as error: raise tell(error, (g{values},)) from error
"""


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
    frame : str
        What there is at a call: the names of the arguments, of the raw arrays and of the device.
    known : dict
        What a rule can ask for, and the expression that finds it in a frame.
    """

    def __init__(self, forward: Callable[..., Any]) -> None:
        self.name, self.forward = forward.__name__, forward
        _, *parameters = inspect.signature(forward).parameters.values()
        self.signature = inspect.Signature(parameters)
        self.arrays = [p.name for p in parameters if "ArrayLike" in str(p.annotation)]
        self.settings = [p.name for p in parameters if p.name not in self.arrays]
        self.sequence = "Sequence" in str(parameters[0].annotation)
        self.frame = ", ".join([*self.arrays, *(f"_data_{x}" for x in self.arrays), *self.settings, "_device"])
        # A list might be changed until the backward pass.
        self.known = {x: f"tuple({x}) if type({x}) is list else {x}" for x in self.settings}
        part = "[array.{1} for array in _data_{0}]" if self.sequence else "getattr(_data_{0}, '{1}', ())"
        self.known |= {f"{x}_{what}": part.format(x, what) for x in self.arrays for what in ("shape", "dtype")}
        self.known |= {"xp": "_device.xp", "out": "out"} | {x: f"_data_{x}" for x in self.arrays}
        self.rules: dict[str, tuple[Callable[..., Any], list[str]]] = {}
        self.plans: dict[int, Plan] = {}
        registry[f"{forward.__module__}.{self.name}"] = self

    def compile(self, forward: Any, call: str) -> Any:
        """Return the function of the op; `call` begins the call that computes it."""
        parameters = self.signature.parameters
        settings = [f"{x}={x}" if parameters[x].kind is inspect.Parameter.KEYWORD_ONLY else x for x in self.settings]
        again = ", ".join([f"*_prepared(({', '.join(self.arrays)},))", *settings])
        unwrap = _UNWRAP_SEQUENCE if self.sequence else _UNWRAP
        plain = {x: "_PLAIN" if parameters[x].default is None else "SCALARS" for x in self.arrays}
        source = _OP.format(
            signature=inspect.Signature([_in_source(p) for p in parameters.values()]),
            unwrap="".join(
                unwrap.format(x=x, plain=plain[x], bit=1 << i, again=again) for i, x in enumerate(self.arrays)
            ),
            again=again,
            only=" and from_native(_out.dtype).differentiable" if "dtype" in self.settings else "",
            call=call + ", ".join([*(f"_data_{x}" for x in self.arrays), *settings]),
            arrays=", ".join(self.arrays),
            settings=", ".join(f"{x}={x}" for x in self.settings),
            frame=self.frame,
        )
        known = globals() | {"definition": self, "forward": forward, "plans": self.plans, "new": object.__new__}
        op = _function("op", source, known, by_name=self.name)
        op.__defaults__, op.__kwdefaults__ = forward.__defaults__, forward.__kwdefaults__
        return op

    def vjp(self, **functions: Callable[..., Any]) -> None:
        """Set the gradient rules; TypeError if one is for, or asks for, what the op does not have."""
        for name, function in functions.items():
            g, *asks = rules.asked(function, self.known) or [""]
            if name not in self.arrays or g != "g" or not self.known.keys() >= set(asks):
                raise errors.wrong_rule(self.name, name, [g, *asks], self.arrays, self.known)
            self.rules[name] = rules.checked(name, self.sequence, function, asks)
        self.plans.clear()

    def plan(self, mask: int) -> Plan:
        """Return the plan for a call in which the arguments of the bits of `mask` need gradients."""
        return self.plans.get(mask) or self.plans.setdefault(mask, Plan(self, mask))

    def finish(self, out: Any, device: Device, mask: int, frame: tuple[Any, ...]) -> Any:
        """Wrap and record what is no plain array: one of the library's scalars, or several outputs."""
        plan = self.plan(mask) if mask and recording.get() else None
        if not isinstance(out, (tuple, list)):
            out = device.backend.box(out)
            plan = plan if from_native(out.dtype).differentiable else None
            return wrap(out, device, plan and plan.record(*frame, out, out))
        raw = [device.backend.box(array) for array in out]
        tensors = [wrap(array, device) for array in raw]
        like = SimpleNamespace(shape=[array.shape for array in raw], dtype=[array.dtype for array in raw])
        if plan and (node := plan.record(*frame, raw, like)):
            for i, tensor in enumerate(tensors):
                if tensor.dtype.differentiable:
                    tensor._node = Pick.node(node, i, tensor._data)
        return type(out)(*tensors) if hasattr(out, "_fields") else type(out)(tensors)


def _in_source(parameter: inspect.Parameter) -> inspect.Parameter:
    """Return a parameter as source text: the default's value is set afterwards."""
    default = inspect.Parameter.empty if parameter.default is inspect.Parameter.empty else None
    return parameter.replace(annotation=inspect.Parameter.empty, default=default)


def _prepared(arrays: Sequence[Any]) -> list[Any]:
    """Return array arguments as Tensors and plain numbers: at least one Tensor, the host's arrays on its device."""
    if not arrays:
        raise ValueError("an op over a sequence of arrays needs at least one")
    device = next((x._device for x in arrays if isinstance(x, Tensor)), None)
    tracked = any(isinstance(x, Tensor) and x._node is not None for x in arrays) and recording.get()
    prepared = [_operand(x, device, tracked) for x in arrays]
    if not any(isinstance(x, Tensor) for x in prepared):
        prepared[0] = wrap(*convert(prepared[0], None, None))
    return prepared


def _operand(x: Any, device: Device | None, tracked: bool) -> Any:
    """Return an array argument as a Tensor or a plain number: beside a Tensor, NumPy's numbers count as Python's.

    Where the op is recorded it shares no memory with what the caller gave: that could change without the tape seeing.
    """
    if isinstance(x, Tensor) or type(x) in _PLAIN:
        return x
    if device is not None and backends.is_number(x):
        return x.item()
    place = device if backends.is_host(x) else None
    return wrap(*convert(x, None, place, copy=tracked or None))


def _unwrapped(op: str, arrays: Iterable[Any]) -> tuple[list[Tensor], list[Any], Device, int]:
    """Return a sequence of arrays as Tensors and raw, their device, and whether any of them needs gradients."""
    prepared = _prepared(list(arrays))
    device = next(x._device for x in prepared if isinstance(x, Tensor))
    tensors = [x if isinstance(x, Tensor) else wrap(*convert(x, None, device)) for x in prepared]
    if any(x._device is not device for x in tensors):
        raise errors.mixed_devices(op, [x._device.name for x in tensors])
    return tensors, [x._data for x in tensors], device, any([x._node is not None for x in tensors])


class Plan:
    """What to keep of a call, and which rules to run, when some of its arguments need gradients.

    Attributes
    ----------
    name : str
    tracked : dict
        The names of the arguments that lead on, by their places; of an op over a sequence, there is one.
    record : callable
        Makes the Node of a call, or None if no argument that needs a gradient has a rule.
    keeps : bool
        Whether arrays are kept, so that there is something to free.
    """

    def __init__(self, definition: Definition, mask: int) -> None:
        self.name, self.sequence, self.arrays = definition.name, definition.sequence, definition.arrays
        self.tracked = {i: x for i, x in enumerate(self.arrays) if mask >> i & 1 and x in definition.rules}
        rules = {name: definition.rules[name] for name in self.tracked.values()}
        asked = [name for _, asks in rules.values() for name in asks]
        self.kept = list(dict.fromkeys(["xp", *asked])) + ["the places that lead on"] * self.sequence
        self.keeps = any(name in self.arrays or name == "out" for name in self.kept)
        self.record = self._recorder(definition, {f"call_{x}": self._call(x, *rule) for x, rule in rules.items()})

    def _call(self, argument: str, rule: Callable[..., Any], asks: list[str]) -> Any:
        """Return a rule as a function of the cotangent and of all kept values."""
        if rule is unchanged:
            return rule
        known = {"rule": rule, "tell": partial(errors.in_rule, self.name, argument, rule, asks)}
        values = "".join(f", kept[{self.kept.index(name)}]" for name in asks)
        found = f"list(map(rule(g{values}).__getitem__, kept[-1]))" if self.sequence else f"rule(g{values})"
        return _function("call", _RULE.format(found=found, values=values), known)

    def _recorder(self, definition: Definition, calls: dict[str, Any]) -> Any:
        if not self.tracked:
            return lambda *_: None
        first, leads_on = self.arrays[0], "if (_n := x._node) is not None"
        edges = ", ".join(f"({x} if (_n := {x}._node) is LEAF else _n, call_{x})" for x in self.tracked.values())
        if self.sequence:
            edges = f"*[(x if _n is LEAF else _n, call_{first}) for x in {first} {leads_on}]"
        kept = ", ".join(definition.known.get(x, f"[i for i, x in enumerate({first}) {leads_on}]") for x in self.kept)
        known = calls | {"Node": Node, "LEAF": LEAF, "plan": self, "new": object.__new__, "tick": tick}
        exec(_RECORD.format(frame=definition.frame, edges=edges, kept=kept), known)
        return known.pop("record")  # out of its own globals: nothing refers to itself

    def spread(self, edges: Sequence[Any], g: Any, kept: Sequence[Any]) -> list[tuple[Any, Callable[..., Any]]]:
        """Run the rule of an op over a sequence once; return edges that hold what it found for each parent."""
        return [(parent, lambda *_, x=x: x) for (parent, _), x in zip(edges, edges[0][1](g, kept), strict=True)]

    def revive(self, node: Node, kept: Sequence[Any]) -> list[Any]:
        """Return kept values as Tensors with their places on the tape, so that rules that use them are recorded."""
        entries = dict(zip(kept[-1] if self.sequence else self.tracked, [p for p, _ in node.edges], strict=True))

        def alive(x: Any, entry: Any) -> Any:
            if isinstance(entry, Tensor) and entry._data is not x:
                raise errors.changed(self.name)  # it was given another array, as JAX's arrays are written to
            return x if type(x) in _PLAIN else entry if isinstance(entry, Tensor) else wrap(x, node.device, entry)

        values = [tape.namespace]
        for name, value in zip(self.kept[1:], kept[1:], strict=True):
            if name == "out" and isinstance(value, list):
                value = [wrap(x, node.device, Pick.node(node, i, x)) for i, x in enumerate(value)]
            elif name == "out":
                value = wrap(value, node.device, node)
            elif name in self.arrays and self.sequence:
                value = [alive(x, entries.get(i)) for i, x in enumerate(value)]
            elif name in self.arrays:
                value = alive(value, entries.get(self.arrays.index(name)))
            values.append(value)
        return values
