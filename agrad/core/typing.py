"""Type aliases for what the type checker cannot know, by what it is."""

from __future__ import annotations

from typing import Any, TypeAlias

from ..backends.typing import Array, Namespace, NativeDevice, NativeDtype

__all__ = ["Array", "DTypeLike", "Namespace", "NativeDevice", "NativeDtype"]

DTypeLike: TypeAlias = Any  # a DType, its name, float, complex, int, an array library's dtype, or None
