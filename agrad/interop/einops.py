"""The einops backend for Tensors.

einops finds its backends among the subclasses of its ``AbstractBackend``, so ours must be defined before einops is
first used. Importing einops here would slow `import agrad` down: an import hook defines ours when einops is imported.
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
_references: list[type] = []  # einops holds only weak references to its backends


def register_with_einops() -> None:
    """Make einops accept Tensors: now if it is already imported, otherwise when it is."""
    if _MODULE in sys.modules:
        _define(sys.modules[_MODULE])
    else:
        sys.meta_path.insert(0, _ImportHook())


class _ImportHook(MetaPathFinder):
    """An import hook that defines the backend after einops's module of backends is imported."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None:
            _define_after(spec.loader)
        return spec


def _define_after(loader: Any) -> None:
    execute = loader.exec_module

    def exec_module(module: Any) -> None:
        execute(module)
        _define(module)

    loader.exec_module = exec_module


def _define(einops: Any) -> None:
    """Define a backend as a subclass of einops's ``AbstractBackend``."""

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

    _references.append(TensorBackend)
