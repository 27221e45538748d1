"""Interpolation by hand, its gradients, and what it refuses; tests/peers compares it with PyTorch's."""

import math

import pytest

import agrad
from agrad import nn
from agrad.nn import functional as F
from agrad.testing import assert_close, check_grads


def test_nearest(device):
    x = agrad.asarray([[[1, 2, 3]]])
    assert F.interpolate(x, scale_factor=2).tolist() == [[[1, 1, 2, 2, 3, 3]]]
    assert F.interpolate(x, 2).tolist() == [[[1, 2]]]
    assert F.interpolate(x, 2, mode="nearest-exact").tolist() == [[[1, 3]]]
    infinite = agrad.asarray([[[math.inf, 2.0]]])
    assert F.interpolate(infinite, 4).tolist() == [[[math.inf, math.inf, 2.0, 2.0]]]


def test_linear(device):
    x = agrad.asarray([[[0.0, 4.0]]])
    assert F.interpolate(x, 4, mode="linear").tolist() == [[[0.0, 1.0, 3.0, 4.0]]]
    assert F.interpolate(x, 5, mode="linear", align_corners=True).tolist() == [[[0.0, 1.0, 2.0, 3.0, 4.0]]]
    assert F.interpolate(x, 1, mode="linear", align_corners=True).tolist() == [[[0.0]]]


@pytest.mark.parametrize("mode", ["linear", "bilinear", "trilinear", "bicubic", "area", "nearest"])
def test_constants_stay(device, mode):
    axes = {"linear": 1, "trilinear": 3}.get(mode, 2)
    out = F.interpolate(agrad.full((1, 2, *(5, 4, 3)[:axes]), 3.0), (7, 3, 6)[:axes], mode=mode)
    assert_close(out, agrad.full((1, 2, *(7, 3, 6)[:axes]), 3.0), rtol=1e-6)


def test_cubic(device):
    x = agrad.asarray([[[[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]]]])
    out = F.interpolate(x, (1, 11), mode="bicubic", align_corners=True)[0, 0, 0]
    assert_close(out[:8], [0.0, -0.09375, 0.0, 0.59375, 1.0, 0.59375, 0.0, -0.09375], atol=1e-6)


def test_antialias_takes_the_mean_of_all_elements(device):
    x = agrad.asarray([[[[8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]] * 8]])
    assert F.interpolate(x, (8, 1), mode="bilinear").tolist()[0][0][0] == [0.0]
    smooth = F.interpolate(x, (8, 1), mode="bilinear", antialias=True)
    assert_close(smooth[0, 0, 0], [8.0 * 0.5625 / 6.0], rtol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"mode": "nearest", "scale_factor": 1.7},
        {"mode": "bilinear", "size": (5, 2)},
        {"mode": "bicubic", "size": (5, 2), "align_corners": True},
        {"mode": "bicubic", "size": (5, 2), "antialias": True},
        {"mode": "area", "size": (2, 5)},
    ],
    ids=str,
)
def test_gradients_of_the_gradients(device, settings):
    if not device.backend.supports_float64:
        pytest.skip("finite differences need float64")
    agrad.manual_seed(0)
    check_grads(lambda x: F.interpolate(x, **settings), [agrad.randn(1, 2, 3, 4)])


def test_sixteen_bits_are_weighed_in_32(device):
    if device.kind == "strict":
        pytest.skip("array-api-strict has no 16-bit types")
    x = agrad.full((1, 1, 4), 60000.0, dtype="float16")
    out = F.interpolate(x, 7, mode="linear")
    assert (out.dtype.name, out.tolist()) == ("float16", [[[60000.0] * 7]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.interpolate(x), ValueError, "exactly one of size and scale_factor; they are None and None"),
        (lambda x: F.interpolate(x, 2, 2.0), ValueError, "they are 2 and 2.0"),
        (lambda x: F.interpolate(x, (2, 2, 2)), ValueError, r"size must be one number or 2.*not \(2, 2, 2\)"),
        (lambda x: F.interpolate(x, 2.0), TypeError, "size must be an integer, not 2.0"),
        (lambda x: F.interpolate(x, scale_factor=0.1), ValueError, r"an empty output of an input of size \(4, 5\)"),
        (lambda x: F.interpolate(x, scale_factor="a"), TypeError, "scale_factor must be a number, not 'a'"),
        (lambda x: F.interpolate(x, 2, mode="cubic"), ValueError, "mode must be 'nearest'.*not 'cubic'"),
        (
            lambda x: F.interpolate(x, 2, mode="linear"),
            ValueError,
            r"1 axes after the channels; it has \(2, 3, 4, 5\)",
        ),
        (lambda x: F.interpolate(x, 2, align_corners=True), ValueError, "align_corners is not for mode='nearest'"),
        (lambda x: F.interpolate(x, 2, recompute_scale_factor=True), ValueError, "leave it out if size is given"),
        (lambda x: F.interpolate(x, 2, antialias=True), ValueError, "antialias is for.*not 'nearest'"),
        (lambda x: F.interpolate(x[:, :, :0], 2), ValueError, r"empty input of shape \(2, 3, 0, 5\)"),
        (lambda x: F.interpolate(x.astype(int), 2, mode="bilinear"), TypeError, r"not agrad.int..; write x\.astype"),
        (lambda x: nn.Upsample(), ValueError, "write exactly one of size and scale_factor"),
        (lambda x: nn.Upsample(2, mode="sharp"), ValueError, "not 'sharp'"),
        (lambda x: nn.Upsample(scale_factor=-1.0), ValueError, "scale_factor must be above 0, not -1.0"),
    ],
)
def test_errors_say_what_is_wrong(device, call, error, message):
    with pytest.raises(error, match=message):
        call(agrad.ones((2, 3, 4, 5)))
