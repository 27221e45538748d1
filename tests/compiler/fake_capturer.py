"""A capturer of NumPy's: programs are put through all that a CUDA graph asks of them, on the CPU.

What is captured happens at each launch only. Between two launches all temporaries are filled with NaN, in a launch no
value may be read by Python, and the arrays must be those that were captured.
"""

import re

import numpy as np

__all__ = ["FakeCapturer", "refusing"]


class Device(np.ndarray):
    """An array whose values Python cannot read, as in a capture."""

    def _refuse(self, *_):
        refuse()

    __bool__ = __float__ = __int__ = __index__ = __complex__ = item = tolist = _refuse


def refuse():
    raise RuntimeError("copies to the host are not allowed")


class FakeCapturer:
    """See `agrad.backends.base.Capturer`.

    Attributes
    ----------
    launches : int
        Of all capturers.
    capturing : bool
        Whether one is capturing or launching.
    """

    launches, capturing = 0, False

    def __init__(self, native):
        self._unwritten = []

    def scalar(self, dtype):
        if dtype == np.uint64:
            raise NotImplementedError("NumPy's generators lie on the host")
        array = np.full((), np.nan, dtype)
        return array, lambda number: self._unwritten.append((array, number))

    def flush(self):
        for array, number in self._unwritten:
            array[...] = number
        self._unwritten.clear()

    def buffer(self, array):
        return array.copy()

    def copy(self, buffer, array):
        buffer[...] = array

    def run(self, function):
        return function()

    def capture(self, function):
        run, arrays = function.func, function.args
        before = [x.copy() for x in arrays]
        returned = self._run(run, arrays)
        results = listed(returned)
        for x, values in zip(arrays, before, strict=True):
            x[...] = values
        state = [any(result is x for x in arrays) for result in results]
        for result, is_state in zip(results, state, strict=True):
            if not is_state:
                spoil(result)  # which shows that it is filled by the launch

        def launch():
            FakeCapturer.launches += 1
            for name, x in run.__globals__.items():
                if re.fullmatch(r"t\d+", name):
                    spoil(x)
            for result, new, is_state in zip(results, listed(self._run(run, arrays)), state, strict=True):
                assert not is_state or new is result
                if not is_state:
                    result[...] = new

        return launch, returned

    def _run(self, run, arrays):
        """Call a function with arrays that Python cannot read; return those that it returned."""
        guarded = [x.view(Device) for x in arrays]
        originals = {id(guard): x for guard, x in zip(guarded, arrays, strict=True)}
        FakeCapturer.capturing = True
        try:
            returned = run(*guarded)
            found = [originals.get(id(x), x.view(np.ndarray)) for x in listed(returned)]
            return tuple(found) if type(returned) is tuple else found[0] if found else None
        finally:
            FakeCapturer.capturing = False


def listed(results):
    """Return what a program returned as a tuple: it may be one array, or None."""
    return results if type(results) is tuple else () if results is None else (results,)


def spoil(x):
    """Fill an array with what shows when it is read."""
    x[...] = np.nan if x.dtype.kind in "fc" else 77 if x.dtype.kind in "iu" else True


def refusing(read):
    """Return a method of the backend's that reads values, and refuses in a capture."""
    return lambda *arguments: refuse() if FakeCapturer.capturing else read(*arguments)
