"""The weights of a graph: constants with names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["as_initializers", "used_names"]


def as_initializers(graph: Any, values: Mapping[str, Any]) -> Any:
    """Turn inputs of an ``onnx.ModelProto`` into initializers, its named constants; drop unused ones."""
    from onnx.numpy_helper import from_array  # onnx is an extra

    used = set(used_names(graph.graph))
    kept = [entry for entry in graph.graph.input if entry.name not in values]
    del graph.graph.input[:]
    graph.graph.input.extend(kept)
    graph.graph.initializer.extend([from_array(x, name) for name, x in values.items() if name in used])
    graph.producer_name = "agrad"
    return graph


def used_names(graph: Any) -> Iterator[str]:
    """Yield the names of all inputs of the nodes of a graph, and of graphs nested in it."""
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            yield from used_names(attribute.g)
