"""CuPy's source, changed so that it is built over the emulator.

CuPy can be built without CUDA, for its documentation: over stub headers, whose functions do nothing. Here those
functions become declarations, which the emulator's library resolves, and what CuPy looks up by name it looks up there.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["apply"]

LIBRARY = "libcupyemu.so"
STUB = re.compile(r"^([A-Za-z_][\w \*]*?[ \*])(\w+)\(([^)]*)\)\s*\{[^}]*\}", re.MULTILINE)
RUNTIME = Path("cupy_backends/stub/cupy_cuda_runtime.h")
THRUST = Path("cupy/cuda/cupy_thrust.h")

# Those of the stub headers that make structures, and not calls.
STRUCTURES = """
static inline struct cudaExtent make_cudaExtent(size_t w, size_t h, size_t d) {
    struct cudaExtent extent = {w, h, d};
    return extent;
}
static inline struct cudaPitchedPtr make_cudaPitchedPtr(void* d, size_t p, size_t x, size_t y) {
    struct cudaPitchedPtr pointer = {p, d, x, y};
    return pointer;
}
static inline struct cudaPos make_cudaPos(size_t x, size_t y, size_t z) {
    struct cudaPos position = {x, y, z};
    return position;
}
"""
SORTS = """
#include <cstddef>
#include <cstdint>
#include <vector>
void thrust_sort(int, void *, size_t *, const std::vector<ptrdiff_t>&, intptr_t, void *);
void thrust_lexsort(int, size_t *, void *, size_t, size_t, intptr_t, void *);
void thrust_argsort(int, size_t *, void *, void *, const std::vector<ptrdiff_t>&, intptr_t, void *);
"""
# What a stub build refuses to tell
PROPERTIES = {
    "name": b"CPU", "warpSize": 32, "multiProcessorCount": 132, "maxThreadsPerBlock": 1024, "major": 9, "minor": 0,
    "sharedMemPerBlock": 49152, "totalGlobalMem": 1 << 36, "clockRate": 1, "memoryBusWidth": 1,
    "l2CacheSize": 1 << 25, "maxGridSize": (2147483647, 65535, 65535), "maxThreadsDim": (1024, 1024, 64),
    "regsPerBlock": 65536, "maxThreadsPerMultiProcessor": 2048,
}  # fmt: skip


def apply(root: Path) -> dict[str, str]:
    """Change the source in a folder; return the functions that are declared now, and what each returns."""
    replace(root / RUNTIME, r"(?ms)^\w+ make_\w+\(\.\.\.\) \{.*?^\}", "", count=0)
    replace(root / RUNTIME, r"\nbool hip_environment", "\nstatic bool hip_environment")
    replace(root / THRUST, r"void thrust_\w+\(\.\.\.\) \{\s*\}", "", count=0)
    replace(root / THRUST, r"(#else // CUPY_NO_CUDA)", rf"\1{SORTS}")
    declared: dict[str, str] = {}
    for header in [*sorted((root / "cupy_backends/stub").glob("*.h")), root / "cupy/cuda/cupy_cufft.h"]:
        declare(header, declared)
    replace(root / RUNTIME, r'(extern "C" \{)', rf"\1{STRUCTURES}")
    for file in ("api/_driver_extern.pxi", "api/_runtime_softlink.pxi", "libs/_cnvrtc.pxi", "libs/cusolver.pyx"):
        replace(root / "cupy_backends/cuda" / file, r"(object _?libname) = None", rf"\1 = {LIBRARY!r}")
    runtime = root / "cupy_backends/cuda/api/runtime.pyx"
    signature = r"(cpdef getDeviceProperties\(int device\):\n)"
    replace(runtime, signature, rf"\1    if device >= 0:\n        return {PROPERTIES}\n")
    replace(runtime, r"raise ValueError\('Fetching memory unsupported.'\)", "return 0")
    return declared


def replace(file: Path, pattern: str, new: str, count: int = 1) -> None:
    """Replace what a pattern finds; it must find something."""
    text, found = re.subn(pattern, new, file.read_text(), count=count)
    if not found:
        raise RuntimeError(f"{file} has nothing like {pattern!r}: is it of another version of CuPy?")
    file.write_text(text)


def declare(header: Path, declared: dict[str, str]) -> None:
    """Turn the definitions in a stub header into declarations."""

    def declaration(match: re.Match[str]) -> str:
        result, name, arguments = match.groups()
        declared[name] = result.strip()
        return f"{result}{name}({arguments});"

    header.write_text(STUB.sub(declaration, header.read_text()))
