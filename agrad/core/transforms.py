"""Gradients as functions: what is differentiated, and with respect to what, said by the call.

`gradients` asks the tape. The others are transforms: they take a function and return what its derivative says. All of
them stand on `Linearized`, a function called at a point on inputs of its own, which carries cotangents back (a rule for
each op does it) and tangents forward (the same, twice).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import update_wrapper
from operator import attrgetter
from typing import Any, Final, TypeAlias

from .. import errors, trees
from ..checks import check_callable
from ..recording import enable_grad, recording
from . import tape
from .tape import Node, deliver, entry_of, propagate, seed, tick
from .tensor import Tensor, convert, wrap

Argnums: TypeAlias = int | Sequence[int]
FOR_TENSORS: Final = "write agrad.gradients(y, x) for a Tensor that was computed from x"


def gradients(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the sum of `outputs` with respect to `inputs`; no ``.grad`` changes.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
    grad_outputs : Tensor or sequence of Tensor, optional
        As `gradient` in `Tensor.backward`, one per output.
    retain_graph, create_graph : bool
        As in `Tensor.backward`.
    allow_unused : bool
        Return None for an input that no output depends on, instead of raising.

    Raises
    ------
    RuntimeError, ValueError
        As `Tensor.backward`, and for an unused input.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(3.0, requires_grad=True)
    >>> (slope,) = agrad.gradients(x**3, x, create_graph=True)
    >>> agrad.gradients(slope, x)
    (Tensor(18., dtype=float32, device='cpu'),)
    """
    for name, what in (("outputs", outputs), ("inputs", inputs)):
        if not isinstance(what, (Tensor, Sequence)):
            raise TypeError(f"{name} must be a Tensor or a list of Tensors, not {type(what).__name__}")
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    given = [grad_outputs] if isinstance(grad_outputs, Tensor) else grad_outputs or [None] * len(outputs)
    if len(given) != len(outputs):
        raise ValueError(f"{len(outputs)} outputs need as many grad_outputs, not {len(given)}")
    entries = [entry_of(output, "gradients()") for output in outputs]
    wanted = [_wanted(x, i) for i, x in enumerate(inputs)]
    seeds = [seed(output, g, create_graph) for output, g in zip(outputs, given, strict=True)]
    retain = create_graph if retain_graph is None else retain_graph
    with outputs[0]._device.backend.quiet() if outputs else nullcontext():  # as in `backward`
        found, shared = propagate(entries, seeds, retain, create_graph, leading_to(wanted, entries), set(wanted))
    unused = [i for i, entry in enumerate(wanted) if entry not in found]
    if unused and not allow_unused:
        raise RuntimeError(f"no output depends on inputs {unused}; write allow_unused=True to get None for them")
    twice = len(set(wanted)) < len(wanted)
    return tuple(
        deliver(x, found[entry], create_graph, twice or entry in shared or type(entry) is Node)
        if entry in found
        else None
        for x, entry in zip(inputs, wanted, strict=True)
    )


def _wanted(x: Any, i: int) -> Any:
    """Return the entry of an input on the tape."""
    if isinstance(x, Tensor) and x._node is None:
        raise RuntimeError(
            f"inputs[{i}], of shape {x.shape}, does not require gradients; write x.requires_grad_() before the outputs "
            "are computed from it"
        )
    return entry_of(x, "gradients()")


def leading_to(wanted: Sequence[Any], entries: Sequence[Any]) -> dict[Any, bool]:
    """Return `wanted`, and the Nodes behind `entries` that lead there: True for those whose rules are to run."""
    reached = {entry for entry in entries if type(entry) is Node}
    stack = list(reached)
    while stack:
        for parent, _ in stack.pop().edges:
            if type(parent) is Node and parent not in reached:
                reached.add(parent)
                stack.append(parent)
    needed = dict.fromkeys(wanted, False)
    for node in sorted(reached, key=attrgetter("number"), reverse=True):
        if any([parent in needed for parent, _ in node.edges]):
            needed[node] = True
    return needed


# A function at a point


class _Input:
    """The plan of a Node that stands for an input of a transformed function.

    Its only parent is what the input was computed from outside, if that is tracked: so an inner transform's input is
    connected with an outer one's, and nothing else of the outside is touched.
    """

    name, sequence, keeps, kept, arrays = "input", False, False, ("xp",), ("x",)

    def __init__(self, parents: int) -> None:
        self.tracked = dict.fromkeys(range(parents), "x")

    def revive(self, node: Node, kept: Sequence[Any]) -> list[Any]:
        return [tape.namespace]


_INPUTS: Final = _Input(0), _Input(1)


def input_of(x: Any, linked: bool = True) -> Tensor:
    """Return a leaf of an argument as a Tensor with a place of its own on the tape, `linked` to that of `x`.

    Raises
    ------
    TypeError
        If it is no array, or not floating.
    """
    x = x if isinstance(x, Tensor) else wrap(*convert(x, None, None, copy=True))
    if not x.dtype.differentiable:
        raise errors.not_differentiable(x.dtype)
    parents = ((entry_of(x, "input"), lambda g, kept: g),) if linked and x._node is not None else ()
    return wrap(x._data, x._device, Node(_INPUTS[len(parents)], parents, (x._device.xp,), x._device, x._data))


def outside(tensors: Iterable[Tensor], since: int) -> list[Any]:
    """Return the leaves, and the Nodes from before `since`, that were used in what was recorded since then."""
    stack = [entry_of(x, "a result") for x in tensors if x._node is not None]
    found: dict[Any, None] = {}
    seen: set[Any] = set()
    while stack:
        entry = stack.pop()
        if entry in seen:
            continue
        seen.add(entry)
        if type(entry) is not Node or entry.number > since:  # the tape's clock runs backwards
            found[entry] = None
        else:
            stack.extend([parent for parent, _ in entry.edges])
    return list(found)


class Linearized:
    """A call of a function, ready to carry cotangents back to its inputs and tangents forward to its outputs.

    Parameters
    ----------
    f : callable
        Returns a nest of Tensors, or with `has_aux` a pair of that and of anything.
    args, kwargs : tuple, dict
        The arguments of the call.
    argnums : sequence of int
        The positions of the arguments to differentiate with respect to.
    has_aux : bool

    Attributes
    ----------
    picked, outputs : nest
        Those arguments, and what the function returned.
    inputs, tensors : list of Tensor
        The leaves of these, as they are on the tape.
    aux : object
    outer : bool
        Whether gradients flow on to something outside: to Tensors that the function closes over, or to what the
        arguments were computed from.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        has_aux: bool = False,
    ) -> None:
        check_callable("a transform", f, FOR_TENSORS)
        linked, since, filled = recording.get(), tick(), list(args)
        self.picked = [_pick(args, i) for i in argnums]
        self.inputs = [input_of(x, linked) for x in trees.leaves(self.picked)]
        twins = [wrap(x._data, x._device, x._node) for x in self.inputs]  # f may write into what it gets
        for i, tree in zip(argnums, trees.rebuild(self.picked, twins), strict=True):
            filled[i] = tree
        with enable_grad():
            result = f(*filled, **kwargs)
        pair: Any = _pair(result) if has_aux else (result, None)
        self.outputs, self.aux = pair
        self.tensors = [_checked(x) for x in trees.leaves(self.outputs)]
        others = [x for x in trees.leaves(self.aux) if isinstance(x, Tensor)]
        self.outer = linked and bool(outside([*self.tensors, *others], since))
        self._transposed: tuple[list[Any], list[Any]] | None = None

    def settled(self, tree: Any) -> Any:
        """Return outputs as the caller may keep them: without a history that ends at the inputs."""
        return tree if self.outer else stop_gradient(tree)

    def pull(self, cotangents: Sequence[Any], retain: bool = True) -> list[Tensor]:
        """Return the cotangents of the inputs for those of the outputs; None stands for zeros."""
        used = [(x, g) for x, g in zip(self.tensors, cotangents, strict=True) if x._node is not None and g is not None]
        graph = self._recorded(g for _, g in used)
        return self._carried([x for x, _ in used], self.inputs, [g for _, g in used], retain or graph, graph)

    def push(self, tangents: Sequence[Any], retain: bool = True) -> list[Tensor]:
        """Return the tangents of the outputs for those of the inputs; None stands for zeros.

        Pulling back is linear in the cotangents, whatever these are; its own pull-back is therefore the way forward.
        """
        if self._transposed is None:
            weights = [input_of(_zeros(x)) for x in self.tensors]
            with enable_grad():
                self._transposed = self.pull(weights), weights
        pulled, weights = self._transposed
        used = [(x, t) for x, t in zip(pulled, tangents, strict=True) if x._node is not None and t is not None]
        graph = self._recorded(t for _, t in used)
        return self._carried([x for x, _ in used], weights, [t for _, t in used], retain or graph, graph)

    def _recorded(self, given: Iterable[Any]) -> bool:
        return recording.get() and (self.outer or any([isinstance(g, Tensor) and g._node is not None for g in given]))

    def _carried(
        self, outputs: list[Tensor], inputs: list[Tensor], given: list[Any], retain: bool, graph: bool
    ) -> list[Tensor]:
        found: Sequence[Tensor | None] = [None] * len(inputs)
        if outputs:
            found = gradients(outputs, inputs, given, retain, graph, allow_unused=True)
        return [_zeros(x) if g is None else g for x, g in zip(inputs, found, strict=True)]


def _pick(args: Sequence[Any], i: int) -> Any:
    if not -len(args) <= i < len(args):
        raise ValueError(f"argnums names argument {i}, the function was called with {len(args)} positional arguments")
    return args[i]


def _pair(result: Any) -> Any:
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise TypeError(f"with has_aux=True the function must return a pair, not {type(result).__name__}")
    return result


def _checked(x: Any) -> Tensor:
    if not isinstance(x, Tensor):
        raise TypeError(f"the function must return Tensors, not {type(x).__name__}: gradients would end there")
    if not x.dtype.differentiable:
        raise errors.not_differentiable(x.dtype)
    return x


def _zeros(x: Tensor) -> Tensor:
    return wrap(x._device.xp.zeros_like(x._data), x._device)


# Transforms


def numbers(argnums: Argnums) -> list[int]:
    """Return `argnums` as a list."""
    return [argnums] if isinstance(argnums, int) else list(argnums)


def named(function: Callable[..., Any], f: Callable[..., Any], what: str) -> Callable[..., Any]:
    """Give a transformed function the signature of `f`, and a name that says what it is; TypeError if `f` is none."""
    check_callable(f"agrad.{what}", f, FOR_TENSORS)
    update_wrapper(function, f, updated=())
    function.__name__ = f"{what}({getattr(f, '__name__', type(f).__name__)})"
    return function


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the gradient of `f`.

    Parameters
    ----------
    f : callable
        Returns one real number as a Tensor of one element, or with `has_aux` a pair of that and of anything.
    argnums : int or sequence of int
        The positions of the arguments to differentiate with respect to. Each is a floating Tensor, array or number, or
        lists, tuples and dicts of them.
    has_aux : bool
        Whether `f` returns something beside the number.

    Returns
    -------
    callable
        Takes what `f` takes, and returns the gradient with respect to the argument, nested as the argument is; a tuple
        of them for several `argnums`; with `has_aux` a pair of that and of what `f` returned beside. An argument that
        `f` does not use has zeros. The gradient can be differentiated again, also with respect to Tensors that `f`
        uses and does not take.

    Raises
    ------
    TypeError
        If the argument is not floating, or `f` returns something else.
    ValueError
        If the call has no argument of that position.

    Notes
    -----
    For a complex argument it is PyTorch's gradient, ``d/dRe + 1j * d/dIm``: the direction of steepest ascent.

    Examples
    --------
    >>> import agrad
    >>> cube = lambda x: x**3
    >>> agrad.grad(cube)(2.0), agrad.grad(agrad.grad(cube))(2.0)
    (Tensor(12., dtype=float32, device='cpu'), Tensor(12., dtype=float32, device='cpu'))
    >>> agrad.grad(lambda line, x: line["slope"] * x + line["shift"])({"slope": 3.0, "shift": 1.0}, 2.0)
    {'slope': Tensor(2., dtype=float32, device='cpu'), 'shift': Tensor(1., dtype=float32, device='cpu')}
    """
    check_callable("agrad.grad", f, FOR_TENSORS)
    both = value_and_grad(f, argnums, has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return named(gradient, f, "grad")


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes `f` and its gradient.

    Parameters
    ----------
    f, argnums, has_aux
        As in `grad`.

    Returns
    -------
    callable
        Takes what `f` takes, and returns a pair: what `f` returns, and the gradient.

    Raises
    ------
    TypeError, ValueError
        As `grad`.

    Examples
    --------
    >>> import agrad
    >>> agrad.value_and_grad(lambda x: (x * x).sum())(agrad.asarray([1.0, 2.0]))
    (Tensor(5., dtype=float32, device='cpu'), Tensor([2., 4.], dtype=float32, device='cpu'))
    """

    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        at = Linearized(f, args, kwargs, numbers(argnums), has_aux)
        pulled = at.pull([_one(at.outputs)], retain=False)
        found = trees.rebuild(at.picked, pulled)
        value = (at.settled(at.outputs), at.settled(at.aux)) if has_aux else at.settled(at.outputs)
        return value, found[0] if isinstance(argnums, int) else tuple(found)

    return named(value_and_gradient, f, "value_and_grad")


def _one(output: Any) -> Tensor:
    """Return the cotangent of the only real number that a function returned."""
    if not isinstance(output, Tensor) or output.size != 1 or output.dtype.is_complex:
        kind = (
            f"{output.dtype.name} of shape {output.shape}"
            if isinstance(output, Tensor)
            else f"a {type(output).__name__}"
        )
        raise TypeError(
            f"only a function that returns one real number has a gradient, this one returns {kind}; "
            "make one number of it (.sum(), agrad.real), or write agrad.jacobian or agrad.vjp"
        )
    return wrap(output._device.xp.ones_like(output._data), output._device)


def elementwise_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that computes the derivatives of a function that works element by element, all at once.

    Parameters
    ----------
    f : callable
        Returns a real Tensor of any shape, each element of which depends on one element of the argument.
    argnums : int or sequence of int
        As in `grad`.

    Returns
    -------
    callable
        The gradient of the sum of what `f` returns: for such a function its derivative at each element.

    Examples
    --------
    >>> import agrad
    >>> slope = agrad.elementwise_grad(agrad.square)
    >>> slope(agrad.asarray([1.0, 2.0, 3.0]))
    Tensor([2., 4., 6.], dtype=float32, device='cpu')
    >>> agrad.elementwise_grad(slope)(agrad.asarray([1.0, 2.0, 3.0]))
    Tensor([2., 2., 2.], dtype=float32, device='cpu')
    """

    def total(*args: Any, **kwargs: Any) -> Tensor:
        return tape.namespace.sum(f(*args, **kwargs))

    return named(grad(total, argnums), f, "elementwise_grad")


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Call a function, and return what it returns and how cotangents of that become cotangents of its arguments.

    Parameters
    ----------
    f : callable
        Returns a floating Tensor or a nest of them, or with `has_aux` a pair of that and of anything.
    *primals : Tensor, array, number or nest of them
        The arguments, floating.
    has_aux : bool

    Returns
    -------
    outputs : Tensor or nest
    pull : callable
        Takes cotangents nested as `outputs`, and returns a tuple: for each argument the vector-Jacobian product,
        nested as the argument. It may be called again.
    aux : object
        With `has_aux`, what `f` returned beside.

    Raises
    ------
    TypeError
        If the arguments or what `f` returns are not floating.
    ValueError
        If the cotangents are nested otherwise than the outputs, or have other shapes.

    Examples
    --------
    >>> import agrad
    >>> y, pull = agrad.vjp(lambda a, b: a * b, 2.0, agrad.asarray([3.0, 4.0]))
    >>> pull(agrad.asarray([1.0, 10.0]))
    (Tensor(43., dtype=float32, device='cpu'), Tensor([ 2., 20.], dtype=float32, device='cpu'))
    """
    at = Linearized(f, primals, {}, range(len(primals)), has_aux)

    def pull(cotangents: Any) -> tuple[Any, ...]:
        return tuple(trees.rebuild(at.picked, at.pull(trees.matching(cotangents, at.outputs, "the cotangents"))))

    outputs = at.settled(at.outputs)
    return (outputs, pull, at.settled(at.aux)) if has_aux else (outputs, pull)


def jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """Return what a function returns, and how that moves when its arguments move along `tangents`.

    Parameters
    ----------
    f : callable
        As in `vjp`.
    primals, tangents : sequence
        The arguments, and for each of them a direction, nested as the argument and of its shapes.
    has_aux : bool

    Returns
    -------
    outputs : Tensor or nest
    moved : Tensor or nest
        The Jacobian-vector product, nested as the outputs.
    aux : object
        With `has_aux`, what `f` returned beside.

    Raises
    ------
    TypeError, ValueError
        As `vjp`.

    Notes
    -----
    agrad has one rule per op, which goes backward. Going backward is linear in the cotangents, so going backward
    through that, in turn, goes forward [1]_: no second set of rules is needed.

    .. [1] J. Townsend, "A new trick for calculating Jacobian vector products", 2017.

    Examples
    --------
    >>> import agrad
    >>> agrad.jvp(lambda x: agrad.stack([x * x, x]), [3.0], [1.0])[1]
    Tensor([6., 1.], dtype=float32, device='cpu')
    """
    directions = trees.matching(list(tangents), list(primals), "the tangents")
    at = Linearized(f, primals, {}, range(len(primals)), has_aux)
    outputs, moved = at.settled(at.outputs), trees.rebuild(at.outputs, at.push(directions, retain=False))
    return (outputs, moved, at.settled(at.aux)) if has_aux else (outputs, moved)


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
    """Return the product of the Hessian of a function and a vector, without making the Hessian.

    Parameters
    ----------
    f : callable
        Returns one real number, as in `grad`.
    primals, tangents : sequence
        The arguments, and for each of them a direction, as in `jvp`.

    Returns
    -------
    tuple
        For each argument, how the gradient moves when the arguments move along `tangents`, nested as the argument.

    Raises
    ------
    TypeError, ValueError
        As `grad` and `jvp`.

    Examples
    --------
    >>> import agrad
    >>> x, v = agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 0.0])
    >>> agrad.hvp(lambda x: (x**3).sum(), [x], [v])
    (Tensor([6., 0.], dtype=float32, device='cpu'),)
    """
    directions = trees.matching(list(tangents), list(primals), "the tangents")
    every = range(len(primals))
    at = Linearized(grad(f, every), primals, {}, every)
    return tuple(trees.rebuild(at.picked, at.pull(directions, retain=False)))  # a Hessian is its own transpose


def stop_gradient(tree: Any) -> Any:
    """Return Tensors as constants: no gradient flows through the result.

    Parameters
    ----------
    tree : Tensor or nest of Tensors
        What is no Tensor stays as it is.

    Returns
    -------
    Tensor or nest
        They share their memory with the arguments, as those of `Tensor.detach` do.

    Examples
    --------
    >>> import agrad
    >>> agrad.grad(lambda x: x * agrad.stop_gradient(x))(3.0)
    Tensor(3., dtype=float32, device='cpu')
    """
    return trees.rebuild(tree, [x.detach() if isinstance(x, Tensor) else x for x in trees.leaves(tree)])
