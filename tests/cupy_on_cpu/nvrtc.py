"""NVIDIA's own compiler of kernels, which needs neither a GPU nor a driver."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

__all__ = ["compile_for", "missing"]


@cache
def _library() -> Any:
    return ctypes.CDLL(os.environ["NVRTC_LIBRARY"])


def missing() -> str:
    """Return why NVRTC cannot be called; nothing where it can."""
    try:
        _library()
    except KeyError:
        return 'NVRTC_LIBRARY names no library: run nox -s "tests(cuda-on-cpu)"'
    except OSError as error:
        return f"NVRTC cannot be loaded: {error}"
    return ""


def compile_for(architecture: str, source: str, options: list[str]) -> bytes:
    """Return the machine code of a CUDA source for an architecture such as ``"sm_90"``.

    Raises
    ------
    ValueError
        If it does not compile, with the compiler's words.
    """
    program = ctypes.c_void_p()
    options = [option for option in options if not option.startswith("-arch=")]
    given = [option.encode() for option in [*options, f"-arch={architecture}"]]
    _library().nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
    try:
        if _library().nvrtcCompileProgram(program, len(given), (ctypes.c_char_p * len(given))(*given)):
            raise ValueError(_text(program, "ProgramLog").decode())
        return _text(program, "CUBIN")
    finally:
        _library().nvrtcDestroyProgram(ctypes.byref(program))


def _text(program: ctypes.c_void_p, what: str) -> bytes:
    """Return a text of a program that NVRTC gives out by its size first."""
    size = ctypes.c_size_t()
    getattr(_library(), f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    getattr(_library(), f"nvrtcGet{what}")(program, text)
    return text.raw
