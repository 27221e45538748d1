"""Jacobian-vector products by forward mode: tangents are carried from op to op while a function runs.

An op of several arguments has the tangent ``sum(J_i @ t_i)``. Its gradient rules give ``g @ J_i``, and that is enough:

- of an elementwise op, ``J_i`` is diagonal, so that the rule itself, given the tangent for `g`, returns ``J_i @ t_i``;
- an op that is linear in an argument is called with the tangent in its place;
- otherwise, the rule is linear in `g`, and its own vector-Jacobian product is the Jacobian-vector product.

What an op recorded is dropped as soon as its tangent is known, so memory stays flat. It is kept if gradients flow on to
something else: a Tensor that the function closes over, or the inputs of another transform.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from ..checks import check_callable, check_flags
from ..core import errors
from ..core.dtypes import from_native
from ..core.errors import TapeDroppedError
from ..core.grad_mode import enable_grad, recording, set_grad_enabled
from ..core.gradients import gradients, leading_to
from ..core.lifting import lift
from ..core.observing import Call, Observer
from ..core.primitive import Definition
from ..core.tape import Node, Pick, entry_of, propagate, tick
from ..core.tensor import Tensor, wrap
from ..ops.data_type import astype
from ..ops.elementwise import conj
from . import pytrees
from .arguments import FOR_TENSORS, check_tuples
from .deferred import keeping
from .linearized import CLOSED, Linearized, input_of, to_innermost
from .stop_gradient import stop_gradient

__all__ = ["jvp"]

_ELEMENTWISE: Final = ("agrad.ops.elementwise.", "agrad.special.")
_ALSO_ELEMENTWISE: Final = frozenset({"erf", "erfc", "gelu", "relu", "sigmoid", "softplus", "where"})
# Linear in each argument while the others are constant; a bias is added.
_LINEAR: Final = frozenset({
    "add_along_axis", "add_at", "add_to_windows", "broadcast_to", "convolve", "convolve_input", "convolve_weight",
    "cumulative_sum", "expand_dims", "flip", "index_add", "index_get", "linear", "matmul", "matrix_transpose", "mean",
    "mm", "moveaxis", "permute_dims", "reshape", "roll", "squeeze", "sum", "take", "take_along_axis", "tensordot",
    "tril", "triu", "vecdot", "window_sum",
})  # fmt: skip
# How many levels carry tangents: while one computes tangents, it and those inside it do not.
_levels: ContextVar[int] = ContextVar("agrad forward levels", default=0)


def jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """Return the outputs of a function, and the product of its Jacobian and `tangents`.

    Parameters
    ----------
    f : callable
        As in `vjp`.
    primals, tangents : sequence
        The arguments, and a direction for each of them, of the same structure and shapes.
    has_aux : bool
        Whether `f` returns auxiliary data besides its outputs.

    Returns
    -------
    outputs : Tensor or pytree
        What `f` returned.
    tangents_out : Tensor or pytree
        The Jacobian-vector product, of the structure of `outputs`.
    aux : object
        With `has_aux`, the auxiliary data.

    Raises
    ------
    TypeError, ValueError
        As `vjp`.

    Notes
    -----
    Each op computes the tangent of its result when it runs, and what it recorded is dropped, so memory does not grow
    with the number of ops. agrad has one gradient rule per op, for reverse mode, and needs no second set of rules: the
    rule of an elementwise op serves both modes, and another op's is linear in the cotangents, so its own
    vector-Jacobian product is the Jacobian-vector product [1]_. A function that calls `gradients` for its own arguments
    is called a second time, and what it records is kept.

    .. [1] J. Townsend, "A new trick for calculating Jacobian vector products", 2017.

    Examples
    --------
    >>> import agrad
    >>> agrad.jvp(lambda x: agrad.stack([x * x, x]), [3.0], [1.0])[1]
    Tensor([6., 1.], dtype=float32, device='cpu')
    """
    check_callable("a transform", f, FOR_TENSORS)
    check_flags(has_aux=has_aux)
    check_tuples(primals=primals, tangents=tangents)
    tangents = tangents if recording.get() else stop_gradient(tangents)
    directions = pytrees.flatten_like(list(tangents), list(primals), "the tangents")
    try:
        return _pushed(f, primals, _ForwardMode(directions), has_aux)
    except TapeDroppedError:
        return _pushed(f, primals, _ForwardMode(directions, drops=False), has_aux)


def _pushed(f: Callable[..., Any], primals: Sequence[Any], level: _ForwardMode, has_aux: bool) -> tuple[Any, ...]:
    at = Linearized(lambda *args: level.run(f, args), primals, {}, range(len(primals)), has_aux)
    outputs, found = at.settled(at.outputs), pytrees.unflatten(at.outputs, [level.tangent(y) for y in at.tensors])
    return (outputs, found, at.settled(at.aux)) if has_aux else (outputs, found)


class _Known(NamedTuple):
    """What a level knows of an entry of the tape.

    Attributes
    ----------
    tangent : Tensor or None
        None if it is zero.
    alone : bool
        Whether no gradient flows from the entry to another transform, so that tangents need not be recorded.
    closed : bool
        Whether, besides, the Node has no parents, as they were dropped.
    """

    tangent: Tensor | None
    alone: bool
    closed: bool


_OUTSIDE: Final = _Known(None, alone=False, closed=False)


class _ForwardMode(Observer):
    """One level of forward mode: while it is entered, each op also computes the tangent of its result.

    Parameters
    ----------
    directions : sequence
        The tangents of the inputs: Tensors, arrays and numbers.
    drops : bool
        Whether to drop what an op recorded once its tangent is known.
    """

    def __init__(self, directions: Sequence[Any], drops: bool = True) -> None:
        self._directions, self._drops = directions, drops and not keeping.get()
        self._depth, self._since = _levels.get(), tick()
        self._known: WeakKeyDictionary[Node, _Known] = WeakKeyDictionary()

    def run(self, f: Callable[..., Any], args: Sequence[Any]) -> Any:
        """Call a function, and carry the tangents of its arguments, which are on the tape."""
        inputs = pytrees.flatten(args)
        self._since = max([x._node.number for x in inputs], default=self._since)
        for x, t in zip(inputs, self._directions, strict=True):
            tangent = _direction(t, x)
            alone = not x._node.edges and tangent._node is None
            self._known[x._node] = _Known(tangent, alone, alone and self._drops)
            if alone and self._drops:
                x._node.plan = CLOSED
        with self, self._at(self._depth + 1):
            return f(*args)

    def tangent(self, y: Tensor) -> Tensor:
        """Return the tangent of an output."""
        with self._at(self._depth):
            t = None if y._node is None else self._find(entry_of(y, "jvp")).tangent
        return wrap(y._device.xp.zeros_like(y._data), y._device) if t is None else t

    @contextmanager
    def _at(self, depth: int) -> Iterator[None]:
        token = _levels.set(depth)
        try:
            yield
        finally:
            _levels.reset(token)

    def see_op(self, call: Call, run: Callable[[], Any]) -> Any:
        """Run an op, and find the tangents of its results."""
        result = run()
        if self._depth < _levels.get() and (node := call.node) is not None:
            parents = [self._find(parent) for parent, _ in node.edges]
            if any([x.tangent is not None for x in parents]):
                self._carry(call, node, parents)
        return result

    def _carry(self, call: Call, node: Node, parents: Sequence[_Known]) -> None:
        """Give the results of a call their tangents, and a place on the tape without parents if that is enough."""
        alone, directions = all([x.alone for x in parents]), [x.tangent for x in parents]
        closed = alone and all([x.closed for x in parents]) and not keeping.get()
        results = [y for y in call.results if y._node is not None]
        found = _direct(call, node, directions) if alone else None
        if found is None:
            with self._at(self._depth), set_grad_enabled(not alone):
                found = _transposed([y._node for y in results], node, directions)
        for y, t in zip(results, found, strict=True):
            if closed:
                y._node = Node(CLOSED, (), (y._device.xp,), y._device, y._data)
                y._node.number = self._since  # as old as the inputs: to inner transforms it is one from outside
            self._known[y._node] = _Known(t, alone, closed)

    def _find(self, entry: Any) -> _Known:
        """Return what is known of an entry of the tape; its tangent is computed if no op recorded it."""
        if type(entry) is not Node or entry.number > self._since:
            return _OUTSIDE
        found = self._known.get(entry)
        if found is None:
            whole = entry.edges[0][0] if type(entry.plan) is Pick else entry
            parents = [self._find(parent) for parent, _ in whole.edges]
            alone, directions = all([x.alone for x in parents]), [x.tangent for x in parents]
            tangent = None
            if any([t is not None for t in directions]):
                with self._at(self._depth), set_grad_enabled(not alone):
                    (tangent,) = _transposed([entry], whole, directions)
            found = self._known[entry] = _Known(tangent, alone, closed=False)
        return found


def _direction(t: Any, x: Tensor) -> Tensor:
    """Return the tangent of an input as a Tensor of its dtype, on its device."""
    t = lift(to_innermost(t), x._device)
    if t.shape != x.shape:
        raise errors.wrong_gradient(t, x)
    return t if t.dtype == x.dtype else astype(t, x.dtype)


def _direct(call: Call, node: Node, directions: Sequence[Tensor | None]) -> list[Tensor] | None:
    """Return the tangent of the result of an elementwise or linear op, computed on raw arrays; None for another op."""
    tangent_of, device = _tangent_function(call.definition), node.device
    if tangent_of is None or (tangent_of is _by_rule and _is_complex(node, directions)):
        return None
    parts = [(i, t._data) for i, t in enumerate(directions) if t is not None]
    try:
        total = _sum([tangent_of(call, node, i, t) for i, t in parts])
    except RuntimeWarning:  # a program's filters make errors of NumPy's warnings
        with device.backend.without_warnings():
            total = _sum([tangent_of(call, node, i, t) for i, t in parts])
    return [wrap(device.backend.box(_like(total, node, device.xp)), device)]


def _sum(parts: Sequence[Any]) -> Any:
    return sum(parts[1:], parts[0])


def _is_complex(node: Node, directions: Sequence[Tensor | None]) -> bool:
    return from_native(node.dtype).is_complex or any([t is not None and t.dtype.is_complex for t in directions])


@cache
def _tangent_function(definition: Definition) -> Callable[..., Any] | None:
    """Return the function that computes the tangent due to one argument; None for an op without such a function."""
    module, name = str(definition.forward.__module__), definition.name
    if module.startswith(_ELEMENTWISE) or (module.startswith("agrad.") and name in _ALSO_ELEMENTWISE):
        return _by_rule
    return _by_op if module.startswith("agrad.") and name in _LINEAR else None


def _by_rule(call: Call, node: Node, i: int, t: Any) -> Any:
    return node.edges[i][1](_like(t, node, node.device.xp), node.saved)


def _by_op(call: Call, node: Node, i: int, t: Any) -> Any:
    name = list(node.plan.tracked.values())[i]
    if name == "bias":
        after = 0 if call.name == "linear" else len(node.shape) - 2  # axes after that of the channels
        return _like(node.device.xp.reshape(t, (*t.shape, *(1,) * after)), node, node.device.xp)
    bias = {"bias": None} if "bias" in call.given else {}
    return call.definition.run(node.device, call.inputs | bias | {name: t})


def _like(x: Any, node: Node, xp: Any) -> Any:
    """Return an array, cast and broadcast to the dtype and shape of a Node's output."""
    x = x if x.dtype == node.dtype else xp.astype(x, node.dtype)
    return x if x.shape == node.shape else xp.broadcast_to(x, node.shape)


def _transposed(entries: Sequence[Node], whole: Node, directions: Sequence[Tensor | None]) -> list[Tensor]:
    """Return the tangents of outputs of a Node, given its parents': its rules are linear in the cotangents."""
    parents = [parent for parent, _ in whole.edges]
    weights = [input_of(_zeros(x)) for x in entries]
    needed = leading_to(parents, entries) | dict.fromkeys(parents, False)
    with enable_grad():
        pulled, _ = propagate(entries, [_conj(w) for w in weights], True, True, needed, set(parents))
        known = {x: t for x, t in zip(parents, directions, strict=True) if t is not None and x in pulled}
        outputs = [_conj(pulled[x]) for x in known]
    pairs = [(g, t) for g, t in zip(outputs, known.values(), strict=True) if g._node is not None]
    found: Sequence[Tensor | None] = [None] * len(weights)
    if pairs:
        outputs, given = map(list, zip(*pairs, strict=True))
        found = gradients(outputs, weights, given, create_graph=recording.get(), allow_unused=True)
    return [_zeros(x) if t is None else t for x, t in zip(entries, found, strict=True)]


def _conj(x: Tensor) -> Tensor:
    return conj(x) if x.dtype.is_complex else x


def _zeros(x: Node) -> Tensor:
    return wrap(x.device.xp.zeros(x.shape, dtype=x.dtype, device=x.device.native), x.device)
