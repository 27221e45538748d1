"""@primitive: a forward, and one gradient rule per array argument.

A rule is a function that asks by name for what it needs::

    @primitive
    def tanh(xp, x: ArrayLike, /):
        return xp.tanh(x)

    tanh.vjp(x=lambda g, out: g * (1 - out * out))

`g` is the cotangent of the output, `out` the output, `xp` the namespace; any argument of the op may be named, and
``x_shape`` or ``x_dtype`` keep no array. The same rule runs on raw arrays and, for higher orders, on Tensors.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from functools import partial
from sys import maxsize
from types import NoneType, SimpleNamespace
from typing import Annotated, Any, Concatenate, Final, ParamSpec, Protocol, TypeAlias, TypeVar, cast, overload

from .. import backends
from . import tape
from .device import Device
from .tape import Node, Pick, recording
from .tensor import LEAF, SCALARS, Tensor, convert, wrap

__all__ = ["ArrayLike", "Primitive", "primitive"]

# A Tensor, a number, a nested list or an array of an array library. @primitive reads it from the annotations.
ArrayLike: TypeAlias = Annotated[Any, "ArrayLike"]
P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

_PLAIN: Final = SCALARS | {NoneType}
_new = object.__new__
registry: dict[str, Definition] = {}


class Primitive(Protocol[P, R_co]):
    """A recorded function: call it with Tensors, give it rules with `vjp`."""

    __name__: str
    definition: Definition

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    def vjp(self, **rules: Callable[..., Any]) -> None:
        """Set the gradient rules, one per array argument; an argument without a rule is constant."""


@overload
def primitive(forward: Callable[Concatenate[Any, P], R], /) -> Primitive[P, R]: ...
@overload
def primitive(*, view: bool) -> Callable[[Callable[Concatenate[Any, P], R]], Primitive[P, R]]: ...
def primitive(forward: Callable[..., Any] | None = None, /, *, view: bool = False) -> Any:
    """Make an op of a forward on raw arrays.

    Parameters
    ----------
    forward : callable
        Takes the namespace `xp`, then the array arguments (those annotated `ArrayLike`, or one
        ``Sequence[ArrayLike]``), then whatever else the op needs.
    view : bool
        Whether the result may share its memory with the first argument.

    Returns
    -------
    Primitive
        A function with the forward's signature without `xp`, on Tensors.

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
    if forward is None:
        return partial(primitive, view=view)
    return _build(Definition(forward, view))


def _build(definition: Definition) -> Any:
    op = _general(definition)
    if definition.sequence:
        op = _over_a_sequence(op)
    elif list(definition.parameters) == definition.arrays and definition.count == 1:
        op = _unary(definition, op)
    elif list(definition.parameters) == definition.arrays and definition.count == 2:
        op = _binary(definition, op)
    forward = definition.function
    op.__name__ = op.__qualname__ = forward.__name__
    op.__module__ = forward.__module__
    op.__doc__ = forward.__doc__
    op.__signature__ = definition.signature
    op.definition = definition
    op.vjp = definition.vjp
    return op


def _general(definition: Definition) -> Any:
    """Return the op for any number of arguments."""
    forward, count, names, finish = definition.forward, definition.count, definition.array_names, definition.finish

    def op(*args: Any, **kwargs: Any) -> Any:
        data: list[Any] = []
        device: Any = None
        mask, bit = 0, 1
        for x in args[:count]:
            if isinstance(x, Tensor):
                if x._device is not device:
                    if device is not None:
                        raise definition.mixed(args)
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
            raise definition.explain(error, args, kwargs) from error
        return finish(out, args, kwargs, data, device, mask)

    return op


def _unary(definition: Definition, general: Any) -> Any:
    """Return the op of one array and nothing else: what `_general` does, faster."""
    forward, finish, plans = definition.forward, definition.finish, definition.plans

    def op(x: Any, /) -> Any:
        if not isinstance(x, Tensor):
            return general(x)
        device = x._device
        try:
            out = forward(device.xp, x._data)
        except Exception as error:
            raise definition.explain(error, (x,), {}) from error
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
    """Return the op of two arrays and nothing else: what `_general` does, faster."""
    forward, finish, plans = definition.forward, definition.finish, definition.plans

    def op(x1: Any, x2: Any, /) -> Any:
        if not isinstance(x1, Tensor):
            return general(x1, x2)
        device = x1._device
        mask = x1._node is not None
        if isinstance(x2, Tensor):
            if x2._device is not device:
                raise definition.mixed((x1, x2))
            y = x2._data
            if x2._node is not None:
                mask += 2
        elif type(x2) in SCALARS:
            y = x2
        else:
            return general(x1, x2)
        x = x1._data
        try:
            out = forward(device.xp, x, y)
        except Exception as error:
            raise definition.explain(error, (x1, x2), {}) from error
        if type(out) is not device.array_type:
            return finish(out, (x1, x2), {}, (x, y), device, mask)
        result = _new(Tensor)
        result._data = out
        result._device = device
        if mask and recording.get():
            result._node = plans[mask].record((x1, x2), {}, (x, y), out, device, out)
        return result

    return op


def _over_a_sequence(op: Callable[..., Any]) -> Callable[..., Any]:
    def over_a_sequence(arrays: Any, /, **kwargs: Any) -> Any:
        return op(*arrays, **kwargs)

    return over_a_sequence


class Definition:
    """What is known of a primitive: its parameters, its rules, and the plans made of them so far."""

    def __init__(self, forward: Callable[..., Any], view: bool) -> None:
        self.name = forward.__name__
        self.view = view
        self.function = forward
        _, *parameters = inspect.signature(forward).parameters.values()
        self.signature = inspect.Signature(parameters)
        arrays = [p.name for p in parameters if "ArrayLike" in str(p.annotation)]
        self.parameters = {p.name: p for p in parameters}
        self.sequence = re.search("Sequence.*ArrayLike", str(parameters[0].annotation)) is not None
        self.forward = (lambda xp, *data, **kwargs: forward(xp, data, **kwargs)) if self.sequence else forward
        self.count = maxsize if self.sequence else len(arrays)
        self.arrays = arrays
        self.array_names = frozenset(arrays)
        self.rules: dict[str, tuple[Callable[..., Any], list[str]]] = {}
        self.plans = _Plans(self)
        registry[f"{forward.__module__}.{self.name}"] = self

    def vjp(self, **rules: Callable[..., Any]) -> None:
        """Set the gradient rules; TypeError if one is for, or asks for, what the op does not have."""
        known = {"g", "out", "xp", *self.parameters}
        known.update(f"{name}{suffix}" for name in self.arrays for suffix in ("_shape", "_dtype"))
        for name, function in rules.items():
            if name not in self.arrays:
                raise TypeError(f"{self.name} has no array argument {name!r} to give a rule; it has {self.arrays}")
            asks = list(inspect.signature(function).parameters)
            if asks[:1] != ["g"]:
                raise TypeError(f"the rule of {self.name} for {name!r} must take g first, then what it asks for, not {asks}")
            if unknown := set(asks) - known:
                raise TypeError(
                    f"the rule of {self.name} for {name!r} asks for {sorted(unknown)}; it can have {sorted(known)}"
                )
            self.rules[name] = (function, asks[1:])
        self.plans.clear()

    def finish(self, out: Any, args: Any, kwargs: Any, data: Any, device: Device, mask: int) -> Any:
        """Wrap the output of a forward, and record the call where it must be."""
        if type(out) is not device.array_type:
            if isinstance(out, (tuple, list)):
                return self.several(args, kwargs, data, out, device, mask)
            out = device.backend.box(out)
        result = wrap(out, device)
        if mask and recording.get():
            result._node = self.plans[mask].record(args, kwargs, data, out, device, out)
        return result

    def several(
        self, args: Any, kwargs: Any, data: list[Any], out: Any, device: Device, mask: int
    ) -> Any:
        """Wrap the outputs of an op that returns a tuple or list, and record it."""
        raw = [device.backend.box(array) for array in out]
        tensors = [wrap(array, device) for array in raw]
        if mask and recording.get() and (plan := self.plans[mask]).tracked:
            like = SimpleNamespace(
                shape=[array.shape for array in raw],
                dtype=[array.dtype for array in raw],
            )
            node = plan.record(args, kwargs, data, raw, device, like)
            for tensor, pick in zip(tensors, picks(node, raw), strict=True):
                if tensor.dtype.differentiable:
                    tensor._node = pick
        return type(out)(*tensors) if hasattr(out, "_fields") else type(out)(tensors)

    def prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Make Tensors of all array arguments, on the device of the first Tensor among them."""
        if self.sequence:
            arrays, rest = list(args), ()
        else:
            bound = self.signature.bind(*args, **kwargs)
            bound.apply_defaults()
            arrays = [bound.arguments[name] for name in self.arrays]
            rest, kwargs = bound.args[self.count :], bound.kwargs
            kwargs = {name: value for name, value in kwargs.items() if name not in self.array_names}
        if not any(x is not None for x in arrays):
            raise TypeError(f"{self.name} needs at least one array")
        device = next((x._device for x in arrays if isinstance(x, Tensor)), None)
        arrays = [_operand(x, device) for x in arrays]
        if not any(isinstance(x, Tensor) for x in arrays):
            arrays = [x if x is None else wrap(*convert(x, None, None)) for x in arrays]
        return (*arrays, *rest), kwargs

    def mixed(self, args: tuple[Any, ...]) -> ValueError:
        """Return the error for Tensors on different devices."""
        names = list(dict.fromkeys(x._device.name for x in args[: self.count] if isinstance(x, Tensor)))
        return ValueError(
            f"{self.name} got Tensors on {' and '.join(names)}; bring them together with x.to({names[0]!r})"
        )

    def explain(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception:
        """Return an error of the same meaning that names the op and shows its inputs."""
        shown = ", ".join(_describe(x) for x in args)
        shown += "".join(f", {name}={_describe(value)}" for name, value in kwargs.items())
        about_shapes = type(error) in (RuntimeError, TypeError) and re.search("shape|size|dimension", str(error))
        kind = ValueError if about_shapes else type(error) if type(error) in _STANDARD else RuntimeError
        return kind(f"{self.name}({shown}): {error}")


_STANDARD: Final = (ValueError, TypeError, IndexError, NotImplementedError, OverflowError, MemoryError)


def _describe(x: Any) -> str:
    if isinstance(x, Tensor):
        return f"{x.dtype.name} of shape {x.shape}"
    text = repr(x)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _operand(x: Any, device: Device | None) -> Any:
    """Return an array argument as a Tensor or a plain number: numbers of NumPy's count as Python's."""
    if isinstance(x, Tensor) or type(x) in _PLAIN:
        return x
    if device is not None and backends.is_number(x):
        return x.item()
    array, place = convert(x, None, None)
    if device is not None and backends.is_host(x):
        array, place = convert(x, None, device)
    return wrap(array, place)


class _Plans(dict[int, "Plan"]):
    """The plans of a definition by the mask of the arguments that need gradients, made when first asked for."""

    def __init__(self, definition: Definition) -> None:
        super().__init__()
        self.definition = definition

    def __missing__(self, mask: int) -> Plan:
        plan = Plan(self.definition, mask)
        if not plan.sequence:  # of arguments in any number there are any number of masks
            self[mask] = plan
        return plan


class Plan:
    """What to keep of a call, and which rules to run, when some of its arguments need gradients.

    Attributes
    ----------
    name : str
    record : callable
        Makes the Node of a call.
    calls : list of callable
        For each parent of the Node, its rule as a function of the cotangent and the kept values.
    keeps : bool
        Whether arrays are kept, so that there is something to free.
    """

    def __init__(self, definition: Definition, mask: int) -> None:
        self.name = definition.name
        self.sequence = definition.sequence
        self.arrays = definition.arrays
        arrays, rules = definition.arrays, definition.rules
        positions = [i for i in range(mask.bit_length()) if mask >> i & 1]
        self.tracked = [i for i in positions if arrays[0 if self.sequence else i] in rules]
        ruled = [rules[arrays[i]] for i in ([0] if self.sequence else self.tracked) if arrays[i] in rules]
        self.kept = list(dict.fromkeys(["xp", *(name for _, asks in ruled for name in asks)]))
        self.keeps = any(name in arrays or name == "out" for name in self.kept)
        self.calls = [self._call(function, asks) for function, asks in ruled]
        self.record = self._recorder(definition)

    # A plan is compiled, once, to two expressions without loops or branches: interpreting it at every call
    # made a small op cost a third more.

    def _call(self, function: Callable[..., Any], asks: list[str]) -> Callable[[Any, list[Any]], Any]:
        values = "".join(f", kept[{self.kept.index(name)}]" for name in asks)
        return cast(Callable[[Any, list[Any]], Any], eval(f"lambda g, kept: rule(g{values})", {"rule": function}))

    def _recorder(self, definition: Definition) -> Callable[..., Node]:
        if not self.tracked:
            return lambda *_: None
        known = {"Node": Node, "LEAF": LEAF, "plan": self}
        kept = [self._kept(definition, name, known) for name in self.kept]
        calls = [0] * len(self.tracked) if self.sequence else range(len(self.tracked))
        edges = "".join(
            f"(args[{i}] if (node := args[{i}]._node) is LEAF else node, call{k}), "
            for i, k in zip(self.tracked, calls, strict=True)
        )
        known |= {f"call{k}": call for k, call in enumerate(self.calls)}
        source = (
            "lambda args, kwargs, data, out, device, like: "
            f"Node(plan, ({edges}), ({', '.join(kept)},), device, like)"
        )
        return cast(Callable[..., Node], eval(source, known))

    def _kept(self, definition: Definition, name: str, known: dict[str, Any]) -> str:
        """Return the expression for a value to keep."""
        arrays, parameters = definition.arrays, definition.parameters
        if name in ("xp", "out"):
            return {"xp": "device.xp", "out": "out"}[name]
        if name in arrays:
            return "list(data)" if self.sequence else f"data[{arrays.index(name)}]"
        if name in parameters:
            known[f"default_{name}"] = parameters[name].default
            i = list(parameters).index(name)
            positional = "" if self.sequence else f"args[{i}] if len(args) > {i} else "
            return f"kwargs['{name}'] if '{name}' in kwargs else {positional}default_{name}"
        array, _, what = name.rpartition("_")
        if self.sequence:
            return f"[getattr(x, '{what}', ()) for x in data]"
        return f"getattr(data[{arrays.index(array)}], '{what}', ())"

    def revive(self, node: Node) -> list[Any]:
        """Return the kept values as Tensors with their places on the tape, for rules that are recorded."""
        entries = {i: parent for i, (parent, _) in zip(self.tracked, node.edges, strict=True)}
        arrays = self.arrays
        values = []
        for name, value in zip(self.kept, node.kept or (), strict=True):
            if name == "xp":
                value = tape.namespace
            elif name == "out":
                value = _revived_output(value, node)
            elif name in arrays and self.sequence:
                value = [_revived(x, entries.get(i), node) for i, x in enumerate(value)]
            elif name in arrays:
                value = _revived(value, entries.get(arrays.index(name)), node)
            values.append(value)
        return values

    def spread(self, node: Node, g: Any, kept: Sequence[Any]) -> list[tuple[Any, Callable[..., Any]]]:
        """Run the rule of an op over a sequence once; return edges that give each parent its cotangent."""
        cotangents = self.calls[0](g, kept)
        return [(parent, partial(_second, cotangents[i])) for i, (parent, _) in zip(self.tracked, node.edges, strict=True)]


def _second(cotangent: Any, *_: Any) -> Any:
    return cotangent


def _revived_output(out: Any, node: Node) -> Any:
    if isinstance(node.shape, list):
        return [wrap(array, node.device, pick) for array, pick in zip(out, picks(node, out), strict=True)]
    return wrap(out, node.device, node)


def _revived(value: Any, entry: Any, node: Node) -> Any:
    if isinstance(entry, Tensor):
        return entry
    if value is None or type(value) in SCALARS:
        return value
    return wrap(value, node.device, entry)


def picks(node: Node, outputs: Sequence[Any]) -> list[Node]:
    """Return a Node for each output of an op that has several."""
    return [
        Node(Pick(node.name, i), ((node, None),), (), node.device, output)
        for i, output in enumerate(outputs)
    ]
