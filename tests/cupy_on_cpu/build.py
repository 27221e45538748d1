"""Builds CuPy over the emulator, once for each version of CuPy and Python, and tells how to run Python with it.

``python -m tests.cupy_on_cpu.build`` prints the environment variables, one ``NAME=value`` a line. It needs g++, pip,
NumPy, and for the first time PyPI. What it builds lies in the user's cache, or in the folder that CUPY_ON_CPU names.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cupy_on_cpu import missing, patches

HERE = Path(__file__).parent
CUPY = "14.2.0"
TOOLS = ["cython>=3.2,<3.3", "setuptools>=77", "wheel", "fastrlock", "cuda-pathfinder"]
CUDA = ["nvidia-cuda-runtime-cu12==12.9.79", "nvidia-cuda-nvcc-cu12==12.9.86", "nvidia-cuda-nvrtc-cu12==12.9.86"]
CACHE = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
ROOT = Path(os.environ.get("CUPY_ON_CPU") or Path(CACHE, "agrad", "cupy-on-cpu"))
FOLDER = ROOT / f"{CUPY}-{sys.implementation.cache_tag}"
SOURCE, LIBRARIES, TOOLBOX, HEADERS = FOLDER / "cupy", FOLDER / "lib", FOLDER / "tools", FOLDER / "cuda"
LINKED = [f"-L{LIBRARIES}", f"-Wl,--no-as-needed,-rpath,{LIBRARIES}", "-lcupyemu"]
GXX = ["g++", "-std=c++17", "-fPIC", "-w"]


def main() -> None:
    """Build what is not built yet, and print the environment."""
    once(tools, repr((TOOLS, CUDA)))
    once(source, digest("patches.py"))
    once(emulator, digest("cuda/*", "kernel/*", "build.py", "missing.py", "patches.py"))
    once(cupy, digest("patches.py"))
    print(*(f"{name}={value}" for name, value in environment().items()), sep="\n")


def once(step: Callable[[], None], state: str) -> None:
    """Run a step, unless it has run in this state of what it depends on."""
    stamp = FOLDER / f"{step.__name__}.done"
    if stamp.exists() and stamp.read_text() == state:
        return
    print(f"building {step.__name__} in {FOLDER}", file=sys.stderr)
    step()
    stamp.write_text(state)


def digest(*patterns: str) -> str:
    """Return a hash of what is in files of this folder."""
    paths = sorted(path for pattern in patterns for path in HERE.glob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def run(*command: object, **settings) -> None:
    """Run a command whose output nobody needs; if it fails, show that and stop."""
    answer = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **settings)
    if answer.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}")


def pip(*arguments: object, **settings) -> None:
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, **settings)


# The steps


def tools() -> None:
    """Fetch what CuPy is built and run with, and the headers and the compiler of CUDA."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    pip("install", "--upgrade", "--target", TOOLBOX, *TOOLS)
    pip("install", "--upgrade", "--no-deps", "--target", HEADERS, *CUDA)


def source() -> None:
    """Fetch CuPy's source and change it."""
    name = f"cupy-{CUPY}"
    env = os.environ | {"CUPY_INSTALL_USE_STUB": "1", "PYTHONPATH": str(TOOLBOX)}
    pip("download", "--no-deps", "--no-binary", ":all:", "--no-build-isolation", f"cupy=={CUPY}", cwd=FOLDER, env=env)
    with tarfile.open(FOLDER / f"{name}.tar.gz") as archive:
        archive.extractall(FOLDER, filter="data")
    shutil.rmtree(SOURCE, ignore_errors=True)
    (FOLDER / name).rename(SOURCE)
    (FOLDER / "declared.json").write_text(json.dumps(patches.apply(SOURCE)))


def emulator() -> None:
    """Compile the emulator, and the header that all kernels share."""
    shutil.rmtree(LIBRARIES, ignore_errors=True)
    LIBRARIES.mkdir()
    for folder in ("cuda", "kernel"):
        shutil.copytree(HERE / folder, LIBRARIES / folder)
    run(*GXX, *includes(), "-O0", "-x", "c++-header", LIBRARIES / "kernel" / "kernel.h")
    (LIBRARIES / "cuda" / "config.h").write_text(config())
    parts = sorted((LIBRARIES / "cuda").glob("*.cpp"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_part, parts))
    objects = [part.with_suffix(".o") for part in parts]
    rest = LIBRARIES / "missing.cpp"
    rest.write_text(missing.source(json.loads((FOLDER / "declared.json").read_text()), defined(objects)))
    library = LIBRARIES / patches.LIBRARY
    run(*GXX, "-shared", f"-Wl,-soname,{patches.LIBRARY}", "-o", library, *objects, rest, "-ldl")
    (LIBRARIES / "libcublas.so.12").symlink_to(library.name)  # which agrad calls past CuPy


def compile_part(part: Path) -> None:
    run(*GXX, "-O2", "-c", part, "-o", part.with_suffix(".o"))


def defined(objects: list[Path]) -> set[str]:
    """Return the names of the functions in object files."""
    symbols = subprocess.run(["nm", *objects], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in symbols.splitlines() if " T " in line}


def config() -> str:
    """Return config.h: how the emulator compiles a kernel, and where to."""
    command = " ".join(map(str, [*GXX, "-O0", "-shared", *includes(), *LINKED]))
    state = command + digest("kernel/*", "cuda/threads.h", "cuda/module.h", "cuda/host_code.cpp")
    kernels = FOLDER / f"kernels-{hashlib.sha256(state.encode()).hexdigest()[:12]}"
    return f'#define COMPILE "{command}"\n#define KERNELS "{kernels}"\n'


def includes() -> list[str]:
    """Return the folders that a kernel's headers lie in: the emulator's, CUDA's and CuPy's."""
    core = SOURCE / "cupy" / "_core" / "include"
    cccl = core / "cupy" / "_cccl"
    folders = [
        LIBRARIES / "kernel", *(HEADERS / "nvidia" / part / "include" for part in ("cuda_runtime", "cuda_nvcc")),
        core, cccl / "libcudacxx", cccl / "thrust", cccl / "cub",
    ]  # fmt: skip
    return [f"-I{folder}" for folder in folders]


def cupy() -> None:
    """Build CuPy's extension modules, linked to the emulator."""
    env = os.environ | {
        "CUPY_INSTALL_USE_STUB": "1",
        "CUPY_NUM_BUILD_JOBS": str(os.cpu_count()),
        "PYTHONPATH": str(TOOLBOX),
        "CFLAGS": "-O0 -g0 -w",
        "CXXFLAGS": "-O0 -g0 -w",
        "LDFLAGS": " ".join(LINKED),
    }
    run(sys.executable, "setup.py", "build_ext", "--inplace", cwd=SOURCE, env=env)


def environment() -> dict[str, str]:
    """Return the environment variables with which ``import cupy`` imports CuPy on the CPU."""
    return {
        "PYTHONPATH": os.pathsep.join(map(str, [SOURCE, TOOLBOX])),
        "CUDA_PATH": str(HEADERS / "nvidia" / "cuda_runtime"),
        "LD_LIBRARY_PATH": str(LIBRARIES),
        "CUPY_ACCELERATORS": "",  # no CUB
        "CUPY_CACHE_IN_MEMORY": "1",  # the emulator keeps its kernels itself
        "CUPY_CI": "1",  # CuPy warns of nothing that it misses on this machine
        "NVRTC_LIBRARY": str(HEADERS / "nvidia" / "cuda_nvrtc" / "lib" / "libnvrtc.so.12"),
    }


if __name__ == "__main__":
    main()
