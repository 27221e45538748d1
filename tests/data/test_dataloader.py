"""DataLoader: every item once, in batches, in the order that the seed says."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import agrad
from agrad.data import DataLoader, Dataset, Subset, TensorDataset, default_collate


def test_nothing_is_no_batch():
    with pytest.raises(ValueError, match="at least one item"):
        default_collate([])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "bool", "complex128"])
def test_numbers_of_numpy_keep_their_dtype(dtype):
    batch = default_collate([np.dtype(dtype).type(x) for x in (0.1, 0.2)])
    assert batch.dtype.name == dtype
    assert batch.tolist() == np.asarray([0.1, 0.2]).astype(dtype).tolist()


def test_numbers_of_python_have_the_default_dtype():
    assert default_collate([0.1, 0.2]).dtype == agrad.float32


def test_collating_mappings_and_sequences():
    assert type(default_collate([OrderedDict(a="x")] * 2)) is dict
    assert default_collate([("x", ["y"])] * 2) == (["x", "x"], [["y", "y"]])


class Squares(Dataset):
    """Not in memory: its items are made one by one."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[int, float]:
        return index, float(index) ** 2


def numbers(n: int) -> TensorDataset:
    return TensorDataset(agrad.arange(n))


def order(loader: DataLoader) -> list[int]:
    return [number for batch in loader for number in batch[0].tolist()]


def both(n: int) -> list:
    return [numbers(n), Squares(n)]


# Batches


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("n", "size", "drop", "lengths"),
    [
        (10, 4, False, [4, 4, 2]),
        (10, 4, True, [4, 4]),
        (8, 4, False, [4, 4]),
        (8, 4, True, [4, 4]),
        (3, 4, False, [3]),
        (3, 4, True, []),
        (0, 4, False, []),
        (3, 1, False, [1, 1, 1]),
    ],
)
def test_lengths(device, n, size, drop, lengths, shuffle):
    for data in both(n):
        loader = DataLoader(data, size, shuffle=shuffle, drop_last=drop)
        assert [len(batch[0]) for batch in loader] == lengths
        assert len(loader) == len(lengths)


def test_in_order(device):
    for data in both(7):
        assert order(DataLoader(data, batch_size=3)) == [*range(7)]


def test_batches_stay_on_the_device(device):
    for data in both(5):
        for shuffle in (False, True):
            batch = next(iter(DataLoader(data, 2, shuffle=shuffle)))
            assert [x.device for x in batch] == [device] * len(batch)


def test_rows_stay_together(device):
    data = TensorDataset(agrad.arange(20), agrad.arange(20) * 10)
    for x, y in DataLoader(data, batch_size=6, shuffle=True):
        assert (x * 10).tolist() == y.tolist()
    for x, y in DataLoader(Squares(20), batch_size=6, shuffle=True):
        assert [float(i) ** 2 for i in x.tolist()] == y.tolist()


@pytest.mark.parametrize("settings", [{}, {"shuffle": True}, {"batch_size": 8}, {"sampler": [*range(8)]}], ids=str)
def test_writing_into_a_batch_leaves_the_data_alone(device, settings):
    x = agrad.zeros((8, 2))
    for data in (TensorDataset(x), list(x), Subset(TensorDataset(x), range(8))):
        with agrad.no_grad():
            for batch in DataLoader(data, **({"batch_size": 4} | settings)):
                rows = batch[0] if isinstance(batch, tuple) else batch
                rows += 1
        assert x.tolist() == [[0.0, 0.0]] * 8


# Shuffling


def test_each_iteration_shuffles_again_and_takes_every_item_once(device):
    for data in both(50):
        loader = DataLoader(data, batch_size=8, shuffle=True)
        first, second = order(loader), order(loader)
        assert first != second
        assert sorted(first) == sorted(second) == [*range(50)]


def test_a_seed_repeats_the_sequence(device):
    for data in both(50):
        one, two = (DataLoader(data, batch_size=8, shuffle=True, seed=3) for _ in range(2))
        assert [order(one) for _ in range(3)] == [order(two) for _ in range(3)]
        assert order(one) != order(DataLoader(data, batch_size=8, shuffle=True, seed=4))


def test_one_seed_one_order_on_all_devices(device):
    expected = order(DataLoader(numbers(50).to("cpu"), 8, shuffle=True, seed=3))
    assert [order(DataLoader(data, 8, shuffle=True, seed=3)) for data in both(50)] == [expected, expected]


def test_seeds_and_epochs_do_not_meet():
    seen = set()
    for seed in range(4):
        loader = DataLoader(numbers(50), 50, shuffle=True, seed=seed)
        seen |= {tuple(order(loader)) for _ in range(4)}
    assert len(seen) == 16


def test_a_seed_leaves_the_global_stream_alone():
    agrad.manual_seed(0)
    expected = agrad.rand(3).tolist()
    agrad.manual_seed(0)
    order(DataLoader(numbers(50), 8, shuffle=True, seed=3))
    assert agrad.rand(3).tolist() == expected


def test_without_a_seed_manual_seed_rules(device):
    for data in both(50):
        loader = DataLoader(data, batch_size=8, shuffle=True)
        agrad.manual_seed(5)
        first = [order(loader), order(loader)]
        agrad.manual_seed(5)
        assert [order(loader), order(loader)] == first


def test_going_on_at_an_epoch():
    whole = DataLoader(numbers(50), 8, shuffle=True, seed=3)
    orders = [order(whole) for _ in range(4)]
    assert whole.epoch == 4
    resumed = DataLoader(numbers(50), 8, shuffle=True, seed=3)
    resumed.epoch = 2
    assert [order(resumed), order(resumed)] == orders[2:]


def test_iterations_side_by_side():
    loader = DataLoader(numbers(50), 50, shuffle=True, seed=3)
    one, two = iter(loader), iter(loader)
    second, first = next(two)[0].tolist(), next(one)[0].tolist()
    again = DataLoader(numbers(50), 50, shuffle=True, seed=3)
    assert [first, second] == [order(again), order(again)]


# Items of all kinds


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([1.5, 2.5], [1.5, 2.5]),
        ([True, False], [True, False]),
        ([(1, 2.0), (3, 4.0)], ([1, 3], [2.0, 4.0])),
        ([[1, 2], [3, 4]], [[1, 3], [2, 4]]),
        ([{"x": 1, "y": (2, 3)}, {"x": 4, "y": (5, 6)}], {"x": [1, 4], "y": ([2, 5], [3, 6])}),
        ([Point(1, 2), Point(3, 4)], Point([1, 3], [2, 4])),
        (["a", "b"], ["a", "b"]),
        ([("a", 1), ("b", 2)], (["a", "b"], [1, 2])),
        ([None, None], [None, None]),
    ],
)
def test_collation(device, items, expected):
    (batch,) = DataLoader(items, batch_size=4)

    def plain(x):
        if isinstance(x, agrad.Tensor):
            return x.tolist()
        if isinstance(x, dict):
            return {key: plain(value) for key, value in x.items()}
        if isinstance(x, tuple):
            parts = [plain(part) for part in x]
            return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts)
        return [plain(part) for part in x] if isinstance(x, list) else x

    assert plain(batch) == expected
    assert type(batch) is type(expected) or isinstance(batch, agrad.Tensor)


def test_tensors_and_arrays_are_stacked(device, xp):
    pictures = [agrad.ones((2, 3)) * i for i in range(4)]
    (batch,) = DataLoader(pictures, batch_size=4)
    assert batch.shape == (4, 2, 3)
    assert batch[3, 0, 0].item() == 3.0
    (batch,) = DataLoader([x.data for x in pictures], batch_size=4)
    assert (batch.shape, batch.device) == ((4, 2, 3), device)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([agrad.zeros(2), agrad.zeros(3)], r"same shapes.*\(2,\) and \(3,\)"),
        ([(1, 2), (1, 2, 3)], "same lengths.*2 and 3"),
        ([{"a": 1}, {"b": 1}], r"same keys.*\['a'\] and \['b'\]"),
    ],
)
def test_items_that_do_not_stack(items, message):
    with pytest.raises(ValueError, match=message):
        next(iter(DataLoader(items, batch_size=2)))


# Bad input


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_size_below_1(size):
    with pytest.raises(ValueError, match=f"batch_size must be 1 or more, not {size}"):
        DataLoader(numbers(3), batch_size=size)


def test_types():
    with pytest.raises(TypeError, match="integer"):
        DataLoader(numbers(3), batch_size=2.5)
    with pytest.raises(TypeError, match="generator"):
        DataLoader(x for x in range(3))


def test_repr():
    text = repr(DataLoader(numbers(3), 2, shuffle=True))
    assert text == "DataLoader(TensorDataset(int64 (3,), device='cpu'), batch_size=2, shuffle=True)"
