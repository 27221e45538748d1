"""A float32 layer that gets a float64 input warns, once in a process."""

import warnings

import numpy as np
import pytest

import agrad
from agrad import nn
from agrad.nn.functional import promotion

FLOAT64 = np.ones((2, 3, 4))
LAYERS = {
    "linear": (lambda: nn.Linear(4, 2), FLOAT64),
    "conv": (lambda: nn.Conv1d(3, 2, 2), FLOAT64),
    "transposed conv": (lambda: nn.ConvTranspose1d(3, 2, 2), FLOAT64),
    "lstm": (lambda: nn.LSTM(4, 2), FLOAT64),
    "attention": (lambda: nn.TransformerEncoderLayer(4, 2, 8), FLOAT64),
}


@pytest.fixture(autouse=True)
def _a_new_process(monkeypatch):
    monkeypatch.setattr(promotion, "_warned", False)


@pytest.mark.parametrize("layer", LAYERS)
def test_float64_through_a_float32_layer_warns_once(layer):
    make, x = LAYERS[layer]
    model = make()
    with pytest.warns(UserWarning, match=r"float32 weights .* float64 input .* model\.to\(agrad\.float64\)") as seen:
        [model(x) for _ in range(2)]
    assert [warning.filename for warning in seen] == [__file__]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("dtype", [agrad.float32, agrad.float64], ids=str)
def test_the_advice_of_the_warning_gives_no_warning(layer, dtype):
    make, x = LAYERS[layer]
    with warnings.catch_warnings(action="error"):
        make().to(dtype)(agrad.asarray(x, dtype=dtype))


def test_float32_through_a_float64_layer_is_quiet():
    with warnings.catch_warnings(action="error"):
        nn.Linear(4, 2, dtype=agrad.float64)(agrad.ones((3, 4)))


def test_autocast_casts_float32_without_a_warning():
    layer, x = nn.Linear(4, 2), agrad.ones((3, 4))
    with warnings.catch_warnings(action="error"), agrad.autocast("float16"):
        layer(x)
