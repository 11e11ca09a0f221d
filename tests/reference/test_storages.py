"""Storages: what they are and answer, against real PyTorch, and what of that no library need be asked."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import assay_reference
from assay_reference.storage import DEPRECATED, warn_once

PROGRAMS = """
torch.tensor([1.0, 2.0]).storage()
torch.tensor([1, 2]).untyped_storage()
torch.zeros(0).storage()
torch.FloatStorage(3).fill_(2)
torch.FloatStorage((1, 2, 3))
torch.FloatStorage()
torch.FloatStorage([[1, 2], [3, 4]])
torch.FloatStorage(range(3))
torch.FloatStorage(1.5)
torch.FloatStorage('a')
torch.FloatStorage(2, 3)
torch.FloatStorage([1, 'a'])
torch.FloatStorage(np.ones(2))
torch.FloatStorage(torch.FloatStorage([1, 2]))
torch.FloatStorage(2, dtype=torch.float32)
torch.FloatStorage(wrap_storage=torch.ones(2).untyped_storage())
torch.FloatStorage(wrap_storage=3)
torch.ByteStorage([1, 300])
torch.CharStorage([200])
torch.LongStorage([1.5])
torch.BoolStorage([True, False, 2])
torch.HalfStorage([1.5]), torch.BFloat16Storage([1.5]), torch.ShortStorage([1]), torch.IntStorage([1])
torch.ComplexFloatStorage([1.5j]), torch.ComplexDoubleStorage([1, 2]), torch.DoubleStorage([0.1])
torch.FloatStorage([0.1, float('nan'), float('inf'), -0.0])
torch.TypedStorage(2, dtype=torch.float64).fill_(0)
torch.TypedStorage([1.5, 2], dtype=torch.int64), torch.TypedStorage([1.5]), torch.TypedStorage()
torch.TypedStorage(wrap_storage=torch.ones(2).untyped_storage(), dtype=torch.int64)
torch.TypedStorage(wrap_storage=torch.ones(2).untyped_storage())
torch.TypedStorage(wrap_storage=torch.ones(2).untyped_storage(), dtype='a')
torch.TypedStorage(wrap_storage=torch.ones(2).untyped_storage(), dtype=torch.float32, device='cpu')
torch.TypedStorage(2, wrap_storage=torch.ones(2).untyped_storage(), dtype=torch.float32)
torch.TypedStorage(wrap_storage=torch.ones(2).storage(), dtype=torch.float32)
torch.UntypedStorage([1, 2]), torch.UntypedStorage(), torch.UntypedStorage([300, -1]), torch.UntypedStorage(range(2))
torch.UntypedStorage(2, device='cpu').fill_(1)
torch.UntypedStorage('a')
torch.UntypedStorage(1.5)
torch.UntypedStorage([1.5])
torch.UntypedStorage(torch.tensor([1, 2]))
s = torch.FloatStorage([1, 2, 3]); (s[0], s[-1], len(s), s.size(), s.nbytes(), s.element_size(), s.dtype, s.device)
s = torch.FloatStorage([1, 2, 3]); (s.is_cuda, s.is_sparse, s.is_shared(), s.is_pinned(), s.filename, s.get_device())
s = torch.FloatStorage([1, 2, 3]); s.tolist(), list(s), s.type(), s.pickle_storage_type(), bool(s)
s = torch.FloatStorage([1, 2, 3]); s[3]
s = torch.FloatStorage([1, 2, 3]); s[-4]
s = torch.FloatStorage([1, 2, 3]); s[0:2]
s = torch.FloatStorage([1, 2, 3]); s['a']
s = torch.FloatStorage([1, 2, 3]); s[1.0]
s = torch.FloatStorage([1, 2, 3]); s[-1] = 9; s
s = torch.FloatStorage([1, 2, 3]); s[0:3:2] = 9; s
s = torch.FloatStorage([1, 2, 3]); s[0:2] = [7, 8]; s
s = torch.FloatStorage([1, 2, 3]); s[5] = 9; s
s = torch.FloatStorage([1, 2, 3]); s['a'] = 9; s
s = torch.FloatStorage([1, 2, 3]); s[0] = 'a'; s
s = torch.FloatStorage([1, 2, 3]); s[0] = torch.tensor(4); s
s = torch.LongStorage([1, 2, 3]); s[0] = 1.7; s
s = torch.FloatStorage([1, 2, 3]); s.fill_('a')
s = torch.FloatStorage([1, 2, 3]); s.fill_(4) is s, s.fill_(torch.tensor(5.0))
s = torch.FloatStorage([1, 2, 3]); s.resize_(2), s
s = torch.FloatStorage([1, 2, 3]); s.resize_(5); s.tolist()[:3], len(s)
s = torch.FloatStorage([1, 2, 3]); s.resize_(1.5)
x = torch.ones(4); y = x[1:]; u = x.untyped_storage(); u.resize_(320); y[0] = 5; x, u.data_ptr() == x.data_ptr()
s = torch.FloatStorage([1, 2, 3]); s.copy_(torch.FloatStorage([4, 5, 6])) is s, s
s = torch.IntStorage([1, 2]); s.copy_(torch.FloatStorage([1.0, -1.0]))
s = torch.FloatStorage([1, 2, 3]); s.copy_(torch.LongStorage([4, 5]))
s = torch.FloatStorage([1, 2, 3]); s.copy_([1, 2, 3])
s = torch.FloatStorage([1, 2, 3]); s.clone(), s.clone() == s, s == s, s != s
s = torch.FloatStorage([1.9, -2]); s.double(), s.float(), s.half(), s.bfloat16(), s.complex_float(), s.complex_double()
s = torch.FloatStorage([1.9, -2]); s.long(), s.int(), s.short(), s.char(), s.byte(), s.bool()
s = torch.FloatStorage([1, 2]); s.float().data_ptr() == s.data_ptr(), s.cpu().data_ptr() == s.data_ptr()
s = torch.FloatStorage([1, 2]); s.untyped(), s.untyped().data_ptr() == s.data_ptr(), s.untyped() == s.untyped()
isinstance(torch.ones(1).storage(), torch.FloatStorage), isinstance(torch.ones(1).storage(), torch.LongStorage)
isinstance(torch.FloatStorage(1), torch.TypedStorage), issubclass(torch.FloatStorage, torch.TypedStorage)
isinstance(torch.ones(1).untyped_storage(), torch.UntypedStorage), isinstance(3, torch.FloatStorage)
torch.FloatStorage, torch.cuda.FloatStorage, torch.FloatStorage.dtype
torch.is_storage(torch.FloatStorage(1)), torch.is_storage(torch.ones(1).untyped_storage()), torch.is_storage([1])
torch.is_storage(torch.ones(1)), torch.is_storage(torch.FloatStorage)
torch.is_storage(obj=1)
torch.is_storage(input=1)
x = torch.arange(6.0).view(2, 3); s = x[1].storage(); s[0] = 7; x, len(s), s.data_ptr() == x.data_ptr()
x = torch.zeros(3); x.storage().fill_(3), x._version, x
x = torch.zeros(3); s = x.storage(); x.fill_(2); s
s = torch.FloatStorage([1, 2]); x = torch.FloatTensor(s); x[0] = 9; x, s, x.untyped_storage() is s.untyped()
s = torch.FloatStorage([1.5]); x = torch.tensor(s); x[0] = 3; s
torch.as_tensor(torch.DoubleStorage([1.5]), dtype=torch.float64)
torch.LongTensor(torch.LongStorage([1, 2]).untyped()), torch.Tensor(torch.FloatStorage([1]))
torch.Tensor(torch.LongStorage([1]))
s = torch.FloatStorage([1, 2, 3, 4]); torch.tensor([]).set_(s), torch.tensor([]).set_(s.untyped())
s = torch.FloatStorage([1, 2, 3, 4]); torch.tensor([]).set_(s, 1, (2,)), torch.tensor([]).set_(s, 0, (2, 2), (1, 2))
s = torch.FloatStorage([1, 2]); x = torch.ones(0).set_(s, 0, (3, 3)); x.shape, len(s), x.data_ptr() == s.data_ptr()
s = torch.FloatStorage([1, 2, 3, 4]); torch.ones(0).set_(s, storage_offset=1, size=(2,), stride=(2,))
s = torch.FloatStorage([1, 2]); torch.tensor([]).set_(s, -1, (2,))
s = torch.FloatStorage([1, 2]); torch.tensor([]).set_(s, 0, (2,), (-1,))
s = torch.FloatStorage([1, 2]); torch.tensor([]).set_(s, 0, (-2,))
s = torch.FloatStorage([1, 2]); torch.tensor([]).set_(s, 0, (1, 1), (1,))
torch.tensor([]).set_(torch.LongStorage([1]))
torch.tensor([]).set_(torch.ones(2, dtype=torch.int64))
x = torch.ones(2); y = torch.zeros(1); y.set_(x) is y, y.data_ptr() == x.data_ptr(), y, y._version
torch.ones(3).set_()
x = torch.zeros(3); y = x[1:]; y.set_(torch.arange(4.0)); y.add_(1); y, x, y.grad_fn
torch.ones(3, requires_grad=True).set_(torch.zeros(2))
u = torch.ones(2).untyped_storage(); len(u), u.nbytes(), u[0], u[3], u[-1], u.tolist(), u.element_size(), u.type()
u = torch.ones(2).untyped_storage(); v = u[0:3]; v[0] = 9; u, v, u[-2:], u[2:1]
u = torch.ones(2).untyped_storage(); u[0:8:2]
u = torch.ones(2).untyped_storage(); u[8]
u = torch.ones(2).untyped_storage(); u['a']
u = torch.UntypedStorage([1, 2, 3]); u[0] = 300; u[1:9] = -1; u
u = torch.UntypedStorage([1, 2, 3]); u[0] = 1.5; u
u = torch.UntypedStorage([1, 2, 3]); u[-1] = 1; u
u = torch.UntypedStorage([1, 2, 3]); u['a'] = 1; u
u = torch.UntypedStorage([1, 2, 3]); u[0:3:2] = 1; u
u = torch.UntypedStorage([1, 2, 3]); u.fill_(300), u.fill_(-1)
u = torch.UntypedStorage([1, 2, 3]); u.fill_(1.5)
u = torch.UntypedStorage([1, 2, 3]); u.resize_(2) is u, u, u.float(), u.clone(), u.clone() == u, u.cpu() is u
u = torch.UntypedStorage([1, 2, 3]); u.copy_(torch.CharStorage([4, 5, 6]))
x = torch.ones(4); u = x.untyped_storage(); x[1:].untyped_storage() == u, x.data.untyped_storage() == u, u[0:3] == u
torch.from_numpy(np.arange(6.0)[::2]).storage()
torch.from_numpy(np.arange(6.0).reshape(2, 3).T).storage().tolist()
x = torch.arange(6.0); x.resize_(2, 2) is x, x, x._version, len(x.storage()), x.resize_(6), x.resize_(6)._version
x = torch.arange(6.0); x.resize_([3]), x.resize_(size=(1, 2)), x.resize_(torch.tensor(2), 2), x.resize_(())
x = torch.arange(6.0); v = x[2:]; x.resize_(100); x[:6], v, v.data_ptr() == x.data_ptr() + 8, len(x.storage())
x = torch.arange(6.0); v = x[2:]; v.resize_(6)[:4], v.storage_offset(), v._is_view(), x, len(x.storage())
x = torch.arange(6.0); v = x[2:]; v.resize_(0).storage_offset(), v.resize_(2)
x = torch.arange(6.0).view(2, 3).t(); x.resize_(3, 2).stride(), x.resize_(2, 3).stride(), x, x.resize_(3, 0, 2).stride()
x = torch.arange(6.0).expand(2, 6); x.resize_(2, 6).stride(), x.resize_(3, 4).stride(), len(x.storage())
torch.ones(2).resize_(-1)
torch.ones(2).resize_(2.5)
torch.ones(2).resize_((2.5,))
torch.ones(2).resize_(2, 'a')
torch.ones(2).resize_('a', 2)
torch.ones(2).resize_()
torch.ones(2).resize_(2, memory_format=torch.preserve_format)
torch.ones(2, requires_grad=True).resize_(2)
torch.ones(2, requires_grad=True).mul(2).resize_(1)
x = torch.ones(2); y = torch.ones(2, requires_grad=True) * x; x.resize_(1); y.sum().backward()
x = torch.ones(2, requires_grad=True); x.detach().resize_(1), x, x._version
x = torch.arange(6.0); torch.resize_as_(x, torch.ones(2, 2, dtype=torch.int64)) is x, x
torch.arange(6.0).resize_as_(torch.ones(2, 3).t()).stride()
torch.ones(2).resize_as_((2, 2))
torch.ones(2, requires_grad=True).resize_as_(torch.ones(2))
x = torch.from_numpy(np.arange(6.0)); x.resize_(2), x.resize_(2, 3)
torch.from_numpy(np.arange(6.0)).resize_(7)
torch.from_numpy(np.arange(6.0))[1:].resize_(6)
torch.from_numpy(np.arange(6.0)).data.resize_(7)
torch.as_tensor(np.zeros(0)).resize_(1)
torch.from_numpy(np.arange(6.0)).untyped_storage().resize_(1)
torch.add(torch.ones(2), 1, out=torch.from_numpy(np.zeros(1, np.float32)))
x = torch.tensor(np.arange(2.0)); x.resize_(3)[:2], x.storage().resizable(), x.untyped_storage()[:8].resizable()
x = torch.ones(2); a = x.numpy(); x.resize_(1), x.untyped_storage().resizable(), x.clone().untyped_storage().resizable()
x = torch.ones(2); a = x.numpy(force=True); x.resize_(3)
x = torch.zeros(6); o = x[2:4]; torch.add(torch.ones(3), 1, out=o); x, o, o.storage_offset()
x = torch.zeros(6); o = x[2:4]; torch.add(torch.ones(8), 1, out=o); x, o, o.storage_offset(), len(x.storage())
torch.ones(1).expand(3).storage().size(), torch.ones(3, 3).t().storage().size(), torch.ones(6)[::2].storage().size()
""".strip().splitlines()


@pytest.fixture(autouse=True)
def without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def answer(library: Any, program: str) -> str:
    """Run a program; give what its last expression shows, or its error."""
    scope: dict[str, Any] = {"torch": library, "np": np}
    *steps, last = program.split("; ")
    try:
        exec("\n".join(steps), scope)
        return repr(eval(last, scope))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_storage_answers_as_pytorchs_does(program: str) -> None:
    torch = pytest.importorskip("torch")

    assert answer(assay_reference, program) == answer(torch, program)


def test_that_typed_storages_are_going_is_said_once() -> None:
    warn_once.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assay_reference.FloatStorage(2)
        assay_reference.ones(1).storage()

    assert [str(each.message) for each in caught] == [DEPRECATED]
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "make", [assay_reference.FloatStorage, assay_reference.UntypedStorage, assay_reference.UntypedStorage(2).resize_]
)
def test_no_memory_has_a_size_below_zero(make: Any) -> None:
    with pytest.raises(RuntimeError, match="negative number: 18446744073709551"):
        make(-1)


def test_tensors_move_with_memory_that_grows() -> None:
    x = assay_reference.arange(6.0).view(2, 3)
    y, z = x.t()[1:], x.detach()
    assert "_storage" in vars(z)  # attributes may stand in a dictionary of their own

    x.untyped_storage().resize_(4096)
    x.storage()[4] = 9

    assert x.tolist() == z.tolist() == [[0, 1, 2], [3, 9, 5]]
    assert y.tolist() == [[1, 9], [2, 5]]
    assert x.data_ptr() == x.untyped_storage().data_ptr()
    assert (y.storage_offset(), y.stride(), x.storage().size()) == (1, (1, 3), 1024)


def test_memory_that_shrinks_and_grows_again_keeps_what_it_began_with() -> None:
    x = assay_reference.ones(4)

    x.storage().resize_(1)
    x.storage().resize_(6)

    assert x.storage().tolist()[:1] == x.tolist()[:1] == [1]
    assert x.data_ptr() == x.untyped_storage().data_ptr()


def test_a_deep_copy_has_memory_of_its_own() -> None:
    storage = assay_reference.FloatStorage([1, 2])

    copy.deepcopy(storage)[0] = 5

    assert storage.tolist() == [1, 2]
    assert copy.deepcopy(storage).dtype is assay_reference.float32


def test_a_tensor_that_is_made_larger_keeps_its_elements_and_its_views() -> None:
    x = assay_reference.arange(6.0)
    y = x[2:].view(2, 2)

    x.resize_(1000)[3] = 9

    assert x[:6].tolist() == [0, 1, 2, 9, 4, 5]
    assert y.tolist() == [[2, 9], [4, 5]]


def test_memory_that_numpy_knows_stays_where_it_is() -> None:
    array = np.arange(6.0)

    with pytest.raises(RuntimeError) as caught:
        assay_reference.from_numpy(array).resize_(7)

    assert str(caught.value) == "Trying to resize storage that is not resizable"
    assert assay_reference.from_numpy(array).resize_(2, 2).tolist() == [[0, 1], [2, 3]]
