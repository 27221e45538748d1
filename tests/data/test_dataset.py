"""TensorDataset: rows that belong together, under any kind of index."""

from __future__ import annotations

import pytest

import agrad
from agrad.data import Dataset, TensorDataset


@pytest.fixture
def rows(device):
    return TensorDataset(agrad.asarray([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), agrad.asarray([10, 20, 30]))


def test_length_and_items(rows, device):
    assert len(rows) == 3
    x, y = rows[1]
    assert (x.tolist(), y.item()) == ([2.0, 3.0], 20)
    assert rows[-1][1].item() == 30
    assert [y.item() for _, y in rows] == [10, 20, 30]
    assert x.device is y.device is rows.device is device


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (slice(1, None), [20, 30]),
        (slice(None, None, 2), [10, 30]),
        (slice(5, 9), []),
        ([2, 0], [30, 10]),
        ([1], [20]),
    ],
)
def test_slices_and_lists(rows, index, expected):
    x, y = rows[index]
    assert y.tolist() == expected
    assert x.shape == (len(expected), 2)


def test_index_tensors_and_arrays(rows, xp, device):
    assert rows[agrad.asarray([2, 2, 1])][1].tolist() == [30, 30, 20]
    assert rows[xp.asarray([2, 1], device=device.native)][1].tolist() == [30, 20]
    assert rows[agrad.asarray(1)][1].item() == 20
    assert rows[rows.tensors[1] > 10][1].tolist() == [20, 30]


@pytest.mark.parametrize("index", [3, -4])
def test_an_index_outside(rows, index):
    with pytest.raises(IndexError, match=f"(?i)index {index} is out of"):
        rows[index]


def test_gradients_flow_to_the_rows(device):
    x = agrad.asarray([[1.0], [2.0], [3.0]], requires_grad=True)
    (chosen,) = TensorDataset(x)[agrad.asarray([2, 0, 2])]
    chosen.sum().backward()
    assert x.grad.tolist() == [[1.0], [0.0], [2.0]]


def test_arrays_become_tensors_on_their_device(xp, device):
    data = TensorDataset(xp.asarray([1.0, 2.0], device=device.native), [3, 4])
    assert [x.device for x in data.tensors] == [device, device]


def test_moving(rows, device):
    moved = rows.to("cpu")
    assert [x.device.name for x in moved.tensors] == ["cpu", "cpu"]
    assert rows.device is device
    assert moved[1][1].item() == 20


def test_lengths_that_differ():
    with pytest.raises(ValueError, match=r"\(3, 2\), \(4,\)"):
        TensorDataset(agrad.zeros((3, 2)), agrad.zeros(4))


def test_a_tensor_without_rows():
    with pytest.raises(ValueError, match=r"\(3,\), \(\)"):
        TensorDataset(agrad.zeros(3), agrad.asarray(1.0))


def test_nothing():
    with pytest.raises(ValueError, match=r"TensorDataset\(features, labels\)"):
        TensorDataset()


def test_two_devices():
    with agrad.Device("strict"):
        there = agrad.zeros(3)
    with pytest.raises(ValueError, match="on cpu and strict"):
        TensorDataset(agrad.zeros(3), there)


def test_repr():
    assert repr(TensorDataset(agrad.zeros((3, 2)))) == "TensorDataset(float32 (3, 2), device='cpu')"


def test_a_subclass_must_say_what_it_holds():
    class Empty(Dataset):
        pass

    with pytest.raises(NotImplementedError, match="Empty needs a method __len__"):
        len(Empty())
    with pytest.raises(NotImplementedError, match="Empty needs a method __getitem__"):
        Empty()[0]
