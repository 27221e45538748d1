"""@primitive: a forward, and one gradient rule per array argument.

A rule is a function that asks by name for what it needs::

    @primitive
    def tanh(xp, x: ArrayLike, /):
        return xp.tanh(x)

    tanh.vjp(x=lambda g, out: g - g * out * out)

`g` is the cotangent of the output, `out` the output, `xp` the namespace; any argument of the op may be named, and
``x_shape`` or ``x_dtype`` keep no array. The same rule runs on raw arrays and, for higher orders, on Tensors.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from sys import maxsize
from types import NoneType, SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from .. import backends, errors
from . import tape
from .device import Device
from .tape import Node, Pick, recording
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

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
        def vjp(self, **rules: Callable[..., Any]) -> None: ...


__all__ = ["ArrayLike", "primitive"]

# A Tensor, a number, a nested list or an array of an array library. @primitive reads it from the annotations.
ArrayLike: TypeAlias = Annotated[Any, "ArrayLike"]
registry: dict[str, Definition] = {}
_PLAIN: Final = SCALARS | {NoneType}
_new = object.__new__


def primitive(forward: Callable[Concatenate[Any, P], R], /) -> Primitive[P, R]:
    """Make an op of a forward on raw arrays.

    Parameters
    ----------
    forward : callable
        Takes the namespace `xp`, then the array arguments (those annotated `ArrayLike`, or one
        ``Sequence[ArrayLike]``), then whatever else the op needs. What it keeps from its inputs for its rule, beyond
        arguments and outputs, may only be integers and booleans.

    Returns
    -------
    callable
        The op: a function on Tensors with the forward's signature without `xp`. Its method `vjp` sets the rules.

    Examples
    --------
    >>> import agrad
    >>> from agrad.core.primitive import ArrayLike, primitive
    >>> @primitive
    ... def cube(xp, x: ArrayLike, /):
    ...     return x * x * x
    >>> cube.vjp(x=lambda g, x: 3 * x * x * g)
    >>> x = agrad.tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    Tensor(12., dtype=float32, device='cpu')
    """
    definition = Definition(forward)
    op = _general(definition)
    if definition.sequence:
        op = _over_a_sequence(op)
    elif list(definition.parameters) == definition.arrays and definition.count <= 2:
        op = (_unary if definition.count == 1 else _binary)(definition, op)
    op.__name__ = op.__qualname__ = forward.__name__
    op.__module__, op.__doc__ = forward.__module__, forward.__doc__
    op.__signature__, op.definition, op.vjp = definition.signature, definition, definition.vjp
    return op  # type: ignore[no-any-return]


def _general(definition: Definition) -> Any:
    """Return the op for any arguments."""
    forward, count, names, finish = (
        definition.forward,
        definition.count,
        frozenset(definition.arrays),
        definition.finish,
    )

    def op(*args: Any, **kwargs: Any) -> Any:
        data: list[Any] = []
        device: Any = None
        mask, bit = 0, 1
        for x in args[:count]:
            if isinstance(x, Tensor):
                if x._device is not device:
                    if device is not None:
                        raise errors.mixed_devices(definition.name, [device.name, x._device.name])
                    device = x._device
                if x._node is not None:
                    mask |= bit
                data.append(x._data)
            elif type(x) in _PLAIN:
                data.append(x)
            else:
                device = None
                break
            bit += bit
        if device is None or not names.isdisjoint(kwargs):
            args, kwargs = definition.prepare(args, kwargs)
            return op(*args, **kwargs)
        try:
            out = forward(device.xp, *data, *args[count:], **kwargs)
        except Exception as error:
            raise errors.in_op(definition.name, error, args, kwargs) from error
        return finish(out, args, kwargs, data, device, mask)

    return op


# What _general does for one or two arrays and nothing else, in half the time.


def _unary(definition: Definition, general: Any) -> Any:
    forward, finish, plans = definition.forward, definition.finish, definition.plans

    def op(x: Any, /) -> Any:
        if not isinstance(x, Tensor):
            return general(x)
        device = x._device
        try:
            out = forward(device.xp, x._data)
        except Exception as error:
            raise errors.in_op(definition.name, error, (x,), {}) from error
        if type(out) is not device.array_type:
            return finish(out, (x,), {}, (x._data,), device, x._node is not None)
        result = _new(Tensor)
        result._data = out
        result._device = device
        if x._node is not None and recording.get():
            result._node = plans[1].record((x,), {}, (x._data,), out, device, out)
        return result

    return op


def _binary(definition: Definition, general: Any) -> Any:
    forward, finish, plans = definition.forward, definition.finish, definition.plans

    def op(x1: Any, x2: Any, /) -> Any:
        if not isinstance(x1, Tensor):
            return general(x1, x2)
        device = x1._device
        mask = x1._node is not None
        if isinstance(x2, Tensor):
            if x2._device is not device:
                raise errors.mixed_devices(definition.name, [device.name, x2._device.name])
            data = (x1._data, x2._data)
            if x2._node is not None:
                mask += 2
        elif type(x2) in SCALARS:
            data = (x1._data, x2)
        else:
            return general(x1, x2)
        try:
            out = forward(device.xp, *data)
        except Exception as error:
            raise errors.in_op(definition.name, error, (x1, x2), {}) from error
        if type(out) is not device.array_type:
            return finish(out, (x1, x2), {}, data, device, mask)
        result = _new(Tensor)
        result._data = out
        result._device = device
        if mask and recording.get():
            result._node = plans[mask].record((x1, x2), {}, data, out, device, out)
        return result

    return op


def _over_a_sequence(op: Any) -> Any:
    return lambda arrays, /, **kwargs: op(*arrays, **kwargs)


class Definition:
    """What is known of a primitive: its parameters, its rules, and the plans made of them so far."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        self.name = forward.__name__
        _, *parameters = inspect.signature(forward).parameters.values()
        self.signature = inspect.Signature(parameters)
        self.parameters = {p.name: p for p in parameters}
        self.arrays = [p.name for p in parameters if "ArrayLike" in str(p.annotation)]
        self.sequence = "Sequence" in str(parameters[0].annotation)
        self.forward = (lambda xp, *data, **kwargs: forward(xp, data, **kwargs)) if self.sequence else forward
        self.count = maxsize if self.sequence else len(self.arrays)
        self.rules: dict[str, tuple[Callable[..., Any], list[str]]] = {}
        self.plans = _Plans(self)
        registry[f"{forward.__module__}.{self.name}"] = self

    def vjp(self, **rules: Callable[..., Any]) -> None:
        """Set the gradient rules; TypeError if one is for, or asks for, what the op does not have."""
        known = {"g", "out", "xp", *self.parameters}
        known.update(name + suffix for name in self.arrays for suffix in ("_shape", "_dtype"))
        for name, function in rules.items():
            if name not in self.arrays:
                raise TypeError(f"{self.name} has no array argument {name!r} to give a rule; it has {self.arrays}")
            g, *asks = list(inspect.signature(function).parameters) or [""]
            if g != "g" or not known.issuperset(asks):
                raise errors.wrong_rule(self.name, name, [g, *asks], known)
            self.rules[name] = (function, asks)
        self.plans.clear()

    def finish(self, out: Any, args: Any, kwargs: Any, data: Any, device: Device, mask: int) -> Any:
        """Wrap the output of a forward, or its several outputs, and record the call where it must be."""
        if isinstance(out, (tuple, list)):
            return self._several(out, args, kwargs, data, device, mask)
        out = device.backend.box(out) if type(out) is not device.array_type else out
        recorded = mask and recording.get()
        return wrap(out, device, self.plans[mask].record(args, kwargs, data, out, device, out) if recorded else None)

    def _several(self, out: Any, args: Any, kwargs: Any, data: Any, device: Device, mask: int) -> Any:
        raw = [device.backend.box(array) for array in out]
        tensors = [wrap(array, device) for array in raw]
        if mask and recording.get():
            like = SimpleNamespace(shape=[array.shape for array in raw], dtype=[array.dtype for array in raw])
            node = self.plans[mask].record(args, kwargs, data, raw, device, like)
            for i, tensor in enumerate(tensors):
                if node is not None and tensor.dtype.differentiable:
                    tensor._node = Pick.node(node, i, tensor._data)
        return type(out)(*tensors) if hasattr(out, "_fields") else type(out)(tensors)

    def prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Make Tensors of all array arguments, on the device of the first Tensor among them."""
        arrays, rest = args, ()
        if not self.sequence:
            bound = self.signature.bind(*args, **kwargs)
            bound.apply_defaults()
            arrays = tuple(bound.arguments[name] for name in self.arrays)
            rest, kwargs = bound.args[len(arrays) :], bound.kwargs
            kwargs = {name: value for name, value in kwargs.items() if name not in self.arrays}
        if all(x is None for x in arrays):
            raise TypeError(f"{self.name} needs at least one array")
        device = next((x._device for x in arrays if isinstance(x, Tensor)), None)
        arrays = tuple(_operand(x, device) for x in arrays)
        if device is None and not any(isinstance(x, Tensor) for x in arrays):
            arrays = tuple(x if x is None else wrap(*convert(x, None, None)) for x in arrays)
        return (*arrays, *rest), kwargs


def _operand(x: Any, device: Device | None) -> Any:
    """Return an array argument as a Tensor or a plain number: beside a Tensor, NumPy's numbers count as Python's."""
    if isinstance(x, Tensor) or type(x) in _PLAIN:
        return x
    if device is not None and backends.is_number(x):
        return x.item()
    return wrap(*convert(x, None, device if backends.is_host(x) else None))


class _Plans(dict[int, "Plan"]):
    """The plans of a definition by the mask of the arguments that need gradients, made when first asked for."""

    def __init__(self, definition: Definition) -> None:
        super().__init__()
        self._definition = definition

    def __missing__(self, mask: int) -> Plan:
        plan = Plan(self._definition, mask)
        if not plan.sequence:  # arguments in any number make any number of masks
            self[mask] = plan
        return plan


class Plan:
    """What to keep of a call, and which rules to run, when some of its arguments need gradients.

    It is compiled, once, to expressions without loops or branches: interpreting it at every call made a small op cost
    a third more.

    Attributes
    ----------
    name : str
    record : callable
        Makes the Node of a call, or None if no argument that needs a gradient has a rule.
    keeps : bool
        Whether arrays are kept, so that there is something to free.
    """

    def __init__(self, definition: Definition, mask: int) -> None:
        self.name, self.sequence, self.arrays = definition.name, definition.sequence, definition.arrays
        names = {i: self.arrays[0 if self.sequence else i] for i in range(mask.bit_length()) if mask >> i & 1}
        self.tracked = {i: name for i, name in names.items() if name in definition.rules}
        rules = {name: definition.rules[name] for name in self.tracked.values()}
        self.kept = list(dict.fromkeys(["xp", *(name for _, asks in rules.values() for name in asks)]))
        self.keeps = any(name in self.arrays or name == "out" for name in self.kept)
        self.record = self._recorder(definition, {name: self._call(*rule) for name, rule in rules.items()})

    def _call(self, rule: Callable[..., Any], asks: list[str]) -> Callable[..., Any]:
        """Return a rule as a function of the cotangent and of all kept values."""
        values = "".join(f", kept[{self.kept.index(name)}]" for name in asks)
        call: Callable[..., Any] = eval(f"lambda g, kept: rule(g{values})", {"rule": rule})
        return call

    def _recorder(self, definition: Definition, calls: dict[str, Callable[..., Any]]) -> Callable[..., Any]:
        if not self.tracked:
            return lambda *_: None
        edges = ", ".join(
            f"(args[{i}] if (node := args[{i}]._node) is LEAF else node, call_{name})"
            for i, name in self.tracked.items()
        )
        kept = ", ".join(self._expression(name, list(definition.parameters)) for name in self.kept)
        known = {"Node": Node, "LEAF": LEAF, "plan": self} | {f"call_{name}": call for name, call in calls.items()}
        known |= {f"default_{p.name}": p.default for p in definition.parameters.values()}
        source = f"lambda args, kwargs, data, out, device, like: Node(plan, ({edges},), ({kept},), device, like)"
        record: Callable[..., Any] = eval(source, known)
        return record

    def _expression(self, name: str, parameters: list[str]) -> str:
        """Return the expression that finds a value to keep among what a recorder is given."""
        if name in ("xp", "out"):
            return "device.xp" if name == "xp" else "out"
        if name in self.arrays:
            return "list(data)" if self.sequence else f"data[{self.arrays.index(name)}]"
        if name in parameters:
            i = parameters.index(name)
            positional = "" if self.sequence else f"args[{i}] if len(args) > {i} else "
            return f"kwargs['{name}'] if '{name}' in kwargs else {positional}default_{name}"
        array, _, what = name.rpartition("_")
        if self.sequence:
            return f"[getattr(x, '{what}', ()) for x in data]"
        return f"getattr(data[{self.arrays.index(array)}], '{what}', ())"

    def spread(self, node: Node, g: Any, kept: Sequence[Any]) -> list[tuple[Any, Callable[..., Any]]]:
        """Run the rule of an op over a sequence once; return edges that find each parent's cotangent in the result."""
        cotangents = node.edges[0][1](g, kept)
        return [
            (parent, lambda *_, i=i: cotangents[i]) for i, (parent, _) in zip(self.tracked, node.edges, strict=True)
        ]

    def revive(self, node: Node, kept: Sequence[Any]) -> list[Any]:
        """Return kept values as Tensors with their places on the tape, so that rules that use them are recorded."""
        entries = {i: parent for i, (parent, _) in zip(self.tracked, node.edges, strict=True)}

        def alive(x: Any, entry: Any) -> Any:
            if isinstance(entry, Tensor) or type(x) in _PLAIN:
                return x if type(x) in _PLAIN else entry
            return wrap(x, node.device, entry)

        values = [tape.namespace]
        for name, value in zip(self.kept[1:], kept[1:], strict=True):
            if name == "out" and isinstance(node.shape, list):
                value = [alive(x, Pick.node(node, i, x)) for i, x in enumerate(value)]
            elif name == "out":
                value = alive(value, node)
            elif name in self.arrays and self.sequence:
                value = [alive(x, entries.get(i)) for i, x in enumerate(value)]
            elif name in self.arrays:
                value = alive(value, entries.get(self.arrays.index(name)))
            values.append(value)
        return values
