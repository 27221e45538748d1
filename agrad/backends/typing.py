"""Type aliases for the objects of array libraries: all Any, since agrad uses every library through one namespace."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["Array", "Namespace", "NativeDevice", "NativeDtype"]

Array: TypeAlias = Any  # an array library's array; in a rule that runs under create_graph, a Tensor
Namespace: TypeAlias = Any  # a module with the functions of the array API standard, or an object like one
NativeDtype: TypeAlias = Any  # an array library's own dtype, such as numpy.float32
NativeDevice: TypeAlias = Any  # an array library's own device object, or None for its default
