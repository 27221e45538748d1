"""Averages of weights."""

import pickle

import pytest

import agrad
from agrad import nn
from agrad.optim.swa_utils import AveragedModel, get_ema_avg_fn, get_swa_avg_fn
from agrad.testing import assert_close


def shift(model, by):
    with agrad.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor += by


def line():
    model = nn.Linear(2, 1)
    model.register_buffer("mean", agrad.zeros(2))
    model.register_buffer("count", agrad.zeros((), dtype=int))
    return model


@pytest.mark.parametrize("use_buffers", [False, True])
def test_equal_weights(device, use_buffers):
    model = line()
    average = AveragedModel(model, use_buffers=use_buffers)
    first = model.weight.detach() * 1.0
    for _ in range(3):
        average.update_parameters(model)
        shift(model, 3)
    assert_close(average.module.weight.detach(), first + 3)
    assert average.module.mean.tolist() == ([3.0, 3.0] if use_buffers else [6.0, 6.0])
    assert average.module.count.item() == 6
    assert average.n_averaged.item() == 3


def test_moving_average(device):
    model = nn.Linear(2, 1)
    average = AveragedModel(model, avg_fn=get_ema_avg_fn(0.9))
    expected = model.weight.detach() * 1.0
    for step in range(4):
        shift(model, 1.0)
        expected = model.weight.detach() * 1.0 if step == 0 else expected * 0.9 + model.weight.detach() * 0.1
        average.update_parameters(model)
    assert_close(average.module.weight.detach(), expected)
    x = agrad.ones((3, 2))
    assert_close(average(x).detach(), average.module(x).detach())


def test_the_model_stays_its_own(device):
    model = nn.Linear(2, 1)
    average = AveragedModel(model)
    average.update_parameters(model)
    before = average.module.weight.tolist()
    shift(model, 1.0)
    assert average.module.weight.tolist() == before
    assert average.module.weight.requires_grad


@pytest.mark.parametrize("avg_fn", [None, get_swa_avg_fn(), get_ema_avg_fn(0.75)])
def test_it_can_be_pickled(avg_fn):
    model = nn.Linear(2, 1)
    average = AveragedModel(model, avg_fn=avg_fn)
    average.update_parameters(model)
    again = pickle.loads(pickle.dumps(average))
    shift(model, 1.0)
    for each in (average, again):
        each.update_parameters(model)
    assert_close(again.module.weight.detach(), average.module.weight.detach(), rtol=0, atol=0)


def test_averages_elsewhere():
    model = nn.Linear(2, 1)
    average = AveragedModel(model, device="strict")
    average.update_parameters(model)
    average.update_parameters(model)
    assert average.module.weight.device.name == average.n_averaged.device.name == "strict"
    assert_close(average.module.weight.detach().to("cpu"), model.weight.detach())


def test_the_state_goes_on(device, tmp_path):
    model = nn.Linear(2, 1)
    average, other = (AveragedModel(model, avg_fn=get_ema_avg_fn(0.5)) for _ in range(2))
    average.update_parameters(model)
    shift(model, 1.0)
    average.update_parameters(model)
    agrad.save(average.state_dict(), tmp_path / "average")
    other.load_state_dict(agrad.load(tmp_path / "average"))
    shift(model, 1.0)
    for x in (average, other):
        x.update_parameters(model)
    assert_close(other.module.weight.detach(), average.module.weight.detach(), rtol=0, atol=0)
    assert other.n_averaged.item() == 3


@pytest.mark.parametrize("decay", [-0.1, 1.1, float("nan")])
def test_decays_out_of_range(decay):
    with pytest.raises(ValueError, match="from 0 to 1"):
        get_ema_avg_fn(decay)


def test_an_average_needs_a_number_or_a_function():
    with pytest.raises(TypeError, match=r"decay must be a number, not '0\.9'"):
        get_ema_avg_fn("0.9")
    with pytest.raises(TypeError, match=r"avg_fn must be a function, not 0\.9; write get_ema_avg_fn\(decay\)"):
        AveragedModel(nn.Linear(1, 1), avg_fn=0.9)
