"""An array library that agrad does not know, for docs/backends.md: the standard over NumPy, and nothing beyond it.

It shares no class with NumPy, and has the oddities of several libraries: arrays have no `device`, dtypes are shown in
words of its own, and no function takes a keyword that says nothing (``dtype=None``).
"""

import operator
import sys
from types import ModuleType

import array_api_compat.numpy as np
import array_api_strict as standard  # whose names are those of the standard

SILENT = {"dtype": None, "copy": None, "stable": True}
DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "complex64",
    "complex128",
]  # fmt: skip


class DType:
    """A dtype, whose repr is not its name in the standard."""

    def __init__(self, numpy):
        self._numpy = np.dtype(numpy)

    def __repr__(self):
        return self._numpy.name.title()


_dtypes = {name: DType(name) for name in DTYPES}


class Array:
    """An array without anything that the standard does not ask for."""

    def __init__(self, numpy):
        self._numpy = np.asarray(numpy)

    @property
    def dtype(self):
        return _dtypes[self._numpy.dtype.name]

    def __getitem__(self, key):
        return Array(self._numpy[_given(key)])

    def __setitem__(self, key, value):
        self._numpy[_given(key)] = _given(value)

    def __array_namespace__(self, *, api_version=None):
        return sys.modules[__name__]

    def __repr__(self):
        return f"mylibrary.Array({self._numpy.tolist()})"


def _given(x):
    """Return what NumPy is given."""
    if isinstance(x, (Array, DType)):
        return x._numpy
    return type(x)(map(_given, x)) if type(x) in (list, tuple) else x


def _returned(x):
    """Return what came from NumPy, in the library's own classes."""
    if isinstance(x, (np.ndarray, np.generic)):
        return Array(x)
    if isinstance(x, np.dtype):
        return _dtypes[x.name]
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(_returned, x))
    return type(x)(map(_returned, x)) if type(x) in (list, tuple) else x


def _over(function):
    """Return the function of the library that is this one of NumPy's."""

    def wrapped(*args, **settings):
        if idle := [name for name, value in SILENT.items() if name in settings and settings[name] is value]:
            raise TypeError(f"{function.__name__}() takes no {idle[0]}={settings[idle[0]]}")
        return _returned(function(*map(_given, args), **{name: _given(x) for name, x in settings.items()}))

    return wrapped


def to_numpy(x):
    """Copy an array to the host."""
    return x._numpy.copy()


def memory_of(x):
    """Return a number that tells the memory of an array: views have that of the array that they are of."""
    return id(x._numpy if x._numpy.base is None else x._numpy.base)


def _in_place(name):
    def wrapped(self, other):
        self._numpy = getattr(operator, name)(self._numpy, _given(other))
        return self

    return wrapped


def _read(name):
    def read(self):
        return _returned(getattr(self._numpy, name))

    return read


def _number(name):
    def read(self):
        return getattr(self._numpy, f"__{name}__")()

    return read


for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
):
    setattr(Array, f"__{_name}__", _over(getattr(np.ndarray, f"__{_name}__")))
    setattr(Array, f"__r{_name}__", _over(getattr(np.ndarray, f"__r{_name}__")))
    setattr(Array, f"__i{_name}__", _in_place(f"i{_name}"))
for _name in ("eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert"):
    setattr(Array, f"__{_name}__", _over(getattr(np.ndarray, f"__{_name}__")))
for _name in ("bool", "int", "float", "complex", "index"):
    setattr(Array, f"__{_name}__", _number(_name))
for _name in ("shape", "ndim", "size", "T", "mT"):
    setattr(Array, _name, property(_read(_name)))


def _fill(names, source, target):
    """Enter functions of NumPy's, and constants, under their names in the standard."""
    for name in names:
        found = _dtypes.get(name, getattr(source, name, None))
        target[name] = _over(found) if callable(found) and name not in _dtypes else found


_fill(standard.__all__, np, globals())
linalg, fft = ModuleType("mylibrary.linalg"), ModuleType("mylibrary.fft")
_fill(standard.linalg.__all__, np.linalg, vars(linalg))
_fill(standard.fft.__all__, np.fft, vars(fft))
