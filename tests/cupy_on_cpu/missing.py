"""C code for the functions of CUDA that the emulator lacks: quiet where there is nothing to do, or an error."""

from __future__ import annotations

__all__ = ["source"]

NOT_SUPPORTED = 15
# Settings, notes for profilers, and what frees what the emulator never made.
QUIET = ("cuda", "nvtx", "cublasSet", "cublasDestroy", "cusolverDnSet", "cusparseSet")


def source(declared: dict[str, str], defined: set[str]) -> str:
    """Return C++ that defines each function that CuPy declares and the emulator does not define."""
    functions = (function(name, declared[name]) for name in sorted(declared.keys() - defined))
    return "\n".join(["#include <cstdio>", 'extern "C" {', *functions, "}", ""])


def function(name: str, result: str) -> str:
    """Return the definition of a function of CUDA's that is not emulated."""
    if result.endswith("*"):
        return f'const char* {name}() {{ return ""; }}'
    if name.startswith(QUIET):
        return f"int {name}() {{ return 0; }}"
    complaint = f'std::fprintf(stderr, "CUDA emulator: {name} is not emulated\\n");'
    return f"int {name}() {{ {complaint} return {NOT_SUPPORTED}; }}"
