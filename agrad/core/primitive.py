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
from typing import Annotated, Any, Concatenate, Final, ParamSpec, Protocol, TypeAlias, TypeVar, overload

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
    forward, finish, quick = definition.forward, definition.finish, not definition.view
    plans = definition.plans

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
        result._version = [0]
        if x._node is not None and recording.get():
            plan = plans.get(1) or definition.plan(1)
            if plan.tracked:
                result._node = plan.record((x,), {}, (x._data,), out, device, result._version)
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
        result._version = [0]
        if mask and recording.get():
            plan = plans.get(mask) or definition.plan(mask)
            if plan.tracked:
                result._node = plan.record((x1, x2), {}, (x, y), out, device, result._version)
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
        self.rules: dict[str, Rule] = {}
        self.plans: dict[int, Plan] = {}
        registry[f"{forward.__module__}.{self.name}"] = self

    def vjp(self, **rules: Callable[..., Any]) -> None:
        """Set the gradient rules; TypeError if one is for, or asks for, what the op does not have."""
        known = {"g", "out", "xp", *self.parameters}
        known.update(f"{name}{suffix}" for name in self.arrays for suffix in ("_shape", "_dtype"))
        for name, function in rules.items():
            if name not in self.arrays:
                raise TypeError(f"{self.name} has no array argument {name!r} to give a rule; it has {self.arrays}")
            rule = Rule(function)
            if unknown := set(rule.asks) - known:
                raise TypeError(
                    f"the rule of {self.name} for {name!r} asks for {sorted(unknown)}; it can have {sorted(known)}"
                )
            self.rules[name] = rule
        self.plans.clear()

    def finish(self, out: Any, args: Any, kwargs: Any, data: Any, device: Device, mask: int) -> Any:
        """Wrap the output of a forward, and record the call where it must be."""
        if type(out) is not device.array_type:
            if isinstance(out, (tuple, list)):
                return self.several(args, kwargs, data, out, device, mask)
            out = device.backend.box(out)
        result = wrap(out, device)
        if self.view and device.backend.is_view(out):
            result._version = args[0]._version
        if mask and tape.recording.get():
            plan = self.plans.get(mask) or self.plan(mask)
            if plan.tracked:
                result._node = plan.record(args, kwargs, data, out, device, result._version)
        return result

    def plan(self, mask: int) -> Plan:
        """Return the plan for a call in which the arguments of the bits of `mask` need gradients."""
        plan = self.plans[mask] = Plan(self, mask)
        if self.sequence:
            self.plans.clear()  # any number of arguments makes any number of masks
        return plan

    def several(
        self, args: Any, kwargs: Any, data: list[Any], out: Any, device: Device, mask: int
    ) -> Any:
        """Wrap the outputs of an op that returns a tuple or list, and record it."""
        raw = [device.backend.box(array) for array in out]
        tensors = [wrap(array, device) for array in raw]
        if mask and tape.recording.get() and (plan := self.plans.get(mask) or self.plan(mask)).tracked:
            like = SimpleNamespace(
                shape=[array.shape for array in raw],
                dtype=[array.dtype for array in raw],
            )
            versions = [tensor._version for tensor in tensors]
            node = plan.record(args, kwargs, data, raw, device, versions, like)
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


class Rule:
    """A gradient rule and what it asks for behind `g`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        first, *asks = names = list(inspect.signature(function).parameters) or ["g"]
        if first == "g":
            self.function = function
        else:
            asks = [name for name in names if name != "g"]
            self.function = lambda g, *values: function(**dict(zip(asks, values, strict=True)) | _with_g(names, g))
        self.asks = asks


def _with_g(names: list[str], g: Any) -> dict[str, Any]:
    return {"g": g} if "g" in names else {}


class Plan:
    """What to keep of a call, and which rules to run, when some of its arguments need gradients.

    Attributes
    ----------
    name : str
    tracked : list of int
        The positions of the arguments that need gradients and have a rule.
    keeps : bool
        Whether arrays are kept, so that there is something to free.
    """

    def __init__(self, definition: Definition, mask: int) -> None:
        positions = [i for i in range(mask.bit_length()) if mask >> i & 1]
        self.name = definition.name
        self.sequence = definition.sequence
        if self.sequence:
            rules = list(definition.rules.values())
            self.tracked = positions if rules else []
        else:
            ruled = [(i, definition.rules.get(definition.arrays[i])) for i in positions]
            rules = [rule for _, rule in ruled if rule is not None]
            self.tracked = [i for i, rule in ruled if rule is not None]
        wanted = list(dict.fromkeys(name for rule in rules for name in rule.asks if name != "xp"))
        arrays, parameters = definition.arrays, list(definition.parameters)
        kept = [name for name in wanted if name in arrays]
        self.keep = [arrays.index(name) for name in kept]
        self.keep_out = "out" in wanted
        self.keeps = bool(self.keep or self.keep_out)
        self.statics = [
            (name, parameters.index(name), definition.parameters[name].default)
            for name in wanted
            if name in parameters and name not in arrays
        ]
        derived = [name for name in wanted if name not in parameters and name != "out"]
        self.derived = [(arrays.index(name.rpartition("_")[0]), name.rpartition("_")[2]) for name in derived]
        self.extras = bool(self.statics or self.derived)
        order = ["xp", *kept, *(["out"] if self.keep_out else []), *(name for name, _, _ in self.statics), *derived]
        self.rules = [(rule.function, [order.index(name) for name in rule.asks]) for rule in rules]

    def record(
        self, args: Any, kwargs: Any, data: Any, out: Any, device: Device, version: Any, like: Any = None
    ) -> Node:
        """Return a Node for this call."""
        parents = []
        for i in self.tracked:
            node = args[i]._node
            parents.append(args[i] if node is LEAF else node)
        kept = [device.xp]
        versions = []
        if self.sequence:
            if self.keep:
                kept.append(list(data))
                versions.extend([x._version for x in args if isinstance(x, Tensor)])
        else:
            for i in self.keep:
                x = args[i]
                kept.append(data[i])
                if x is not data[i]:
                    versions.append(x._version)
        if self.keep_out:
            kept.append(out)
            if like is None:
                versions.append(version)
            else:
                versions.extend(version)
        if self.extras:
            self.keep_extras(args, kwargs, data, kept, versions)
        return Node(self, parents, kept, versions, device, out if like is None else like)

    def keep_extras(self, args: Any, kwargs: Any, data: Any, kept: list[Any], versions: list[Any]) -> None:
        """Keep what is rarer: settings, shapes and dtypes."""
        for name, i, default in self.statics:
            kept.append(kwargs[name] if name in kwargs else args[i] if i < len(args) else default)
        for i, what in self.derived:
            kept.append([getattr(x, what, ()) for x in data] if self.sequence else getattr(data[i], what, ()))

    def pull(self, node: Node, g: Any, values: list[Any], needed: set[Any] | None) -> list[tuple[Any, Any]]:
        """Run the rules, and return each parent that is needed with its cotangent."""
        pulled = []
        if self.sequence:
            ((function, asked),) = self.rules
            cotangents = function(g, *[values[i] for i in asked])
            return [(parent, cotangents[i]) for parent, i in zip(node.parents, self.tracked, strict=True)]
        for parent, (function, asked) in zip(node.parents, self.rules):
            if needed is None or parent in needed:
                if not asked:
                    cotangent = function(g)
                elif len(asked) == 1:
                    cotangent = function(g, values[asked[0]])
                else:
                    cotangent = function(g, *[values[i] for i in asked])
                if cotangent is not None:
                    pulled.append((parent, cotangent))
        return pulled

    def revive(self, node: Node) -> list[Any]:
        """Return the kept values as Tensors with their places on the tape, for rules that are recorded."""
        values = list(node.kept or ())
        values[0] = tape.namespace
        entries = dict(zip(self.tracked, node.parents, strict=True))
        place = 1
        for i in self.keep:
            if self.sequence:
                values[place] = [_revived(x, entries.get(j), node) for j, x in enumerate(values[place])]
            else:
                values[place] = _revived(values[place], entries.get(i), node)
            place += 1
        if self.keep_out:
            out = values[place]
            if isinstance(node.shape, list):
                values[place] = [_revived(x, p, node) for x, p in zip(out, picks(node, out), strict=True)]
            else:
                values[place] = _revived(out, node, node)
        return values


def _revived(value: Any, entry: Any, node: Node) -> Any:
    if isinstance(entry, Tensor):
        return entry
    if value is None or type(value) in SCALARS:
        return value
    return wrap(value, node.device, entry)


def picks(node: Node, outputs: Sequence[Any]) -> list[Node]:
    """Return a Node for each output of an op that has several."""
    return [
        Node(Pick(node.name, i), [node], [node.device.xp], [], node.device, output)
        for i, output in enumerate(outputs)
    ]
