"""draw: the tape that leads to a Tensor, the layers of a module, or a compiled program, as a graph."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from ..core.dtypes import from_native
from ..core.grad_mode import enable_grad
from ..core.tape import Node, Pick
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..nn.module import Module
from ..nn.parameter import Parameter
from .graph import Graph
from .program import program_graph
from .trial import Shapes, inputs_for, undisturbed

if TYPE_CHECKING:
    from ..compiler.compiled import Compiled

__all__ = ["draw"]


def draw(
    what: Tensor | Iterable[Tensor] | Module | Compiled,
    file: str | os.PathLike[str] | None = None,
    *,
    names: Mapping[str, Tensor] | Module | None = None,
    input_shape: Shapes | None = None,
    dtype: DTypeLike = None,
) -> Graph:
    """Draw the tape that leads to a Tensor, the layers of a module, or the program of a compiled function.

    For Tensors the graph is the tape: a box for each recorded op, with its output's shape and dtype, and one for each
    leaf that requires a gradient. Tensors that require none are not on the tape, and not drawn.

    Parameters
    ----------
    what : Tensor, sequence of Tensor, Module, or Compiled
        For a module with `input_shape`, the tape of a call; without it, the tree of its layers and parameters. For a
        function under `agrad.compile`, the program of its last call: arguments and state, calls, and results.
    file : path, optional
        The file to write: ``.svg``, ``.png`` or ``.pdf`` through graphviz, or text as ``.dot`` or ``.mmd``.
    names : mapping of str to Tensor, or Module, optional
        The names of Tensors in the graph: ``{"x": x, "loss": loss}``, or the module whose parameters they are.
    input_shape : tuple of int, or list of tuple, optional
        The shape of the module's input with the batch axis, or a list of the shapes of several inputs. The module is
        called with zeros in evaluation mode; its state is restored.
    dtype : DType, optional
        The dtype of the inputs; by default that of the first parameter.

    Returns
    -------
    Graph
        Shown as a picture in a notebook if graphviz is installed; ``.dot`` and ``.mermaid`` are its texts, and `save`
        writes it to a file.

    Raises
    ------
    TypeError
        If `what` holds anything but Tensors.
    ValueError, RuntimeError
        If the file has another suffix; if graphviz is needed and not installed; if a compiled function has no program.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor([1.0, 2.0], requires_grad=True)
    >>> print(agrad.draw(agrad.sum(x * x), names={"x": x}).mermaid)
    flowchart TD
      n0["x<br/>(2,) float32"]
      n1("multiply<br/>(2,) float32")
      n2("sum<br/>() float32")
      n0 -->|x1| n1
      n0 -->|x2| n1
      n1 --> n2
    """
    if isinstance(what, Module):
        graph = _layers(what) if input_shape is None else _call(what, input_shape, dtype)
    elif hasattr(type(what), "program"):  # a function under agrad.compile
        graph = program_graph(cast("Compiled", what).program)
    else:
        outputs = [what] if isinstance(what, Tensor) else list(what) if isinstance(what, Iterable) else [what]
        graph = _tape(outputs, names.named_parameters() if isinstance(names, Module) else (names or {}).items())
    if file is not None:
        graph.save(file)
    return graph


def _call(module: Module, input_shape: Shapes, dtype: DTypeLike) -> Graph:
    """Return the tape of a call of the module."""
    inputs = inputs_for(module, input_shape, dtype)
    names = {"input" if len(inputs) == 1 else f"input {i}": x for i, x in enumerate(inputs)}
    for x in inputs:
        if x.dtype.differentiable:
            x.requires_grad_()
    with undisturbed(module), enable_grad():
        output = module(*inputs)
    return _tape(list(_tensors(output)), [*names.items(), *module.named_parameters()])


def _tensors(output: Any) -> Iterable[Any]:
    """Yield the Tensors that a module returned."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, Mapping | list | tuple):
        for part in output.values() if isinstance(output, Mapping) else output:
            yield from _tensors(part)


def _tape(outputs: list[Any], names: Iterable[tuple[str, Tensor]]) -> Graph:
    """Return the tape that leads to the outputs, the oldest op first."""
    for x in outputs:
        if not isinstance(x, Tensor):
            raise TypeError(f"draw takes Tensors, a module or a compiled function, not {type(x).__name__}")
    called = {id(_entry(x)): name for name, x in names}
    graph, number = Graph(), dict[int, int]()

    def box(entry: Any) -> int:
        if id(entry) not in number:
            lines, kind = _label(entry, called.get(id(entry)))
            number[id(entry)] = graph.add(lines, kind)
        return number[id(entry)]

    for node in _nodes(outputs):
        arrows = [(box(parent), text) for parent, text in _parents(node)]
        graph.arrows.extend((start, box(node), text) for start, text in arrows)
    for x in outputs:
        box(_entry(x))
    return graph


def _entry(x: Tensor) -> Any:
    """Return the entry of a Tensor in the graph: its Node, or itself."""
    return x._node if isinstance(x._node, Node) else x


def _nodes(outputs: list[Tensor]) -> list[Node]:
    """Return all Nodes that lead to the outputs, the oldest first."""
    found = {x._node for x in outputs if isinstance(x._node, Node)}
    stack = list(found)
    while stack:
        new = {parent for parent, _ in stack.pop().edges if isinstance(parent, Node)} - found
        found |= new
        stack += new
    return sorted(found, key=attrgetter("number"), reverse=True)


def _parents(node: Node) -> Iterable[tuple[Any, str]]:
    """Yield the inputs of a Node on the tape, and the names of the arguments where there are several."""
    if isinstance(node.plan, Pick):
        return [(node.edges[0][0], "")]
    texts = node.plan.tracked.values() if len(node.plan.arrays) > 1 else [""] * len(node.edges)
    return [(parent, text) for (parent, _), text in zip(node.edges, texts, strict=True)]


def _label(entry: Any, name: str | None) -> tuple[list[str], str]:
    """Return the lines and the kind of a box."""
    if not isinstance(entry, Node):
        kind = "parameter" if isinstance(entry, Parameter) else "leaf"
        return [name or type(entry).__name__, f"{entry.shape} {entry.dtype.name}"], kind
    op = f"{entry.plan.name}[{entry.plan.index}]" if isinstance(entry.plan, Pick) else entry.plan.name
    lines = [f"{name} = {op}" if name else op]
    if isinstance(entry.shape, list):
        return [*lines, f"{len(entry.shape)} outputs"], "op"
    return [*lines, f"{tuple(entry.shape)} {from_native(entry.dtype).name}"], "op"


def _layers(module: Module) -> Graph:
    """Return the tree of a module's layers and parameters."""
    graph = Graph()
    box = {"": graph.add([type(module).__name__], "module")}
    for name, part in module.named_modules():
        if name:
            above, _, last = name.rpartition(".")
            box[name] = graph.add([f"({last}): {type(part).__name__}"], "module")
            graph.arrows.append((box[above], box[name], ""))
        for own, parameter in part.named_parameters(recurse=False):
            text = f"{parameter.shape} {parameter.dtype.name}"
            graph.arrows.append((box[name], graph.add([f"{name}.{own}" if name else own, text], "parameter"), ""))
    return graph
