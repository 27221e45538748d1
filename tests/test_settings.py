"""Every number that a layer, loss, optimizer, scheduler or loader is made with is checked when it is made."""

from __future__ import annotations

import inspect
import math

import pytest

import agrad
from agrad import data, nn, optim
from agrad.optim import lr_scheduler, swa_utils

ITEMS = list(range(10))
SIZES = {
    nn.AdaptiveAvgPool2d: [2],
    nn.BatchNorm1d: [3],
    nn.BatchNorm2d: [3],
    nn.BatchNorm3d: [3],
    nn.Bilinear: [2, 3, 4],
    nn.Conv1d: [2, 4, 3],
    nn.Conv2d: [2, 4, 3],
    nn.Conv3d: [2, 4, 3],
    nn.ConvTranspose1d: [2, 4, 3],
    nn.ConvTranspose2d: [2, 4, 3],
    nn.ConvTranspose3d: [2, 4, 3],
    nn.Embedding: [3, 4],
    nn.GRU: [3, 4],
    nn.GRUCell: [3, 4],
    nn.GroupNorm: [1, 2],
    nn.InstanceNorm1d: [3],
    nn.InstanceNorm2d: [3],
    nn.InstanceNorm3d: [3],
    nn.LSTM: [3, 4],
    nn.LSTMCell: [3, 4],
    nn.LayerNorm: [3],
    nn.Linear: [3, 4],
    nn.MultiheadAttention: [4, 2],
    nn.RMSNorm: [3],
    nn.RNN: [3, 4],
    nn.RNNCell: [3, 4],
    nn.TransformerDecoder: [nn.TransformerDecoderLayer(4, 2, 8), 2],
    nn.TransformerDecoderLayer: [4, 2],
    nn.TransformerEncoder: [nn.TransformerEncoderLayer(4, 2, 8), 2],
    nn.TransformerEncoderLayer: [4, 2],
    nn.Unflatten: [1, (2, 2)],
    nn.Upsample: [None, 2.0],
    lr_scheduler.CosineAnnealingLR: [3],
    lr_scheduler.CosineAnnealingWarmRestarts: [3],
    lr_scheduler.ExponentialLR: [0.9],
    lr_scheduler.LambdaLR: [math.sqrt],
    lr_scheduler.MultiplicativeLR: [math.sqrt],
    lr_scheduler.MultiStepLR: [[2]],
    lr_scheduler.OneCycleLR: [0.1, 5],
    lr_scheduler.StepLR: [2],
    data.BatchSampler: [ITEMS, 2, False],
    data.DataLoader: [ITEMS],
    data.DistributedSampler: [ITEMS, 2, 1],
    data.RandomSampler: [ITEMS],
    data.WeightedRandomSampler: [[1.0, 2.0], 2],
    swa_utils.AveragedModel: [nn.Linear(2, 2)],
    swa_utils.get_ema_avg_fn: [0.9],
}
PADS = [make for name in nn.__all__ if name.endswith(("Pad1d", "Pad2d", "Pad3d")) for make in [getattr(nn, name)]]
POOLS = [nn.AvgPool1d, nn.AvgPool2d, nn.MaxPool1d, nn.MaxPool2d]
WRONG = ["a", math.nan, {}, "a Tensor"]


def makers():
    for module in (nn, optim, lr_scheduler, data, swa_utils):
        for name in module.__all__:
            make = getattr(module, name)
            if callable(make) and make not in (nn.Parameter, optim.Optimizer, lr_scheduler.LRScheduler):
                yield make


def arguments(make):
    """Return good arguments of something that is made."""
    if make in POOLS:
        return [2]
    if make in PADS:
        return [1, 0.5] if "value" in inspect.signature(make).parameters else [1]
    parameters = inspect.signature(make).parameters
    first = []
    if "params" in parameters:
        first = [[nn.Parameter(agrad.ones(2))]]
    if "optimizer" in parameters:
        first = [optim.SGD([nn.Parameter(agrad.ones(2))], lr=0.1, momentum=0.9)]
    return [*first, *SIZES.get(make, [])]


def _settings(*kinds):
    """Yield what is made, and the name of each of its settings of these types."""
    for make in makers():
        parameters = inspect.signature(make).parameters
        given = dict(zip(parameters, arguments(make), strict=False))
        for name, parameter in parameters.items():
            value = given.get(name, parameter.default)
            if type(value) in kinds:
                yield pytest.param(make, name, id=f"{make.__name__}-{name}")


SETTINGS = list(_settings(int, float))
FLAGS = list(_settings(bool))


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize(("make", "name"), SETTINGS)
def test_a_number_of_the_wrong_kind_is_refused(make, name, wrong):
    bound = inspect.signature(make).bind(*arguments(make))
    bound.apply_defaults()
    make(*bound.args, **bound.kwargs)
    bound.arguments[name] = agrad.ones((2, 2)) if wrong == "a Tensor" else wrong
    with pytest.raises((TypeError, ValueError)) as caught:
        make(*bound.args, **bound.kwargs)
    assert str(bound.arguments[name])[:20] in str(caught.value) or "shape (2, 2)" in str(caught.value)


@pytest.mark.parametrize("wrong", [True, 1.5])
@pytest.mark.parametrize(("make", "name"), SETTINGS)
def test_integers_are_no_floats_and_nothing_is_true(make, name, wrong):
    bound = inspect.signature(make).bind(*arguments(make))
    bound.apply_defaults()
    if wrong == 1.5 and isinstance(bound.arguments[name], float):
        return
    bound.arguments[name] = wrong
    with pytest.raises((TypeError, ValueError), match=f"not {wrong}"):
        make(*bound.args, **bound.kwargs)


@pytest.mark.parametrize("wrong", ["no", None, 1])
@pytest.mark.parametrize(("make", "name"), FLAGS)
def test_a_flag_is_true_or_false(make, name, wrong):
    bound = inspect.signature(make).bind(*arguments(make))
    bound.apply_defaults()
    bound.arguments[name] = wrong
    with pytest.raises(TypeError, match=f"{name} must be True or False, not {wrong!r}"):
        make(*bound.args, **bound.kwargs)


def test_there_are_many():
    assert len(SETTINGS) > 200
    assert len(FLAGS) > 80
