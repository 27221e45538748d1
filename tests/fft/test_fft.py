"""Fourier transforms of all lengths, their frequencies, and what they say of arguments that do not fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import agrad
from agrad import fft
from agrad.testing import assert_close, check_grads

ONE_AXIS = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
REAL = ("rfft", "ihfft", "rfftn")


def numbers(name, *shape):
    random = np.random.default_rng(0)
    values = random.standard_normal(shape)
    return values if name in REAL else values + 1j * random.standard_normal(shape)


@pytest.mark.property
@given(
    length=st.integers(2, 6),
    n=st.none() | st.integers(1, 8),
    axis=st.sampled_from([0, -1]),
    norm=st.sampled_from(["backward", "ortho", "forward"]),
)
@pytest.mark.parametrize("name", ONE_AXIS)
def test_one_axis(device, name, length, n, axis, norm):
    x = numbers(name, length, length)
    ours, theirs = getattr(fft, name), getattr(np.fft, name)
    assert_close(ours(agrad.asarray(x), n=n, axis=axis, norm=norm), theirs(x, n=n, axis=axis, norm=norm), atol=1e-9)
    check_grads(lambda x: ours(x, n=n, axis=axis, norm=norm), agrad.asarray(x), order=1)


@pytest.mark.property
@given(axes=st.none() | st.sampled_from([(0,), (2, 0), (-1, 1), (0, 1, 2)]), data=st.data())
@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_several_axes(device, name, axes, data):
    x = numbers(name, 3, 2, 4)
    lengths = st.lists(st.integers(2, 5), min_size=len(axes or (0, 1, 2)), max_size=len(axes or (0, 1, 2)))
    s = data.draw(st.none() | lengths)
    ours, theirs = getattr(fft, name), getattr(np.fft, name)
    expected = theirs(x, s=s, axes=axes if axes or s is None else (0, 1, 2))
    assert_close(ours(agrad.asarray(x), s=s, axes=axes), expected, atol=1e-9)


def test_lengths_without_axes_are_those_of_the_last(device):
    x = numbers("fftn", 2, 3, 4)
    assert_close(fft.fftn(agrad.asarray(x), s=(2, -1)), np.fft.fftn(x[:, :2, :], axes=(1, 2)), atol=1e-9)


@pytest.mark.parametrize("name", ["fft", "ifft", "irfft"])
def test_real_numbers_become_complex(device, name):
    x = agrad.asarray([1.0, 2.0, 4.0, 0.0], requires_grad=True)
    y = getattr(fft, name)(x)
    assert_close(y.detach(), getattr(np.fft, name)([1.0, 2.0, 4.0, 0.0]), rtol=1e-5, atol=1e-6)
    (agrad.abs(y) ** 2).sum().backward()
    assert x.grad.dtype is agrad.float32


@pytest.mark.parametrize("n", [1, 2, 5, 6])
@pytest.mark.parametrize("d", [1.0, 0.25])
def test_frequencies(device, n, d):
    for name in ("fftfreq", "rfftfreq"):
        found = getattr(fft, name)(n, d=d)
        assert (found.device, found.dtype) == (device, agrad.float32)
        assert_close(found, getattr(np.fft, name)(n, d), rtol=1e-6)
    assert fft.fftfreq(n, dtype=agrad.float32, device="cpu").device is agrad.Device("cpu")


@pytest.mark.parametrize("shape", [(5,), (4, 3)])
@pytest.mark.parametrize("axes", [None, 0, (-1,)])
def test_shifts(device, shape, axes):
    x = np.arange(np.prod(shape)).reshape(shape)
    assert_close(fft.fftshift(agrad.asarray(x), axes=axes), np.fft.fftshift(x, axes))
    assert_close(fft.ifftshift(fft.fftshift(agrad.asarray(x), axes=axes), axes=axes), x)


@pytest.mark.parametrize("name", [*ONE_AXIS, "fftn", "irfftn"])
def test_norms_that_do_not_exist(device, name):
    with pytest.raises((ValueError, RuntimeError), match=r"norm.*(sideways|backward)"):
        getattr(fft, name)(agrad.ones(4), norm="sideways")


def test_arguments_that_do_not_fit(device):
    with pytest.raises(TypeError, match=r"rfft.*complex64.*write fft"):
        fft.rfft(agrad.ones(4, dtype=agrad.complex64))
    with pytest.raises(TypeError, match=r"real numbers, not agrad.int64"):
        fft.fftfreq(4, dtype=agrad.int64)
    with pytest.raises(ValueError, match="2 lengths for 1 axes"):
        fft.fftn(agrad.ones((2, 2)), s=(2, 2), axes=(0,))
    with pytest.raises(ValueError, match="no axis"):
        fft.fftn(agrad.asarray(1.0))


def test_a_library_without_the_extension(device):
    if device.kind != "strict":
        pytest.skip("array-api-strict can do without")
    import array_api_strict as strict

    with strict.ArrayAPIStrictFlags(enabled_extensions=()), pytest.raises(RuntimeError, match=r"fft\(.*extension"):
        fft.fft(agrad.ones(4))
