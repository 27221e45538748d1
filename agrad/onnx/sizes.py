"""Graphs for any length of an axis: what depends on a length is found by recording the model with several.

The graphs are equal but for constants, such as the shapes that arrays are reshaped to. In the graph that is returned,
those that differ are computed from the lengths of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from onnx import TensorProto, helper, numpy_helper

from ..core.errors import kind_of
from .inputs import Axis
from .recording import Recording

__all__ = ["generalized"]


class _Run(NamedTuple):
    """A graph, the calls of ops that it is of, and the lengths of the dynamic axes with which it was recorded."""

    lengths: dict[str, int]
    graph: Any
    calls: list[tuple[str, str]]


def generalized(
    record: Callable[[Mapping[Axis, int]], Recording], places: Mapping[str, Sequence[Axis]], example: Mapping[str, int]
) -> Any:
    """Return the graph of a model for any lengths of its dynamic axes, as an ``onnx.ModelProto``.

    Parameters
    ----------
    record : callable
        Records the model with given lengths of axes.
    places : dict
        The axes of inputs that have a length, by its name.
    example : dict
        The lengths in the example inputs.

    Raises
    ------
    ValueError
        If the operators depend on the lengths, or a constant does in another way than a sum of products.
    Exception
        That of the model, if it does not take other lengths than the example's.
    """
    runs = _longer_or_shorter(record, places, example)
    _refuse_other_operators(runs)
    model = runs[0].graph
    sizes = _Sizes(runs, places)
    nodes = [sizes.replaced(i, node) for i, node in enumerate(model.graph.node)]
    del model.graph.node[:]
    model.graph.node.extend([*sizes.nodes, *[node for node in nodes if node is not None]])
    _name_axes(runs)
    return model


def _longer_or_shorter(record: Any, places: Mapping[str, Sequence[Axis]], example: Mapping[str, int]) -> list[_Run]:
    """Record with longer axes than the example's; or with shorter ones, as a table of positions may end there."""
    try:
        return _runs(record, places, {name: max(2, n) for name, n in example.items()}, 1)
    except Exception:
        try:
            return _runs(record, places, {name: max(4, n) for name, n in example.items()}, -1)
        except Exception as error:
            record({})  # raises an error that does not depend on the lengths as it is
            raise kind_of(error)(
                f"{error}; this is for another length of {' or '.join(map(repr, places))}: leave it out of "
                "dynamic_axes; or is a number among the example inputs, a constant of the graph, to be a Tensor?"
            ) from error


def _runs(record: Any, places: Mapping[str, Sequence[Axis]], base: dict[str, int], step: int) -> list[_Run]:
    """Record with the base, with each length changed alone, and with all of them changed further."""
    each = [base | {name: n + step} for name, n in base.items()]
    found = []
    for lengths in (base, *each, {name: n + 2 * step for name, n in base.items()}):
        recording = record({axis: lengths[name] for name, axes in places.items() for axis in axes})
        found.append(_Run(lengths, recording.graph, recording.calls))
    return found


def _refuse_other_operators(runs: Sequence[_Run]) -> None:
    """Raise ValueError unless the graphs are equal but for the values of constants."""
    first, *others = [[_told(node) for node in run.graph.graph.node] for run in runs]
    if any(other != first for other in others):
        layer, op = _first_difference([run.calls for run in runs])
        raise ValueError(
            f"{f'layer {layer}' if layer else 'the model'} calls {op} otherwise, or more often, for another length of "
            f"{_names(runs)}: is there a loop over that axis, as in a recurrent layer? Leave it out of dynamic_axes, "
            "or write it without a loop"
        )


def _first_difference(runs: Sequence[list[tuple[str, str]]]) -> tuple[str, str]:
    """Return the layer and op with which the calls of runs begin to differ; the last ones if they do not."""
    return next((calls[0] for calls in zip(*runs, strict=False) if len(set(calls)) > 1), min(runs, key=len)[-1])


def _told(node: Any) -> tuple[Any, ...]:
    attributes = () if node.op_type == "Constant" else tuple(a.SerializeToString() for a in node.attribute)
    return node.op_type, tuple(node.input), tuple(node.output), attributes


def _names(runs: Sequence[_Run]) -> str:
    return " or ".join(map(repr, runs[0].lengths))


class _Sizes:
    """Computes constants of a graph from the lengths of its inputs.

    Attributes
    ----------
    nodes : list
        What is computed, for the start of the graph.
    """

    def __init__(self, runs: Sequence[_Run], places: Mapping[str, Sequence[Axis]]) -> None:
        self.runs, self.places = runs, places
        self.nodes: list[Any] = []
        self._made: dict[Any, str] = {}
        self._shapes = {node.input[1] for node in runs[0].graph.graph.node if node.op_type == "Reshape"}
        self._others = set(_taken_elsewhere(runs[0].graph.graph))

    def replaced(self, index: int, node: Any) -> Any:
        """Return a node, changed if it is a constant that depends on lengths; None if it is computed instead."""
        if node.op_type != "Constant":
            return node
        values = [numpy_helper.to_array(run.graph.graph.node[index].attribute[0].t) for run in self.runs]
        if all((x.shape, x.tobytes()) == (values[0].shape, values[0].tobytes()) for x in values):
            return node
        name, columns = node.output[0], self._columns(values)
        differing = [i for i, column in enumerate(columns) if len(set(column)) > 1]
        if len(differing) == 1 and name in self._shapes - self._others and min(map(min, columns)) > 0:
            shape = [-1 if i in differing else column[0] for i, column in enumerate(columns)]
            return helper.make_node("Constant", [], [name], value=_vector(shape))
        self._compute(name, columns, values[0])
        return None

    def _columns(self, values: Sequence[Any]) -> list[list[int]]:
        """Return the integers of vectors or numbers of all runs, place by place."""
        if any(x.shape != values[0].shape or x.ndim > 1 or (x.astype("int64") != x).any() for x in values):
            raise ValueError(
                f"a constant of the graph, of shape {values[0].shape}, depends on the length of {_names(self.runs)}, "
                "and is no integer or shape; compute it with agrad from an input"
            )
        return [[int(x) for x in column] for column in zip(*[x.reshape(-1) for x in values], strict=True)]

    def _compute(self, name: str, columns: Sequence[Sequence[int]], like: Any) -> None:
        """Compute a vector or a number under a name."""
        numbers = self._computed("Concat", *[self._number(column) for column in columns], axis=0)
        if not like.ndim:
            numbers = self._computed("Reshape", numbers, self._constant(()))
        self.nodes.append(helper.make_node("Cast", [numbers], [name], to=helper.np_dtype_to_tensor_dtype(like.dtype)))

    def _number(self, column: Sequence[int]) -> str:
        """Return the name of a vector of one number: a constant, or a multiple of lengths plus a constant."""
        if len(set(column)) == 1:
            return self._constant((column[0],))
        base, *each, further = column
        deciding = [name for name, n in zip(self.places, each, strict=True) if n != base]
        products = [prod(run.lengths[name] for name in deciding) for run in self.runs]
        factor = (further - base) // ((products[-1] - products[0]) or 1)
        offset = base - factor * products[0]
        if [factor * product + offset for product in products] != list(column):
            raise ValueError(
                f"a size in the graph is {list(column)} for lengths {[run.lengths for run in self.runs]}, which is no "
                "multiple of their product plus a constant; leave one of them out of dynamic_axes"
            )
        total = self._length(deciding[0])
        for name in deciding[1:]:
            total = self._computed("Mul", total, self._length(name))
        total = total if factor == 1 else self._computed("Mul", total, self._constant((factor,)))
        return total if offset == 0 else self._computed("Add", total, self._constant((offset,)))

    def _length(self, name: str) -> str:
        place, axis = self.places[name][0]
        return self._computed("Shape", place, start=axis, end=axis + 1)

    def _computed(self, operator: str, *inputs: str, **attributes: int) -> str:
        key = operator, inputs, *attributes.values()
        if key not in self._made:
            self._made[key] = f"size_{len(self._made)}"
            self.nodes.append(helper.make_node(operator, inputs, [self._made[key]], **attributes))
        return self._made[key]

    def _constant(self, values: tuple[int, ...]) -> str:
        if values not in self._made:
            self._made[values] = f"size_{len(self._made)}"
            self.nodes.append(helper.make_node("Constant", [], [self._made[values]], value=_vector(values)))
        return self._made[values]


def _taken_elsewhere(graph: Any) -> Iterator[str]:
    """Yield the names that nodes take otherwise than as the shape of a reshape."""
    for node in graph.node:
        yield from (node.input[:1] if node.op_type == "Reshape" else node.input)
        for attribute in node.attribute:
            yield from _taken_elsewhere(attribute.g)


def _vector(values: Sequence[int]) -> Any:
    return helper.make_tensor("", TensorProto.INT64, [len(values)], values)


def _name_axes(runs: Sequence[_Run]) -> None:
    """Give the axes of inputs and outputs that differ the name of their length, or one of their own."""
    graph = runs[0].graph.graph
    for kind in ("input", "output"):
        for place, value in enumerate(getattr(graph, kind)):
            shapes = [getattr(run.graph.graph, kind)[place].type.tensor_type.shape.dim for run in runs]
            for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
                column = [shape[axis].dim_value for shape in shapes]
                same = [name for name in runs[0].lengths if column == [run.lengths[name] for run in runs]]
                if len(set(column)) > 1:
                    dimension.dim_param = same[0] if same else f"{value.name}_{axis}"
