"""Capture: a program whose calls are captured in a CUDA graph, so that one launch repeats all of them.

A launch reads and writes the memory addresses of the captured calls. So an argument is copied into a buffer, unless it
is the same array at each call; results are copied out; the arrays of the state are used where they are, and if one is
replaced, the program is captured again.
"""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from ..backends.base import Backend, Capturer
from ..core.device import Device
from ..virtual.lines import stack_level
from ..virtual.traced.recording import DRAW, EXCHANGE, Variable
from .draws import Draws
from .lines import LineSource
from .program import Program
from .scalars import place_numbers

__all__ = ["Capture", "CapturedSource", "captured"]

_MIN_LAUNCHES: Final = 8  # fewer launches than that were not worth the capture
_MAX_RECAPTURES: Final = 4  # captures in a row with too few launches, after which the program is no longer captured


def captured(
    program: Program, device: Device, generator: Callable[[], Any], title: str, held: Sequence[Variable] = ()
) -> LineSource:
    """Return a program as Python source, whose `run` is a `Capture` if the library can capture its calls."""
    try:
        prepared = _prepared(program, device, generator)
    except Exception as error:  # a library of NVIDIA's may be missing
        _warn(title, error)
        prepared = None
    if prepared is None:
        return LineSource(program, device, generator, title, held)
    return CapturedSource(program, device, *prepared, title, held)


def _prepared(program: Program, device: Device, generator: Callable[[], Any]) -> tuple[Draws, Capturer] | None:
    """Let a program take its random draws and numbers from the GPU; None if its calls are not to be captured."""
    capturer = device.backend.capturer(device.native)
    if capturer is None or any(call.kind == EXCHANGE for call in program.calls):  # an exchange runs on the CPU, too
        return None
    draws = Draws(sum(call.kind == DRAW for call in program.calls), generator, capturer, device.backend)
    place_numbers(program, capturer, device.backend)
    return draws, capturer


class CapturedSource(LineSource):
    """A program whose `run` is a `Capture`."""

    def __init__(
        self, program: Program, device: Device, draws: Draws, capturer: Capturer, title: str, held: Sequence[Variable]
    ) -> None:
        super().__init__(program, device, draws.generator, title, held)
        self._draws, self._capturer = draws, capturer

    def make(self) -> None:
        """Compile the text to functions; see `Source.make`."""
        super().make()
        self.run = Capture(self, self._program, self._draws, self._capturer, self._backend, self._title)


class Capture:
    """The function of a program: its first call runs the calls, the second captures them, later ones launch the graph.

    Parameters
    ----------
    source : LineSource
    program : Program
    draws : Draws
    capturer : Capturer
    backend : Backend
    title : str
        The program's name in the warning that it cannot be captured. Its calls are then run one by one.
    """

    def __init__(
        self, source: LineSource, program: Program, draws: Draws, capturer: Capturer, backend: Backend, title: str
    ) -> None:
        self._run, self._code, self._title = source.run, source.code, title
        self._draws, self._capturer, self._backend = draws, capturer, backend
        self._arrays: list[Any] = [None] * (len(source.takes) + len(source.views))  # with fixed addresses
        self._arguments = {i for i, x in enumerate(source.takes) if x in program.inputs}
        self._buffered: set[int] = set()  # the arguments that are copied
        self._fresh = sum(not x.is_number for x in program.outputs) + len(program.grads)  # the results that are copied
        self._has_run, self._given_up = False, False
        self._launch: Callable[[], None] | None = None
        self._results: Any = ()  # of each launch
        self._launches = 0  # of this capture
        self._recaptures = 0  # captures in a row with too few launches

    def __call__(self, *arrays: Any) -> Any:
        """Return the results of the program, as new arrays if they are not part of the state."""
        if not self._given_up:
            self._put_in_place(arrays)
        if self._given_up:
            self._capturer.flush()
            return self._run(*arrays)
        self._draws.prepare()
        self._capturer.flush()
        if not self._has_run:
            return self._first()
        if self._launch is None:
            try:
                self._launch, self._results = self._capturer.capture(self._work())
            except Exception as error:
                self._draws.undo()
                self._give_up(error)
                return self._run(*arrays)
        self._launch()
        self._launches += 1
        return self._owned(self._results)

    def _work(self) -> Callable[[], Any]:
        return partial(self._run, *self._arrays)

    def _first(self) -> Any:
        """Run the calls without capturing, so that the library compiles its kernels and does other one-time work."""
        results = self._capturer.run(self._work())
        self._has_run = True
        return self._owned(results)

    def _owned(self, results: Any) -> Any:
        """Return copies of the results, one or several; the arrays of the state that follow them are not copied."""
        if type(results) is tuple:
            return *map(self._backend.copy, results[: self._fresh]), *results[self._fresh :]
        return results if results is None else self._backend.copy(results)

    # Fixed addresses

    def _put_in_place(self, arrays: Any) -> None:
        """Copy arguments into their buffers, and use the other arrays where they are."""
        for i, array in enumerate(arrays):
            if i in self._buffered:
                self._capturer.copy(self._arrays[i], array)
            elif array is not self._arrays[i]:
                self._replace(i, array)
        if self._recaptures == _MAX_RECAPTURES:
            self._give_up(RuntimeError("arrays of its state are replaced too often"))

    def _replace(self, i: int, array: Any) -> None:
        """Use another array, and drop the capture. An argument gets a buffer when its array first changes."""
        if i in self._arguments and self._arrays[i] is not None:
            self._buffered.add(i)
            self._arrays[i] = self._capturer.buffer(array)
            self._has_run = False  # the buffer may have another memory layout
        else:
            self._arrays[i] = array
        if self._launch is not None:
            too_few = self._launches < _MIN_LAUNCHES and i not in self._arguments
            self._recaptures = self._recaptures + 1 if too_few else 0
            self._launch, self._results, self._launches = None, (), 0

    def _give_up(self, error: Exception) -> None:
        self._given_up, self._draws.stands_in = True, False
        self._launch, self._results = None, ()
        self._arrays.clear()
        _warn(self._title, error, self._code)


def _warn(title: str, error: Exception, code: Any = None) -> None:
    """Warn that a program is not captured, and why, with the line of its code that failed."""
    at = error.__traceback__
    while at is not None and at.tb_frame.f_code is not code:
        at = at.tb_next
    line = "" if at is None else linecache.getline(at.tb_frame.f_code.co_filename, at.tb_lineno).partition("  #")[0]
    warnings.warn(
        f"agrad.compile runs the calls of {title} one by one, because they cannot be captured in a CUDA graph: "
        f"{error}{f' (at `{line.strip()}` in the program)' if line.strip() else ''}",
        RuntimeWarning,
        stacklevel=stack_level(),
    )
