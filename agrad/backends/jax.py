"""JAX's arrays. They are immutable, so writing returns a new array. JAX's 64-bit setting is never changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial
from types import ModuleType
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from .base import names_of
from .host import native_order, refuse_overflow
from .sliding_windows import Lengths, Windows
from .stirling import betaln
from .stream import StreamBackend
from .typing import Array, NativeDevice, NativeDtype

__all__ = ["JaxBackend"]

_NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64"}
_PLATFORMS = ("cpu", "gpu", "cuda", "rocm", "tpu", "METAL")


class _Namespace(ModuleType):
    """jax.numpy without the dtypes that JAX lacks in its 32-bit mode.

    In that mode, 64-bit integer dtypes are names for the 32-bit ones, as in JAX; 64-bit floating dtypes, which JAX
    would silently truncate, raise AttributeError.
    """

    def __init__(self) -> None:
        super().__init__("jax.numpy")
        vars(self).update({name: value for name, value in names_of(jnp).items() if name not in _NARROW})

    def __getattr__(self, name: str) -> Any:
        if name not in _NARROW:
            raise AttributeError(f"jax.numpy has no {name}")
        if jax.config.jax_enable_x64:
            return getattr(jnp, name)
        if "int" in name:
            return getattr(jnp, _NARROW[name])
        raise AttributeError(_missing(name))


def _missing(name: str) -> str:
    return (
        f"JAX has no {name} in its 32-bit mode; use {_NARROW[name]}, or enable 64 bits: "
        'JAX_ENABLE_X64=1, or jax.config.update("jax_enable_x64", True)'
    )


def _log_ndtr(x: Array) -> Any:
    """Return log_ndtr in full precision: JAX's loses digits above 5, and below -20 its series is one term too short."""
    tail = jax.scipy.special.ndtr(-jnp.maximum(x, 0.0))
    return jnp.where(x > 0, jnp.log1p(-tail), jax.scipy.special.log_ndtr(jnp.minimum(x, 0.0), series_order=6))


def _zeta(x: Array, q: Array = 1.0) -> Any:
    """Return zeta for every `q` by ``zeta(x, q) = q**-x + zeta(x, q + 1)``: JAX's takes positive `q` only."""
    x, q = jnp.broadcast_arrays(x, jnp.asarray(q, x.dtype))

    def below(q: Array) -> Any:
        return (q < 0) & (q != jnp.floor(q))

    def step(state: Any) -> Any:
        total, q = state
        return total + jnp.where(below(q), q**-x, 0.0), jnp.where(below(q), q + 1.0, q)

    total, q = jax.lax.while_loop(lambda state: jnp.any(below(state[1])), step, (jnp.zeros_like(q), q))
    return total + jax.scipy.special.zeta(x, q)


_SPECIAL: dict[str, Callable[..., Any]] = {
    "betaln": partial(betaln, jnp, jax.scipy.special.gammaln),  # JAX's has only seven digits
    "log_ndtr": _log_ndtr,
    "zeta": _zeta,
}


class JaxBackend(StreamBackend):
    """JAX: immutable arrays, random numbers from keys."""

    kind: ClassVar[str] = "jax"
    immutable: ClassVar[bool] = True

    def __init__(self) -> None:
        self.xp = _Namespace()
        self.array_type = type(jnp.zeros(()))
        self._default = jax.devices()[0]

    @property
    def supports_float64(self) -> bool:
        return bool(jax.config.jax_enable_x64)

    # Devices: "" is JAX's default, with None as its device object, with which JAX creates arrays twice as fast.

    def device_names(self) -> Sequence[str]:
        return [self._name(device) for device in dict.fromkeys([*jax.devices(), *jax.devices("cpu")])]

    def find_device(self, place: str) -> tuple[str, Any]:
        if not place:
            return "", None
        platform, _, index = place.partition(":")
        if platform not in _PLATFORMS or not (index.isdecimal() or not index):
            known = ", ".join(f"'jax:{name}'" for name in _PLATFORMS)
            raise ValueError(f"unknown device 'jax:{place}'; write one of 'jax', {known}, or with an index 'jax:gpu:0'")
        try:
            devices = jax.devices(platform)
        except RuntimeError as error:
            remedy = "see https://docs.jax.dev/en/latest/installation.html"
            raise RuntimeError(f"JAX offers no device 'jax:{place}' ({error}); {remedy}") from None
        device = next((device for device in devices if device.id == int(index or devices[0].id)), None)
        if device is None:
            has = ", ".join(f"'jax:{platform}:{device.id}'" for device in devices)
            raise RuntimeError(f"there is no device 'jax:{place}'; this machine has {has}")
        return self._name(device), None if device == self._default else device

    def device_name_of(self, array: Array) -> str:
        if isinstance(array, jax.core.Tracer):
            return ""
        devices = array.devices()
        if len(devices) > 1:
            raise ValueError(f"agrad takes arrays on one device, this one is on {len(devices)}; gather it first")
        return self._name(*devices)

    def _name(self, device: Any) -> str:
        return "" if device == self._default else f"{device.platform}:{device.id}"

    def activate(self, native: NativeDevice) -> AbstractContextManager[Any]:
        return nullcontext() if native is None else jax.default_device(native)

    def synchronize(self, native: NativeDevice) -> None:
        jax.block_until_ready(jax.live_arrays())

    def waits_on_read(self, native: NativeDevice) -> bool:
        return (native or self._default).platform != "cpu"

    # Arrays

    def is_array(self, array: Array) -> bool:
        return isinstance(array, jax.Array)  # tracers too

    def asarray(self, data: Array, dtype: NativeDtype, native: NativeDevice, copy: bool | None = None) -> Any:
        if isinstance(data, np.ndarray):
            data = _fit(native_order(data), dtype)
        return jnp.asarray(data, dtype=dtype, device=native, copy=copy)

    def box(self, value: Array) -> Any:
        return value if self.is_array(value) else jnp.asarray(value)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        return np.array(array.astype(jnp.float32) if array.dtype == jnp.bfloat16 else array)  # NumPy has no bfloat16

    def is_view(self, array: Array) -> bool:
        return False

    def copy(self, array: Array) -> Any:
        return array

    def assign(self, array: Array, key: tuple[Any, ...], value: Array) -> Any:
        return array.at[key].set(jnp.asarray(value).astype(array.dtype))

    def put(self, array: Array, index: Array, values: Array) -> Any:
        # For a repeated index, JAX does not define which value stays, so each element gets the last one.
        order = jnp.arange(index.shape[0])
        last = jnp.zeros(array.shape[0], order.dtype).at[index].max(order)
        return array.at[index].set(values[last[index]])

    def add_at(self, array: Array, index: Array, values: Array) -> Any:
        return array.at[index].add(values)

    def special(self, name: str) -> Callable[..., Any]:
        found = _SPECIAL.get(name) or getattr(jax.scipy.special, name, None)
        return super().special(name) if found is None else found

    def solve_triangular(self, x1: Array, x2: Array, upper: bool) -> Any:
        return jax.scipy.linalg.solve_triangular(x1, x2, lower=not upper)

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        compiled: Callable[..., Any] = jax.jit(function)
        return compiled

    # Convolution: JAX's own, and its gradients by transposition

    def convolve(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        return jax.lax.conv_general_dilated(
            x,
            weight,
            windows.stride,
            windows.padding,
            rhs_dilation=windows.dilation,
            feature_group_count=groups,
            precision=jax.lax.Precision.HIGHEST,
        )

    def convolve_input(self, g: Array, weight: Array, lengths: Lengths, windows: Windows, groups: int) -> Any:
        like = jax.ShapeDtypeStruct((g.shape[0], weight.shape[1] * groups, *lengths), g.dtype)
        return jax.linear_transpose(lambda x: self.convolve(x, weight, windows, groups), like)(g)[0]

    def convolve_weight(self, g: Array, x: Array, windows: Windows, groups: int) -> Any:
        like = jax.ShapeDtypeStruct((g.shape[1], x.shape[1] // groups, *windows.kernel), g.dtype)
        return jax.linear_transpose(lambda weight: self.convolve(x, weight, windows, groups), like)(g)[0]

    # Random numbers

    def uniform(self, generator: Any, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice) -> Any:
        return jax.device_put(jax.random.uniform(_key(generator), shape, dtype), native)

    def normal(self, generator: Any, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice) -> Any:
        return jax.device_put(jax.random.normal(_key(generator), shape, dtype), native)

    def integers(
        self, generator: Any, low: int, high: int, shape: tuple[int, ...], dtype: NativeDtype, native: NativeDevice
    ) -> Any:
        draws = jax.random.randint(_key(generator), shape, low, high, self.xp.int64)
        return jax.device_put(draws.astype(dtype), native)

    def permutation(self, generator: Any, n: int, native: NativeDevice) -> Any:
        return jax.device_put(jax.random.permutation(_key(generator), n), native)


def _fit(data: np.ndarray[Any, Any], dtype: NativeDtype) -> np.ndarray[Any, Any]:
    """Narrow 64-bit data in JAX's 32-bit mode: integers if they fit, floats only if `dtype` asks for it."""
    name = data.dtype.name
    if jax.config.jax_enable_x64 or name not in _NARROW:
        return data
    narrow = np.dtype(_NARROW[name] if dtype is None else dtype)
    if dtype is None and "int" not in name:
        raise TypeError(_missing(name))
    if "int" in name and narrow.name == _NARROW[name]:
        refuse_overflow(data, np.iinfo(narrow), f"{narrow}. {_missing(name)}")
    return data.astype(narrow)


@lru_cache(maxsize=16)
def _seeded(seed: int) -> Any:
    """Return the key of a 64-bit seed, from its two halves: in its 32-bit mode, JAX takes 32 bits at a time."""
    return jax.random.fold_in(jax.random.key(seed & 0xFFFFFFFF), seed >> 32)


def _key(generator: Any) -> Any:
    seed, draw = generator.draw()
    return jax.random.fold_in(_seeded(seed), draw)


BACKEND = JaxBackend()
