"""What other libraries must be told of Tensors: einops wants a backend per array library.

einops finds its backends among the subclasses of its ``AbstractBackend``, so there must be one of ours when it is
first used. Importing einops for that would slow `import agrad` down for everybody: its own import is waited for.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import Any, Final

from ..core.tensor import Tensor
from ..ops import arange, asarray, concat, einsum, expand_dims, stack, tile

__all__ = ["register_with_einops"]

_MODULE: Final = "einops._backends"
_kept: list[type] = []  # einops itself refers to its backends weakly


def register_with_einops() -> None:
    """Make einops take Tensors: now if it is imported, or else as soon as it is."""
    if _MODULE in sys.modules:
        _define(sys.modules[_MODULE])
    else:
        sys.meta_path.insert(0, _Waiting())


class _Waiting(MetaPathFinder):
    """Sees the one import that it waits for, and has the backend defined behind it."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None:
            _then_define(spec.loader)
        return spec


def _then_define(loader: Any) -> None:
    execute = loader.exec_module

    def exec_module(module: Any) -> None:
        execute(module)
        _define(module)

    loader.exec_module = exec_module


def _define(einops: Any) -> None:
    """Define the backend that einops finds."""

    class TensorBackend(einops.AbstractBackend):  # type: ignore[misc]
        framework_name = __package__

        def is_appropriate_type(self, tensor: Any) -> bool:
            return isinstance(tensor, Tensor)

        def from_numpy(self, x: Any) -> Tensor:
            return asarray(x)

        def to_numpy(self, x: Tensor) -> Any:
            return x.numpy()

        def arange(self, start: int, stop: int) -> Tensor:
            return arange(start, stop)

        def stack_on_zeroth_dimension(self, tensors: list[Tensor]) -> Tensor:
            return stack(tensors)

        def add_axis(self, x: Tensor, new_position: int) -> Tensor:
            return expand_dims(x, axis=new_position)

        def tile(self, x: Tensor, repeats: tuple[int, ...]) -> Tensor:
            return tile(x, repeats)

        def concat(self, tensors: list[Tensor], axis: int) -> Tensor:
            return concat(tensors, axis=axis)

        def is_float_type(self, x: Tensor) -> bool:
            return x.dtype.differentiable

        def einsum(self, pattern: str, *x: Tensor) -> Tensor:
            return einsum(pattern, *x)

    _kept.append(TensorBackend)
