"""A stand-in for CuPy on machines without a GPU: arrays that keep away from NumPy, on two devices that keep apart.

What CuPy refuses or would get wrong is an error here: NumPy arrays among the arguments, reading an array from the host
in passing, and work on an array while another device is current. `install` puts it into the place of CuPy; as a pytest
plugin (``-p tests.backends.fake_cupy``) it does so for a whole run with ``--device cuda``.
"""

import operator
import sys
import threading
import types

import numpy as np
import scipy.special as scipy_special

COUNT = 2
MISSING = {"unstack", "vecdot", "matvec", "vecmat", "geomspace", "insert", "block", "nditer", "errstate", "spacing"}
MISSING_IN_LINALG = {"diagonal", "matrix_norm", "outer", "svdvals", "tensordot", "trace", "vecdot", "vector_norm"}

_current = threading.local()


def current():
    return getattr(_current, "id", 0)


class Device:
    """One of the GPUs; entering it makes it current in this thread."""

    def __init__(self, device=None):
        self.id = current() if device is None else int(device)
        if not 0 <= self.id < COUNT:
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")

    def __int__(self):
        return self.id

    def __eq__(self, other):
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self):
        return hash(self.id)

    def __enter__(self):
        _current.stack = [*getattr(_current, "stack", []), current()]
        _current.id = self.id
        return self

    def __exit__(self, *exc):
        _current.id = _current.stack.pop()

    def use(self):
        _current.id = self.id
        return self

    def synchronize(self):
        pass


class CUDARuntimeError(RuntimeError):
    pass


class ndarray:  # noqa: N801 - CuPy's name
    """A NumPy array behind a wall, and the device it lies on."""

    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, array, device):
        self._array = array
        self._device = device

    @property
    def device(self):
        return Device(self._device)

    @property
    def base(self):
        return None if self._array.base is None else ndarray(self._array.base, self._device)

    @property
    def data(self):
        owner = self._array if self._array.base is None else self._array.base
        return types.SimpleNamespace(mem=types.SimpleNamespace(ptr=id(owner)))

    def get(self):
        inside(self)
        return self._array.copy()

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __getattr__(self, name):
        value = getattr(self._array, name)
        if callable(value):
            return lambda *args, **kwargs: outside(value(*plain(args), **plain(kwargs)), inside(self))
        return outside(value, self._device)

    def __getitem__(self, key):
        inside(self)
        return outside(self._array[plain(key)], self._device)

    def __setitem__(self, key, value):
        inside(self)
        self._array[plain(key)] = plain(value)

    def __len__(self):
        return len(self._array)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(self._array)

    def __int__(self):
        return int(self._array)

    def __float__(self):
        return float(self._array)

    def __index__(self):
        return operator.index(self._array)

    def __repr__(self):
        return repr(self._array)


def _operators():
    for name in [
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift",
        "eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert",
    ]:  # fmt: skip
        names = [f"__{name}__", f"__r{name}__", f"__i{name}__"]
        for method in names if hasattr(np.ndarray, names[1]) else names[:1]:

            def operate(self, *others, method=method):
                inside(self)
                if any(isinstance(x, np.ndarray) for x in others):
                    raise TypeError("Unsupported type <class 'numpy.ndarray'>")
                result = getattr(self._array, method)(*plain(others))
                if result is NotImplemented:
                    return result
                return self if result is self._array else outside(result, self._device)

            setattr(ndarray, method, operate)


_operators()


def inside(array):
    """Check that an array's device is current, and return that."""
    if array._device != current():
        raise RuntimeError(f"the array is on device {array._device}, and device {current()} is current")
    return array._device


def plain(value):
    """Return NumPy's arrays for those behind the wall."""
    if isinstance(value, ndarray):
        inside(value)
        return value._array
    if isinstance(value, (tuple, list)):
        items = [plain(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value


def outside(value, device):
    """Put NumPy's arrays and scalars behind the wall."""
    if isinstance(value, (np.ndarray, np.generic)):
        return ndarray(np.asarray(value), device)
    if isinstance(value, (tuple, list)):
        items = [outside(item, device) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def wrapped(function, takes_numpy=False):
    def there(*args, **kwargs):
        if not takes_numpy and any(isinstance(x, np.ndarray) for x in (*args, *kwargs.values())):
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        return outside(function(*plain(args), **plain(kwargs)), current())

    there.__name__ = there.__qualname__ = getattr(function, "__name__", "function")
    return there


def array(obj, dtype=None, copy=True):
    """Make an array on the current device, from one of another device too."""
    if isinstance(obj, ndarray):
        moved = obj._device != current()
        if not copy and not moved and dtype in (None, obj._array.dtype):
            return obj
        return ndarray(np.array(obj._array, dtype), current())
    made = np.array(plain(obj), dtype)
    if not made.dtype.isnative or made.dtype.kind not in "biufc":
        raise ValueError(f"Unsupported dtype {made.dtype}")
    return ndarray(made, current())


class ElementwiseKernel:
    """The kernels of agrad, known by their names."""

    def __init__(self, in_params, out_params, operation, name, preamble=""):
        self.name = name

    def __call__(self, *args):
        if self.name == "agrad_sign":
            return outside(np.sign(plain(args[0])), current())
        out = args[-1]
        inside(out)
        target = out._array
        if self.name == "agrad_add_scaled":
            target += plain(args[0]) * target.dtype.type(args[1])
            return out
        if self.name in ("agrad_add_product", "agrad_add_quotient"):
            combine = np.multiply if self.name == "agrad_add_product" else np.divide
            target += combine(plain(args[0]), plain(args[1])) * target.dtype.type(args[2])
            return out
        seed, draw, *limits = args[:-1]
        generator = np.random.default_rng([int(seed), int(draw)])
        if self.name == "agrad_integers":
            target[...] = generator.integers(limits[0], limits[0] + int(limits[1]), target.shape)
        else:
            kind = generator.random if self.name == "agrad_uniform" else generator.standard_normal
            target[...] = kind(target.shape, target.dtype)
        return out


def _module(name, source, missing=(), **extra):
    module = types.ModuleType(name)
    for key in dir(source):
        value = getattr(source, key)
        if key.startswith("_") or key in missing or isinstance(value, types.ModuleType):
            continue
        known = not callable(value) or isinstance(value, type)
        setattr(module, key, value if known else wrapped(value))
    vars(module).update(extra)
    return module


def _modules():
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: COUNT, memGetInfo=lambda: (3000, 4000), CUDARuntimeError=CUDARuntimeError
    )
    cuda = types.ModuleType("cupy.cuda")
    cuda.device = types.ModuleType("cupy.cuda.device")
    cuda.Device = cuda.device.Device = Device
    cuda.runtime = runtime
    cuda.nvrtc = types.SimpleNamespace(getVersion=lambda: (12, 0))
    cuda.cublas = types.SimpleNamespace(getVersion=lambda: 12)
    pool = types.SimpleNamespace(used_bytes=lambda: 1000, total_bytes=lambda: 2000, free_all_blocks=lambda: None)
    linalg = _module("cupy.linalg", np.linalg, MISSING_IN_LINALG)
    fft = _module("cupy.fft", np.fft)
    lib = types.SimpleNamespace(stride_tricks=_module("cupy.lib.stride_tricks", np.lib.stride_tricks))
    cupy = _module(
        "cupy", np, MISSING, ndarray=ndarray, array=array, linalg=linalg, fft=fft, cuda=cuda, lib=lib,
        asarray=lambda obj, dtype=None: array(obj, dtype, copy=False), ElementwiseKernel=ElementwiseKernel,
        get_default_memory_pool=lambda: pool, bool=np.bool_, bool_=np.bool_, asnumpy=lambda x: x.get(),
        __version__="14.0.0",
    )  # fmt: skip

    def scatter(ufunc):
        def at(target, index, values):
            if plain(target).dtype.kind == "c":
                raise TypeError(f"scatter does not take {target.dtype}")
            ufunc.at(plain(target), plain(index), plain(values))

        return at

    special = _module("cupyx.scipy.special", scipy_special, zeta=wrapped(lambda x, q: scipy_special.zeta(x, q)))
    scipy = types.ModuleType("cupyx.scipy")
    scipy.special = special
    cupyx = types.ModuleType("cupyx")
    cupyx.scipy = scipy
    cupy.add.at, cupy.maximum.at = scatter(np.add), scatter(np.maximum)
    return {
        "cupy": cupy, "cupy.cuda": cuda, "cupy.cuda.device": cuda.device, "cupy.linalg": linalg, "cupy.fft": fft,
        "cupyx": cupyx, "cupyx.scipy": scipy, "cupyx.scipy.special": special,
    }  # fmt: skip


def install():
    """Take CuPy's place. What was imported of CuPy before must be forgotten."""
    ndarray.__module__ = "cupy"
    for name in [name for name in sys.modules if name.partition(".")[0] in ("cupy", "cupyx")]:
        del sys.modules[name]
    sys.modules.update(_modules())


def pytest_configure():
    install()
