"""Data types: one hashable object per type, equal on every backend.

An array library has its own dtype objects (`numpy.dtype`, `torch.float32` ...). Tensors show agrad's, so that
``x.dtype == agrad.float32`` holds wherever `x` lives; `native` leads back to the library's own.
"""

from __future__ import annotations

from typing import Any, Final

from .. import backends
from .typing import Array, DTypeLike, Namespace

__all__ = ["DType", "as_dtype", "from_native", "get_default_dtype", "native", "set_default_dtype"]

_FAMILIES: Final = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float16", "bfloat16", "float32", "float64"),
    "complex floating": ("complex64", "complex128"),
}


class DType:
    """A data type of the array API standard.

    There is one object per type, so dtypes are compared with ``==`` or ``is`` and can be dictionary keys.

    Parameters
    ----------
    name : str
        The standard's name, ``"float32"`` for instance.
    family : str
        The kind in the standard's words: ``"bool"``, ``"signed integer"``, ``"unsigned integer"``,
        ``"real floating"`` or ``"complex floating"``.

    Attributes
    ----------
    differentiable : bool
        Whether Tensors of this type can require gradients: real and complex floating types can.
    is_complex : bool
        Whether its numbers have an imaginary part.

    Examples
    --------
    >>> import agrad
    >>> agrad.ones(2).dtype == agrad.float32
    True
    """

    __slots__ = ("__weakref__", "differentiable", "family", "is_complex", "name")

    def __init__(self, name: str, family: str) -> None:
        self.name, self.family = name, family
        self.differentiable, self.is_complex = family.endswith("floating"), family == "complex floating"

    def __repr__(self) -> str:
        return f"agrad.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)

    @property
    def __numpy_dtype__(self) -> Any:
        """NumPy's dtype of this name, so that ``np.zeros(3, dtype=x.dtype)`` works; TypeError for bfloat16."""
        return backends.load("cpu").xp.dtype(self.name)


BY_NAME: Final = {name: DType(name, family) for family, names in _FAMILIES.items() for name in names}
_by_native: dict[Any, DType] = {}
_default = BY_NAME["float32"]


def from_native(dtype: DTypeLike) -> DType:
    """Return agrad's dtype for an array library's own.

    Raises
    ------
    TypeError
        If the dtype has no counterpart in the standard: strings, dates, objects.
    """
    key = type(dtype), dtype  # dtypes of two libraries may hash alike, and array-api-strict's warn when compared
    try:
        return _by_native[key]
    except (KeyError, TypeError):  # TypeError from what is no key, such as a list
        pass
    # Beside what a namespace holds, numpy.dtype("float32") has a name, and numpy.float32 a __name__.
    name = backends.dtype_name(dtype, BY_NAME) or getattr(dtype, "name", None) or getattr(dtype, "__name__", None)
    if name not in BY_NAME:
        raise TypeError(f"agrad has no dtype {dtype!r}; it has {', '.join(BY_NAME)}")
    return _by_native.setdefault(key, BY_NAME[name])


def as_dtype(dtype: DTypeLike) -> DType:
    """Return the dtype that `dtype` names.

    Parameters
    ----------
    dtype : DType, str, type or an array library's dtype
        ``float`` is the default dtype, ``complex`` the complex one of the same precision, ``int`` is int64.

    Raises
    ------
    TypeError
        If nothing by that name exists.

    Examples
    --------
    >>> import agrad
    >>> agrad.zeros(2, dtype=float).dtype, agrad.zeros(2, dtype="int8").dtype
    (agrad.float32, agrad.int8)
    """
    if isinstance(dtype, DType):
        return dtype
    if dtype is float:
        return _default
    if dtype is complex:
        return BY_NAME["complex128" if _default.name == "float64" else "complex64"]
    if dtype is int:
        return BY_NAME["int64"]
    return BY_NAME[dtype] if isinstance(dtype, str) and dtype in BY_NAME else from_native(dtype)


def native(xp: Namespace, dtype: DTypeLike) -> Array:
    """Return the dtype that namespace `xp` uses for `dtype`; None stays None."""
    if dtype is None:
        return None
    name = as_dtype(dtype).name
    try:
        return getattr(xp, name)
    except AttributeError as error:
        where = "PyTorch and JAX have it, on the devices 'torch' and 'jax'" if name == "bfloat16" else error
        raise TypeError(f"{xp.__name__} has no dtype {name} ({where}); cast to another with x.astype()") from None


def get_default_dtype() -> DType:
    """Return the dtype that Python floats become: float32 unless `set_default_dtype` changed it.

    Returns
    -------
    DType
        The current default.

    Examples
    --------
    >>> import agrad
    >>> agrad.get_default_dtype()
    agrad.float32
    """
    return _default


def set_default_dtype(dtype: DTypeLike) -> None:
    """Make Python floats, and creation functions called without a dtype, use `dtype` from now on.

    Parameters
    ----------
    dtype : DType or str
        A real floating type.

    Raises
    ------
    TypeError
        If it is not a real floating type.

    Examples
    --------
    >>> import agrad
    >>> agrad.set_default_dtype(agrad.float64)
    >>> agrad.tensor(1.5).dtype
    agrad.float64
    >>> agrad.set_default_dtype(agrad.float32)
    """
    global _default
    chosen = as_dtype(dtype)
    if chosen.family != "real floating":
        raise TypeError(f"the default dtype must be a real floating type such as agrad.float32, not {chosen!r}")
    _default = chosen
