"""Padding beside NumPy's, what it takes away, and what it refuses; tests/peers compares it with PyTorch's."""

import numpy as np
import pytest

import agrad
from agrad import nn
from agrad.nn import functional as F
from agrad.testing import assert_close, check_grads

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@pytest.mark.parametrize("mode", MODES)
def test_as_numpy_pads(device, mode):
    x = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
    expected = np.pad(x, [(0, 0), (2, 1), (0, 3)], mode=MODES[mode])
    assert_close(F.pad(agrad.asarray(x), (0, 3, 2, 1), mode), expected)


@pytest.mark.parametrize("mode", MODES)
def test_negative_widths_take_away(device, mode):
    x = agrad.asarray([[1.0, 2.0, 3.0, 4.0]])
    assert F.pad(x, (-1, -2), mode).tolist() == [[2.0]]
    expected = {"constant": 0.0, "reflect": 3.0, "replicate": 4.0, "circular": 2.0}[mode]
    assert F.pad(x, (-1, 1), mode).tolist() == [[2.0, 3.0, 4.0, expected]]
    if mode in ("reflect", "replicate"):
        assert F.pad(x, (-4, 2), mode).tolist() == {"reflect": [[3.0, 2.0]], "replicate": [[4.0, 4.0]]}[mode]


@pytest.mark.parametrize("mode", MODES)
def test_gradients_of_the_gradients(device, mode):
    if not device.backend.supports_float64:
        pytest.skip("finite differences need float64")
    agrad.manual_seed(0)
    check_grads(lambda x: F.pad(x, (1, 2, -1, 0), mode), [agrad.randn(2, 3, 4)])


def test_a_constant(device):
    assert nn.ConstantPad1d((1, 0), -1.5)(agrad.asarray([1.0])).tolist() == [-1.5, 1.0]
    assert F.pad(agrad.asarray([1]), (0, 2), value=7).tolist() == [1, 7, 7]


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_a_convolution_pads_as_the_function_does(device, mode):
    agrad.manual_seed(0)
    layer = nn.Conv3d(2, 3, 3, padding=(0, 1, 2), padding_mode=mode)
    x = agrad.randn(2, 2, 4, 4, 4)
    expected = F.conv3d(F.pad(x, (2, 2, 1, 1, 0, 0), mode), layer.weight, layer.bias)
    assert_close(layer(x), expected.detach().numpy())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.pad(x, (1,)), ValueError, r"two integers for each axis from the last, 6 at most; not \(1,\)"),
        (lambda x: F.pad(x, (1,) * 8), ValueError, "6 at most"),
        (lambda x: F.pad(x, (1, 0.5)), TypeError, "pad must be an integer, not 0.5"),
        (lambda x: F.pad(x, 1), TypeError, "pad must be in a list, not 1"),
        (lambda x: F.pad(x, (1, 1), "mirror"), ValueError, "mode must be 'constant', 'reflect'.*not 'mirror'"),
        (lambda x: F.pad(x, (1, 1), "reflect", 2.0), ValueError, "leave value=2.0 out"),
        (lambda x: F.pad(x, (-3, -2)), ValueError, r"removes more elements than shape \(2, 3, 4\)"),
        (lambda x: F.pad(x, (4, 0), "reflect"), ValueError, "length 4 by 3 at most"),
        (lambda x: F.pad(x, (5, 0), "circular"), ValueError, "length 4 by 4 at most"),
        (lambda x: nn.ReflectionPad2d((1, 1)), ValueError, r"4, \(before, after\) for each axis.*not \(1, 1\)"),
        (lambda x: nn.ReplicationPad1d((1, "a")), TypeError, "padding must be an integer, not 'a'"),
        (lambda x: nn.CircularPad3d(1)(x), ValueError, r"\(batch, channels, n, n, n\), or without.*\(2, 3, 4\)"),
        (lambda x: nn.ZeroPad3d(1)(x[0]), ValueError, r"ZeroPad3d takes.*it has \(3, 4\)"),
    ],
)
def test_errors_say_what_is_wrong(device, call, error, message):
    with pytest.raises(error, match=message):
        call(agrad.ones((2, 3, 4)))
