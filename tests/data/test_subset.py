"""Parts of data sets, data sets together, and those without indices."""

import numpy as np
import pytest

import agrad
from agrad.data import ConcatDataset, DataLoader, IterableDataset, Subset, TensorDataset, random_split


class Countdown(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n, 0, -1))


def numbers(n):
    return TensorDataset(agrad.arange(n), agrad.arange(n) * 10)


def test_subset(device):
    part = Subset(numbers(10), [7, 1, 5])
    assert len(part) == 3
    assert [x.item() for x in part[0]] == [7, 70]
    assert part[1:][0].tolist() == [1, 5]
    assert part[[2, 0]][0].tolist() == [5, 7]
    assert part[agrad.asarray([2, 0])][1].tolist() == [50, 70]
    with pytest.raises(IndexError):
        part[3]
    assert Subset("abcdef", agrad.asarray([5, 0]))[0] == "f"


def test_parts_of_sequences():
    part = Subset(list("abcdef"), [1, 3, 5])
    assert part[0:2] == part[[0, 1]] == ["b", "d"]
    assert Subset("abcdef", [1, 3, 5])[::-1] == ["f", "d", "b"]


def test_numpys_integers_are_indices(device):
    part = Subset(numbers(10), np.asarray([7, 1, 5]))
    assert part[np.int64(2)][0].item() == 5
    assert [x.tolist() for x, _ in DataLoader(part, 2, sampler=np.asarray([2, 0, 1]))] == [[5, 7], [1]]
    assert list(DataLoader(Subset("abcdef", [1, 3, 5]), 2, sampler=np.asarray([2, 0, 1]))) == [["f", "b"], ["d"]]


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_loader_over_a_part_of_a_part(device, shuffle):
    part = Subset(Subset(numbers(20), range(5, 20)), range(0, 15, 2))
    seen = []
    for x, y in DataLoader(part, 3, shuffle=shuffle, seed=1):
        assert x.device == device
        assert (x * 10).tolist() == y.tolist()
        seen += x.tolist()
    assert sorted(seen) == [5, 7, 9, 11, 13, 15, 17, 19]
    assert (seen == sorted(seen)) is not shuffle


def test_a_loader_over_a_part_of_something_else(device):
    assert list(DataLoader(Subset("abcdef", [5, 0, 1]), 2)) == [["f", "a"], ["b"]]


def test_concat(device):
    both = ConcatDataset([numbers(2), numbers(3)])
    assert [both[i][0].item() for i in (0, 1, 2, 4, -1, -5)] == [0, 1, 0, 2, 2, 0]
    assert [x.tolist() for x, _ in DataLoader(both, 3)] == [[0, 1, 0], [1, 2]]
    assert len(ConcatDataset(["", "ab", ""])) == 2
    assert ConcatDataset(["", "ab", ""])[1] == "b"
    for index in (5, -6):
        with pytest.raises(IndexError, match="out of range for a data set of 5"):
            both[index]
    with pytest.raises(ValueError, match="at least one"):
        ConcatDataset([])


@pytest.mark.parametrize(
    ("lengths", "counts"),
    [([7, 3], [7, 3]), ([0.5, 0.5], [5, 5]), ([0.33, 0.33, 0.34], [4, 3, 3]), ([10], [10]), ([1.0], [10])],
)
def test_random_split(lengths, counts):
    parts = random_split(range(10), lengths, seed=0)
    assert [len(part) for part in parts] == counts
    assert sorted(i for part in parts for i in part) == [*range(10)]
    assert [part.indices for part in random_split(range(10), lengths, seed=0)] == [part.indices for part in parts]
    assert [part.indices for part in random_split(range(10), lengths, seed=1)] != [part.indices for part in parts]


def test_without_a_seed_manual_seed_rules():
    agrad.manual_seed(0)
    first = [part.indices for part in random_split(range(10), [5, 5])]
    agrad.manual_seed(0)
    assert [part.indices for part in random_split(range(10), [5, 5])] == first


@pytest.mark.parametrize("lengths", [[7, 4], [0.5, 0.4], [11, -1], [9.5, 0.5]])
def test_lengths_that_do_not_add_up(lengths):
    with pytest.raises((ValueError, TypeError), match=r"sum to 10|integer"):
        random_split(range(10), lengths)


@pytest.mark.parametrize("workers", [0, 2])
def test_streams(device, workers):
    loader = DataLoader(Countdown(5), 2, num_workers=workers)
    for _ in range(2):
        assert [batch.tolist() for batch in loader] == [[5, 4], [3, 2], [1]]
    assert [x.tolist() for x in DataLoader(Countdown(5), 2, drop_last=True, num_workers=workers)] == [[5, 4], [3, 2]]
    assert list(DataLoader(Countdown(3), None, num_workers=workers)) == [3, 2, 1]
    assert list(DataLoader(Countdown(3), 2, collate_fn=sum, num_workers=workers)) == [5, 1]
    assert list(DataLoader(Countdown(0), 2, num_workers=workers)) == []


def test_streams_without_end_or_length():
    loader = DataLoader(Countdown(10**9), 2, num_workers=1)
    assert next(iter(loader)).tolist() == [10**9, 10**9 - 1]
    with pytest.raises(TypeError, match="len"):
        len(loader)


@pytest.mark.parametrize("settings", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}])
def test_streams_have_an_order_of_their_own(settings):
    with pytest.raises(ValueError, match="sets its own order"):
        DataLoader(Countdown(5), **settings)


def test_a_stream_without_items_says_so():
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(IterableDataset())
