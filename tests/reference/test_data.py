from __future__ import annotations

import gc
import os
import random
import signal
import time
import warnings
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import assay_reference as reference
from assay_reference import documented

data = reference.utils.data
Point = namedtuple("Point", ["x", "y"])

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


def plain(value: Any) -> Any:
    """Return a value with its containers' classes, and its tensors' dtypes, in words."""
    if hasattr(value, "tolist"):
        return str(value.dtype).removeprefix("torch."), value.tolist()
    if isinstance(value, (list, tuple, deque)):
        return type(value).__name__, [plain(each) for each in value]
    if isinstance(value, dict):
        return type(value).__name__, {key: plain(each) for key, each in value.items()}
    return value


def answer(library: Any, program: Any) -> Any:
    """Return what a program answers or raises after a seed, and the random number that follows."""
    library.manual_seed(7)
    try:
        found = plain(program(library))
    except Exception as error:
        found = type(error).__name__, str(error)
    return repr(found), library.rand(1).item()


def assert_same(program: Any) -> None:
    assert answer(reference, program) == answer(pytest.importorskip("torch"), program)


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("RandomSampler", (range(50),), {}),
        ("RandomSampler", (range(5),), {"num_samples": 12}),
        ("RandomSampler", (range(50),), {"replacement": True, "num_samples": 70}),
        ("RandomSampler", ([],), {}),
        ("RandomSampler", ([1],), {"replacement": 1}),
        ("SubsetRandomSampler", ([4, 2, 9],), {}),
        ("WeightedRandomSampler", ([0.1, 0.9, 0.4], 20), {}),
        ("WeightedRandomSampler", ([0.1, 0.9, 0.4], 2, False), {}),
        ("WeightedRandomSampler", ([0.1], 1), {}),
        ("WeightedRandomSampler", ([[0.1]], 1), {}),
        ("WeightedRandomSampler", ([0.1], 2.0), {}),
        ("BatchSampler", ([1], True, False), {}),
        ("BatchSampler", ([1], 1, 0), {}),
    ],
)
def test_samplers_are_torchs_index_for_index(name: str, arguments: Any, options: Any) -> None:
    assert_same(lambda library: list(getattr(library.utils.data, name)(*arguments, **options)))


@pytest.mark.parametrize("lengths", [[7, 3], [0.3, 0.3, 0.4], [0.5, 0.25], [1.5, -0.5], [7, 2]])
def test_splits_are_torchs(lengths: Any) -> None:
    assert_same(lambda library: [part.indices for part in library.utils.data.random_split(range(10), lengths)])


def test_an_empty_part_of_a_split_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0. This might result in an empty dataset."):
        data.random_split([1], [0.5, 0.5])


@pytest.mark.parametrize(
    "batch",
    [
        [1, 2], [0.5, 2], [True, False], ("a", "b"), [b"a"], [(1, 2.0), (3, 4.0)], [[1], [2, 3]], [Point(1, "a")],
        [np.float32(1)], [np.bool_(1)], [np.zeros(2), np.ones(2)], [np.array(["a"])], [np.array([None])], [None], [1j],
        [range(2), range(2)], [[], []], [OrderedDict(a=1)], [defaultdict(int, a=1)], [deque([1]), deque([3])], [{1}],
    ],
    ids=repr,
)  # fmt: skip
def test_batches_are_collated_as_torch_does(batch: Any) -> None:
    assert_same(lambda library: library.utils.data.default_collate(batch))
    assert_same(lambda library: library.utils.data.default_convert(batch))


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 3, "shuffle": True}, {"batch_size": None, "shuffle": True}, {"sampler": [4, 2]},
        {"batch_sampler": [[1, 0], [4]]}, {"num_workers": -1}, {"timeout": -1}, {"timeout": 1}, {"prefetch_factor": 2},
        {"persistent_workers": True}, {"multiprocessing_context": "fork"}, {"batch_size": 0}, {"drop_last": 1},
        {"num_workers": 1, "multiprocessing_context": "none"}, {"num_workers": 1, "multiprocessing_context": 5},
        {"num_workers": 1, "prefetch_factor": -1},
        {"num_workers": 2, "batch_size": 2, "shuffle": True}, {"num_workers": 2, "batch_size": None},
        {"num_workers": 2, "persistent_workers": True, "shuffle": True},
    ],
    ids=str,
)  # fmt: skip
def test_loaders_are_torchs_batch_for_batch(options: Any) -> None:
    def epochs(library: Any) -> Any:
        loader = library.utils.data.DataLoader(list(range(5)), **options)
        return len(loader), list(loader), list(loader)

    assert_same(epochs)


def test_workers_have_torchs_seeds() -> None:
    def seeds(library: Any) -> Any:
        class Drawn(library.utils.data.Dataset):  # type: ignore[misc, name-defined]
            def __len__(self) -> int:
                return 4

            def __getitem__(self, index: int) -> Any:
                info = library.utils.data.get_worker_info()
                numbers = random.random(), float(np.random.rand()), library.rand(1).item()
                return info.id, info.num_workers, info.seed, library.initial_seed(), *numbers

        return list(library.utils.data.DataLoader(Drawn(), num_workers=2, batch_size=None))

    assert_same(seeds)


class Indices(data.Dataset[int]):
    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> Any:
        return index


class Several(Exception):
    """One that takes more than a message."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(first, second)


@pytest.mark.parametrize(
    ("error", "raised", "last"),
    [
        (ValueError("bad"), ValueError, "ValueError: bad"),
        (KeyError("bad"), KeyError, "KeyError: 'bad'"),
        (Several(1, 2), RuntimeError, "Several: (1, 2)"),
    ],
    ids=repr,
)
def test_errors_of_workers_are_raised_with_their_traceback(error: Any, raised: Any, last: str) -> None:
    class Bad(Indices):
        def __getitem__(self, index: int) -> Any:
            raise error

    with pytest.raises(raised) as caught:
        list(data.DataLoader(Bad(), num_workers=1))

    lines = str(caught.value).strip().splitlines()
    name = type(error).__name__
    assert lines[:2] == [
        f"Caught {name} in DataLoader worker process 0.",
        "Original Traceback (most recent call last):",
    ]
    assert lines[-1].endswith(last)


def test_an_exception_of_a_class_that_cannot_be_sent_is_a_runtime_error() -> None:
    class Local(Exception):
        pass

    class Bad(Indices):
        def __getitem__(self, index: int) -> Any:
            raise Local("bad")

    with pytest.raises(RuntimeError, match="Caught Local in DataLoader worker process 0"):
        list(data.DataLoader(Bad(), num_workers=1))


class Killed(Indices):
    def __getitem__(self, index: int) -> Any:
        if index == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return index


class Slow(Indices):
    def __getitem__(self, index: int) -> Any:
        time.sleep(0.3)


class Wide(Indices):
    def __getitem__(self, index: int) -> Any:
        return reference.zeros(300_000)


def pids(iteration: Any) -> list[int]:
    return [worker.process.pid for worker in iteration.workers]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_that_is_killed_is_an_error_at_once() -> None:
    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"):
        list(data.DataLoader(Killed(), num_workers=2))


def test_a_worker_that_takes_too_long_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0.05 seconds"):
        list(data.DataLoader(Slow(), num_workers=1, timeout=0.05))


@pytest.mark.parametrize("persistent", [False, True])
def test_no_worker_outlives_a_loader_that_is_dropped_half_way(persistent: bool) -> None:
    loader = data.DataLoader(Wide(), num_workers=2, persistent_workers=persistent)
    batches = iter(loader)
    next(batches)
    workers = pids(batches)
    assert all(map(is_running, workers))

    del loader, batches
    gc.collect()

    assert not any(map(is_running, workers))


def test_workers_end_with_the_epoch() -> None:
    batches = iter(data.DataLoader(Indices(), num_workers=2))
    workers = pids(batches)

    assert len(list(batches)) == 40
    assert not any(map(is_running, workers))


def test_indices_and_batches_of_any_size_go_through() -> None:
    sampler = [list(range(40)) * 5000] * 4
    loader = data.DataLoader(Indices(), batch_sampler=sampler, num_workers=2, collate_fn=list)

    assert [len(batch) for batch in loader] == [200_000] * 4


def test_out_of_order_every_batch_comes_once() -> None:
    loader = data.DataLoader(Indices(), num_workers=2, in_order=False)

    assert sorted(int(batch) for batch in loader) == list(range(40))


def test_workers_send_views_and_what_requires_gradients() -> None:
    samples = [reference.arange(6.0).view(2, 3).t(), reference.ones(2, requires_grad=True)]
    first, second = data.DataLoader(samples, batch_size=None, num_workers=1)

    assert (first.tolist(), second.requires_grad) == ([[0, 3], [1, 4], [2, 5]], True)


def test_what_has_a_history_stays_in_its_process() -> None:
    samples = [reference.ones(2, requires_grad=True) * 2]

    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor which requires_grad"):
        list(data.DataLoader(samples, batch_size=None, num_workers=1))


def test_other_ways_to_start_processes_serve_too() -> None:
    loader = data.DataLoader(range(40), batch_size=20, num_workers=1, multiprocessing_context="spawn")

    assert [len(batch) for batch in loader] == [20, 20]


class Claiming(data.IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(2))

    def __len__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "Claiming()"


def test_a_stream_that_is_longer_than_it_said_is_warned_of() -> None:
    loader = data.DataLoader(Claiming())
    assert len(loader) == 1

    with pytest.warns(UserWarning) as warned:
        list(loader)

    said = "Length of IterableDataset Claiming() was reported to be 1(when accessing len(dataloader)), but 2 samples "
    assert str(warned[0].message) == said + "have been fetched. "


def test_pinned_memory_without_a_gpu_is_warned_of() -> None:
    loader = data.DataLoader([1], pin_memory=True)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        list(loader)

    if not reference.cuda.is_available():
        expected = "'pin_memory' argument is set as true but no accelerator is found, "
        assert str(warned[0].message) == f"{expected}then device pinned memory won't be used."


def test_more_workers_than_processors_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="This DataLoader will create 10000 worker processes in total."):
        data.DataLoader([1], num_workers=10_000)


def test_what_decides_about_batches_is_fixed() -> None:
    with pytest.raises(ValueError, match="batch_size attribute should not be set after DataLoader is initialized"):
        data.DataLoader([1]).batch_size = 2


def test_the_documented_forms_are_those_of_former_times() -> None:
    former = documented.utils.data

    assert list(former.sampler.WeightedRandomSampler([1.0], 1, replace=False)) == [0]
    assert len(former.TensorDataset(data_tensor=reference.ones(3), target_tensor=reference.ones(3))) == 3
    assert len(former.DataLoader([1, 2], 1, False, None, 0, None, False, False)) == 2
    assert isinstance(former.sampler.Sampler([1]), former.Sampler)
