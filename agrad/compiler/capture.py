"""Capture: a program that the library records, so that one launch repeats all of its calls.

A launch works on the memory that the program used when it was recorded. So everything stays in place: an argument is
copied into a buffer, unless it is the same array at each call; results are copied out; the arrays of the state are used
where they are, and where one is replaced the program is recorded anew. Numbers of optimizers and of random draws, which
would be recorded with their values, lie in arrays without axes, and are written before the launch.
"""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from ..backends.base import Backend, Recorder
from ..core.device import Device
from ..virtual.lines import stack_level
from ..virtual.traced.recording import DRAW, NUMBER, Call, Variable, replace_nested
from .expressions import INFIX
from .program import Program
from .source import Source

__all__ = ["Capture", "Draws", "captured", "place_numbers"]

_OFTEN: Final = 8  # launches of a recording, below which it was not worth its time
_MOST: Final = 4  # such recordings, one after the other, before they are given up
_SCALED: Final = frozenset({"add_scaled", "add_product", "add_quotient"})  # they take a number in float64


def captured(program: Program, device: Device, generator: Callable[[], Any], title: str) -> Source:
    """Return a program in Python whose `run` records itself where the library can, and where that is worth it."""
    try:
        recorder = device.backend.recorder(device.native)
        if recorder is None:
            return Source(program, device, generator, title)
        count = sum(call.kind == DRAW for call in program.calls)
        draws = Draws(count, generator, recorder, device.backend)
        place_numbers(program, recorder, device.backend)
    except Exception as error:  # a library of NVIDIA's may be missing
        _warn(title, error)
        return Source(program, device, generator, title)
    source = Source(program, device, draws.generator, title)
    source.run = Capture(source, program, draws, recorder, device.backend, title)
    return source


def place_numbers(program: Program, recorder: Recorder, backend: Backend) -> None:
    """Let calls take numbers of the state from arrays without axes, which the function of numbers sets.

    Raises
    ------
    NotImplementedError
        If it is not known which dtype a call computes with a number in.
    """
    calls = [call for call in program.calls if call.kind != NUMBER and any(map(_is_number, call.inputs()))]
    dtypes = [_dtype_with(call, backend) for call in calls]
    numbers = _Numbers(recorder)
    for call, dtype in zip(calls, dtypes, strict=True):
        numbers.place(call, dtype)
    program.constants |= {x: x.value for x in numbers.arrays.values()}
    first = [call for call in program.calls if call.kind == NUMBER]
    program.calls = [*first, *numbers.writes, *(call for call in program.calls if call.kind != NUMBER)]


class _Numbers:
    """Numbers in arrays without axes.

    Attributes
    ----------
    arrays : dict of (Variable, dtype) to Variable
        What stands for a number among the arguments of calls.
    writes : list of Call
        Those that set the arrays.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.arrays: dict[tuple[Variable, Any], Variable] = {}
        self.writes: list[Call] = []

    def place(self, call: Call, dtype: Any) -> None:
        """Replace the numbers among the arguments of a call."""
        replace: Callable[[Any], Any] = lambda x: self._array(x, dtype) if _is_number(x) else x
        call.args, call.kwargs = replace_nested(call.args, replace), replace_nested(call.kwargs, replace)

    def _array(self, x: Variable, dtype: Any) -> Variable:
        if (x, dtype) not in self.arrays:
            array, write = self._recorder.scalar(dtype)
            self.arrays[x, dtype] = Variable(array, f"z{len(self.arrays)}")
            self.writes.append(Call(NUMBER, f"set_{self.arrays[x, dtype].name}", write, (x,), {}))
        return self.arrays[x, dtype]


def _is_number(x: Any) -> bool:
    return type(x) is Variable and x.is_number


def _dtype_with(call: Call, backend: Backend) -> Any:
    """Return the dtype of the numbers that a call takes."""
    if call.name in _SCALED:
        return backend.xp.float64
    arrays = [x.value.dtype for x in call.inputs() if not x.is_number]
    if (call.function in INFIX or call.name == "fill") and arrays and backend.xp.isdtype(arrays[0], "real floating"):
        return arrays[0]
    raise NotImplementedError(f"{call.name} computes with a number of an optimizer, which would not change")


class Draws:
    """The generator of a program that is recorded: draws take their seed and number from arrays without axes.

    Attributes
    ----------
    stands_in : bool
        Whether the program draws from this object, and not from the generator itself.
    """

    def __init__(self, count: int, generator: Callable[[], Any], recorder: Recorder, backend: Backend) -> None:
        self._generator, self._backend = generator, backend
        self._places = [[recorder.scalar(backend.xp.uint64) for _ in range(2)] for _ in range(count)]
        self._next = iter(self._places)
        self._before: Any = None
        self.stands_in = True

    def generator(self) -> Any:
        """Return what a program draws from."""
        return self if self.stands_in else self._generator()

    def draw(self) -> tuple[Any, Any]:
        """Return the seed and the number of a draw."""
        (seed, _), (number, _) = next(self._next)
        return seed, number

    def prepare(self) -> None:
        """Take from the generator what the draws of the next call need."""
        if self._places:
            generator = self._generator()
            self._before = self._backend.get_state(generator)
            for places in self._places:
                for (_, write), value in zip(places, generator.draw(), strict=True):
                    write(value)
            self._next = iter(self._places)

    def leave(self) -> None:
        """Let the program draw from the generator itself, also what was prepared."""
        self.stands_in = False
        if self._before is not None:
            self._backend.set_state(self._generator(), self._before)


class Capture:
    """The function of a program, which is run once as it is, then recorded, and from then on launched.

    Parameters
    ----------
    source : Source
    program : Program
    draws : Draws
    recorder : Recorder
    backend : Backend
    title : str
        What the warning calls it, if it cannot be recorded. It then goes on as it is.
    """

    def __init__(
        self, source: Source, program: Program, draws: Draws, recorder: Recorder, backend: Backend, title: str
    ) -> None:
        self._run, self._code, self._title = source.run, source.code, title
        self._draws, self._recorder, self._backend = draws, recorder, backend
        self._arrays: list[Any] = [None] * len(source.takes)  # in place
        self._arguments = {i for i, x in enumerate(source.takes) if x in program.inputs}
        self._buffered: set[int] = set()  # the arguments that are copied
        self._fresh = sum(not x.is_number for x in program.outputs) + len(program.grads)  # results to copy
        self._has_run, self._given_up = False, False
        self._launch: Callable[[], None] | None = None
        self._results: Any = ()
        self._launches, self._in_vain = 0, 0

    def __call__(self, *arrays: Any) -> Any:
        """Return the results of the program, those that are new in memory of their own."""
        if not self._given_up:
            self._put_in_place(arrays)
        if not self._given_up:
            self._draws.prepare()
        self._recorder.flush()
        if self._launch is not None:
            self._launch()
            self._launches += 1
            return self._owned(self._results)
        return self._run(*arrays) if self._given_up else self._first(arrays)

    def _first(self, arrays: Any) -> Any:
        """Run the program, or record it if it has run: by then the library has made what it needs only once."""
        work = partial(self._run, *self._arrays)
        if not self._has_run:
            results = self._recorder.run(work)
            self._has_run = True
            return self._owned(results)
        try:
            launch, self._results = self._recorder.record(work)
        except Exception as error:
            self._give_up(error)
            return self._run(*arrays)
        launch()
        self._launch, self._launches = launch, 1
        return self._owned(self._results)

    def _owned(self, results: Any) -> Any:
        return *map(self._backend.copy, results[: self._fresh]), *results[self._fresh :]

    def _put_in_place(self, arrays: Any) -> None:
        """Copy arguments into their buffers, and forget the recording where another array is not where it was."""
        for i, array in enumerate(arrays):
            if i in self._buffered:
                self._recorder.copy(self._arrays[i], array)
            elif array is not self._arrays[i]:
                self._replace(i, array)
        if self._in_vain == _MOST:
            self._give_up(RuntimeError("arrays of the state are replaced too often"))

    def _replace(self, i: int, array: Any) -> None:
        """Take another array: that of an argument which is not always the same goes into a buffer from now on."""
        if i in self._arguments and self._arrays[i] is not None:
            self._buffered.add(i)
            self._arrays[i] = self._backend.empty_as(array)
            self._recorder.copy(self._arrays[i], array)
            self._has_run = False  # on a buffer, whose memory layout may be another one
        else:
            self._arrays[i] = array
        if self._launch is not None:
            self._in_vain = self._in_vain + 1 if self._launches < _OFTEN and i not in self._arguments else 0
            self._launch, self._results = None, ()

    def _give_up(self, error: Exception) -> None:
        self._given_up = True
        self._launch, self._results = None, ()
        self._arrays.clear()
        self._draws.leave()
        _warn(self._title, error, self._code)


def _warn(title: str, error: Exception, code: Any = None) -> None:
    """Say that a program is not recorded, and why."""
    at = error.__traceback__
    while at is not None and at.tb_frame.f_code is not code:
        at = at.tb_next
    line = "" if at is None else linecache.getline(at.tb_frame.f_code.co_filename, at.tb_lineno).partition("  #")[0]
    warnings.warn(
        f"agrad.compile makes the calls of {title} one by one, because they cannot be captured in a CUDA graph: "
        f"{error}{f' (at `{line.strip()}` in the program)' if line.strip() else ''}",
        RuntimeWarning,
        stacklevel=stack_level(),
    )
