"""The program of a function under `agrad.compile` as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .graph import Graph

if TYPE_CHECKING:
    from ..compiler.program import Program
    from ..virtual.traced.recording import Variable

__all__ = ["program_graph"]


def program_graph(program: Program) -> Graph:
    """Return the graph of a program: a box for each argument, each part of the state and each call.

    What a part of the state becomes is a box of its name at the end.
    """
    graph = Graph()
    number: dict[Variable, int] = {}
    states = [start for start, _ in program.state]
    for x in (*program.inputs, *states, *(start for start, _ in program.numbers)):
        if any(x in call.inputs() for call in program.calls) or x in program.outputs:
            number[x] = graph.add([x.name or "", *_described(x)], "parameter" if x in states else "leaf")
    for call in program.calls:
        outputs = [f"{len(call.outputs)} outputs"] if call.several else _described(call.outputs[0])
        box = graph.add([call.name, *outputs], "op")
        for x in dict.fromkeys(call.inputs()):
            if x in number:  # constants are not drawn
                graph.arrows.append((number[x], box, ""))
        number |= dict.fromkeys(call.outputs, box)
    for name, x in _results(program):
        if x in number:
            graph.arrows.append((number[x], graph.add([name, *_described(x)], "module"), ""))
    return graph


def _results(program: Program) -> list[tuple[str, Variable]]:
    """Return the results of a program with the names of their boxes."""
    found = [("result" if len(program.outputs) == 1 else f"result {i}", x) for i, x in enumerate(program.outputs)]
    found += [(f"gradient {i}", x) for i, x in enumerate(program.grads)]
    changed = [(start, end) for start, end in (*program.state, *program.numbers) if end is not start]
    return found + [(f"new {start.name}", end) for start, end in changed]


def _described(x: Variable) -> list[str]:
    """Return the line with the shape and the dtype of an array; no line for a number or a check."""
    if x.is_number or not hasattr(x.value, "shape"):
        return []
    dtype = getattr(x.value.dtype, "name", None) or str(x.value.dtype).rpartition(".")[2]
    return [f"{tuple(x.value.shape)} {dtype}"]
