"""Clipping gradients."""

import math

import pytest

import agrad
from agrad import nn
from agrad.nn.utils import clip_grad_norm_, clip_grad_value_, get_total_norm
from agrad.testing import assert_close


def parameters(*gradients):
    made = []
    for g in gradients:
        p = nn.Parameter(agrad.zeros(agrad.asarray(g).shape, dtype=agrad.asarray(g).dtype))
        p.grad = agrad.asarray(g)
        made.append(p)
    return [*made, nn.Parameter([1.0])]


@pytest.mark.parametrize(("norm_type", "norm"), [(2.0, 13.0), (1.0, 19.0), (math.inf, 12.0), (3.0, 1819 ** (1 / 3))])
def test_the_norm_of_all_gradients(device, norm_type, norm):
    params = parameters([[3.0, -4.0]], 12.0)
    assert_close(clip_grad_norm_(params, 1e9, norm_type), agrad.asarray(norm))
    assert params[0].grad.tolist() == [[3.0, -4.0]]
    assert_close(clip_grad_norm_(iter(params), 1.0, norm_type), agrad.asarray(norm))
    assert_close(params[0].grad, agrad.asarray([[3.0, -4.0]]) / norm, rtol=1e-5)
    assert_close(params[1].grad, agrad.asarray(12.0) / norm, rtol=1e-5)


def test_complex_gradients(device):
    params = parameters([3.0 + 4.0j])
    assert_close(clip_grad_norm_(params, 1.0), agrad.asarray(5.0))
    assert_close(params[0].grad, agrad.asarray([0.6 + 0.8j]), rtol=1e-5)


def test_squares_of_16_bits_do_not_overflow(device):
    if device.kind == "strict":
        pytest.skip("array-api-strict has no float16")
    p, _ = parameters(agrad.full(4, 40000.0, dtype="float16"))
    assert_close(clip_grad_norm_([p], 1.0), 80000.0, rtol=1e-3)
    assert p.grad.dtype == agrad.float16
    assert_close(p.grad.astype("float32"), [0.5] * 4, rtol=1e-2)


def test_gradients_are_clipped_in_place():
    (p, _) = parameters([3.0, -4.0])
    array = p.grad.data
    clip_grad_norm_(p, 1.0)
    clip_grad_value_(p, 0.5)
    assert p.grad.data is array


def test_clip_by_value(device):
    params = parameters([[3.0, -0.25]], -12.0)
    clip_grad_value_(params, 1)
    assert params[0].grad.tolist() == [[1.0, -0.25]]
    assert params[1].grad.item() == -1.0
    clip_grad_value_(params[1], 0.5)
    assert params[1].grad.item() == -0.5


def test_nothing_to_clip(device):
    assert clip_grad_norm_([nn.Parameter([1.0])], 1.0).item() == 0
    clip_grad_value_([], 1.0)
    assert get_total_norm([agrad.zeros((0, 2))], math.inf).item() == 0


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_a_norm_that_is_not_finite(device, bad):
    params = parameters([bad, 1.0])
    with pytest.raises(RuntimeError, match=f"the norm of the gradients is {bad}"):
        clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert params[0].grad.tolist()[1] == 1.0


def test_a_norm_that_is_nan_makes_all_nan(device):
    params = parameters([math.nan, 1.0], [2.0])
    clip_grad_norm_(params, 1.0)
    assert all(math.isnan(g) for p in params[:2] for g in p.grad.tolist())


@pytest.mark.parametrize("norm_type", [0, -1, math.nan])
def test_wrong_norms_are_refused(norm_type):
    with pytest.raises(ValueError, match="norm_type must be above 0"):
        get_total_norm([agrad.ones(2)], norm_type)


def test_a_model_is_no_list_of_parameters():
    for clip in (clip_grad_norm_, clip_grad_value_):
        with pytest.raises(TypeError, match=r"not a Linear; write model.parameters\(\)"):
            clip(nn.Linear(2, 2), 1.0)
    with pytest.raises(TypeError, match=r"model.parameters\(\)"):
        get_total_norm(nn.Linear(2, 2))


@pytest.mark.parametrize("bound", [-1.0, math.nan])
def test_bounds_are_not_negative(bound):
    params = parameters([3.0])
    with pytest.raises(ValueError, match="max_norm must be 0 or more"):
        clip_grad_norm_(params, bound)
    with pytest.raises(ValueError, match="clip_value must be 0 or more"):
        clip_grad_value_(params, bound)
    assert params[0].grad.tolist() == [3.0]


def test_infinity_may_be_a_word(device):
    assert clip_grad_norm_(parameters([3.0, -4.0]), 1.0, "inf").item() == 4.0
    with pytest.raises(ValueError, match="norm_type must be above 0, not 'two'"):
        get_total_norm([agrad.ones(2)], "two")


def test_gradients_on_several_devices():
    p, q = nn.Parameter([0.0]), nn.Parameter(agrad.zeros(1, device="strict"))
    p.grad, q.grad = agrad.asarray([3.0]), agrad.asarray([4.0], device="strict")
    assert clip_grad_norm_([p, q], 0.5).item() == 5.0
    assert_close(q.grad, agrad.asarray([0.4], device="strict"), rtol=1e-5)
