"""Values: where each variable of a program is stored while its loops are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NoReturn

from ...virtual.traced.recording import Call, Variable
from ..names import Names
from .access import Access, whole
from .elements import DTYPES, cast, element, literal
from .nests import Nests

__all__ = ["Values", "empty", "is_uniform"]


class Values:
    """The variables of a program, and the nests that compute them.

    The elements of a variable are a local scalar in its nest, and are stored in an array only if another nest needs
    them. A variable with one element, or equal elements, is an expression that any later nest can use.

    Parameters
    ----------
    constants : dict of Variable to array
    names : Names
    promote : callable
        The library's `result_type`.

    Attributes
    ----------
    nests : Nests
    names : Names
    numbers : dict of Variable to str
        The names of the numbers that the loops use.
    arrays : dict of str to array
        The constants that the loops use.
    homes : dict of Variable to str
        The arrays for results of the program that are not stored yet.
    stored : dict of Variable to (int, Access)
        The variables in memory: the first nest that can read them, and where they are.
    singles : dict of Variable to (int, str, str)
        The variables with equal elements: the first nest that can use them, their expression, and its dtype.
    writable_from : dict of str to int
        The first nest that may write an array, by the array's name.
    checked : int
        The number of the nest after the last check, 0 if there is none: the state must not be written before it.
    places : dict of (Variable, int) to (int, str)
        The checked indices: see `checked_places`.
    call : Call or None
        The call that is being added, for errors.
    """

    def __init__(self, constants: dict[Variable, Any], names: Names, promote: Callable[..., Any]) -> None:
        self._constants, self.names, self._promote = constants, names, promote
        self.nests = Nests()
        self.numbers: dict[Variable, str] = {}
        self.arrays: dict[str, Any] = {}
        self.homes: dict[Variable, str] = {}
        self.stored: dict[Variable, tuple[int, Access]] = {}
        self.singles: dict[Variable, tuple[int, str, str]] = {}
        self._scalars: dict[Variable, tuple[int, str]] = {}  # the nest that computes a variable, and its name there
        self._moved: dict[tuple[int, str], str] = {}  # the names of hoisted expressions, by nest and text
        self._strided: set[str] = set()  # arrays that may not be contiguous
        self.writable_from: dict[str, int] = {}
        self.checked = 0
        self.places: dict[tuple[Variable, int], tuple[int, str]] = {}
        self.call: Call | None = None

    # Errors

    def refuse(self, why: str = "") -> NoReturn:
        """Raise NotImplementedError for the call that is being added."""
        assert self.call is not None
        name, line = self.call.name.removeprefix("special_"), self.call.line
        place = f", in the line `{line}`" if line else ""
        raise NotImplementedError(f'agrad.compile(..., jit="numba") has no loops for {name}{why}{place}; leave jit out')

    def dtype_of(self, x: Variable) -> str:
        """Return the name of a variable's dtype; raise NotImplementedError if loops cannot compute with it."""
        name = str(x.value.dtype)
        if name not in DTYPES and self.call is not None:
            self.refuse(f" of {name}")
        if name not in DTYPES:
            message = f'agrad.compile(..., jit="numba") takes no arrays of {name}, as {x.name} is; leave jit out'
            raise NotImplementedError(message)
        return name

    # Computing

    def compute(self, name: str, out: Variable, args: Sequence[Any]) -> None:
        """Add an elementwise call with the result `out`."""
        dtype, common = self.dtype_of(out), self._common(args)
        i = self.place(out.value.shape, *args)
        operands = [self._operand(x, i) for x in args]
        self.define(out, i, element(name, operands, dtype, common))

    def _common(self, args: Sequence[Any]) -> str:
        """Return the dtype that operands promote to."""
        kinds = [x if type(x) is not Variable else x.value if x.is_number else x.value.dtype for x in args]
        return str(self._promote(*kinds)) if any(hasattr(x, "kind") for x in kinds) else "float64"

    def place(self, shape: Sequence[int], *inputs: Any) -> int:
        """Return the number of a nest of a shape that can read the elements of variables."""
        shape = tuple(shape)
        return self.nests.place(shape, max([0, *(self._from(x, shape) for x in inputs if type(x) is Variable)]))

    def _from(self, x: Variable, shape: tuple[int, ...]) -> int:
        if x.is_number or x in self._constants:
            return 0
        if x in self.singles:
            return self.singles[x][0]
        if x in self._scalars and tuple(x.value.shape) == shape:
            return self._scalars[x][0]
        return self.access(x)[0]

    def define(self, out: Variable, i: int, text: str) -> None:
        """Add an expression for a variable to a nest of its shape."""
        nest, name = self.nests.nest(i), self.names.unused("s0")
        nest.body.append(f"{name} = {text}")
        self._scalars[out] = i, name
        if nest.is_single:
            self.singles[out] = i, name, str(out.value.dtype)

    def _operand(self, x: Any, i: int) -> Callable[[str], str]:
        return lambda dtype: self.element(x, i, dtype)

    def element(self, x: Any, i: int, dtype: str | None = None) -> str:
        """Return the expression for an element of a variable, or for a Python number, in a nest, cast to a dtype."""
        if type(x) is not Variable:
            return literal(x, dtype or "float64")
        if x.is_number:
            return cast(self._number(x), "float64", dtype or "float64")
        if x in self._constants and is_uniform(x.value):
            return literal(_first(x.value), dtype or str(x.value.dtype))
        if x in self.singles:
            _, text, have = self.singles[x]
            return cast(text, have, dtype or have)
        have = str(x.value.dtype)
        nest, name = self._scalars.get(x, (None, ""))
        return cast(name if nest == i else self.at(self.access(x)[1], i), have, dtype or have)

    def read(self, access: Access, i: int) -> None:
        """Record that a nest reads an array. Unless it reads each element at its own index, it must not write it."""
        shape = self.nests.nest(i).shape
        aligned = access.shape == shape and access.axes == tuple(range(len(shape)))
        self.writable_from[access.name] = max(self.writable_from.get(access.name, 0), i if aligned else i + 1)

    def at(self, access: Access, i: int) -> str:
        """Return the expression for an element of an access in a nest."""
        self.read(access, i)
        loops = self.nests.nest(i).loops
        skipped, deepest = len(loops) - len(access.shape), 0
        for place, index in enumerate(access.indices):
            if index.axis is None or access.shape[index.axis] == 1:
                continue
            depth = index.axis + skipped + 1
            deepest = max(deepest, depth)
            if index.through:
                access = access.looked_up(place, self._outside(i, index.text(loops[skipped:]), depth))
        return self._outside(i, access.element(loops), deepest)

    def _outside(self, i: int, text: str, depth: int) -> str:
        """Hoist an expression that depends on the outer loops only out of the inner ones; return its name.

        numba does not hoist it, because the inner loops might write to the memory that it reads.
        """
        nest = self.nests.nest(i)
        if all(loop == "0" for loop in nest.loops[depth:]):
            return text
        if (i, text) not in self._moved:
            self._moved[i, text] = name = self.names.unused("p0")
            nest.begin.setdefault(depth, []).append(f"{name} = {text}")
        return self._moved[i, text]

    def _number(self, x: Variable) -> str:
        if x not in self.numbers:
            self.numbers[x] = self.names.unused("n0")
        return self.numbers[x]

    # Memory

    def take_over(self, x: Variable, strided: bool) -> None:
        """Add an array that the loops take as an argument; `strided` if it may not be contiguous."""
        self.dtype_of(x)
        self.stored[x] = 0, whole(self.names[x], x.value.shape)
        if strided:
            self._strided.add(self.names[x])

    def access(self, x: Variable) -> tuple[int, Access]:
        """Return the first nest that can read a variable from memory, and where it is; store it if needed."""
        if x not in self.stored:
            if x in self._constants:
                name = self.names.bound("c0", x.value)
                # The loops take it for contiguous; a constant that was broadcast has the memory of one element.
                self.arrays[name] = x.value if x.value.flags.c_contiguous else x.value.copy()
                self.stored[x] = 0, whole(name, x.value.shape)
            else:
                i = self._scalars[x][0] if x in self._scalars else self.place(x.value.shape, x)
                self.store(x, self.new_array(x, i), i)
        return self.stored[x]

    def store(self, x: Variable, name: str, i: int) -> None:
        """Store a variable that a nest computes in an array."""
        target = whole(name, x.value.shape)
        text = self.element(x, i)
        self.nests.nest(i).body.append(f"{target.element(self.nests.nest(i).loops)} = {text}")
        self.stored[x] = i + 1, target

    def store_result(self, x: Variable, name: str) -> None:
        """Store a result of the program in its array."""
        if self.homes.get(x) == name and x in self._scalars and x not in self.singles:
            self.store(x, self.homes.pop(x), self._scalars[x][0])
        elif x not in self.stored or self.stored[x][1].name != name:
            self.copy_to(whole(name, x.value.shape), x)

    def new_array(self, x: Variable, i: int) -> str:
        """Return the name of an array for a variable: that of a result, or a new one, allocated before a nest."""
        if x in self.homes:
            return self.homes.pop(x)
        name = self.names.unused("t0")
        self.nests.nest(i).before.append(f"{name} = {empty(x)}")
        return name

    def copy_to(self, target: Access, x: Variable, earliest: int = 0, new: bool = False) -> int:
        """Copy a variable to the elements of an access, in a new nest if `new`; return the number of the nest."""
        shape = target.shape
        i = self.nests.new(shape) if new else self.nests.place(shape, max(earliest, self._from(x, shape)))
        text = self.element(x, i)
        self.nests.nest(i).body.append(f"{target.element(self.nests.nest(i).loops)} = {text}")
        return i

    def copy(self, x: Variable) -> None:
        """Copy a stored variable to a contiguous array."""
        ready, access = self.stored[x]
        i = self.nests.place(access.shape, ready)
        target = whole(self.new_array(x, i), access.shape)
        self.copy_to(target, x, i)
        self.stored[x] = i + 1, target

    def contiguous(self, x: Variable) -> str:
        """Return the expression for a contiguous array, or for the transpose of one: ``t0.T``."""
        _, access = self.access(x)
        plain = tuple(range(len(access.shape)))
        if access.name in self._strided or access.axes not in (plain, (1, 0)):
            self.copy(x)
            return self.contiguous(x)
        return access.name if access.axes == plain else f"{access.name}.T"

    def block(self, lines: Sequence[str], *reads: str) -> int:
        """Add lines that read arrays, and return the number of the next nest."""
        i = self.nests.block(lines)
        for text in reads:
            self.writable_from[text.removesuffix(".T")] = i + 1
        return i + 1


def empty(x: Variable) -> str:
    """Return the expression that allocates an array for a variable."""
    dtype = str(x.value.dtype)
    return f"np.empty({tuple(x.value.shape)!r}, np.{'bool_' if dtype == 'bool' else dtype})"


def is_uniform(array: Any) -> bool:
    """Return whether all elements of an array are equal."""
    return prod(array.shape) <= 1 or bool((array == array.reshape(-1)[:1]).all())


def _first(array: Any) -> Any:
    return array.reshape(-1)[0] if prod(array.shape) else 0
