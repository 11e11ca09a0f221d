"""Data sets of images, in tiny files: what holds of torchvision's holds of the reference's."""

from __future__ import annotations

import gc
import gzip
import hashlib
import importlib
import io
import json
import os
import pickle
import struct
import tarfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import assay_reference as reference

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(params=["reference", "torchvision"])
def library(request: pytest.FixtureRequest) -> Any:
    """Both libraries: their data sets, and the torch that goes with them."""
    if request.param == "reference":
        return SimpleNamespace(
            torch=reference, datasets=importlib.import_module("assay_reference.torchvision").datasets
        )
    return SimpleNamespace(torch=pytest.importorskip("torch"), datasets=request.getfixturevalue("torchvision").datasets)


@pytest.fixture
def datasets(library: Any) -> Any:
    return library.datasets


@pytest.fixture
def ours() -> Any:
    return importlib.import_module("assay_reference.torchvision").datasets


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def unclosed() -> Iterator[None]:
    """Collect the answers of servers that torchvision does not close."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def written(path: str, content: bytes) -> list[str]:
    """Write a file, and return its entry in a list of files."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)
    return [os.path.basename(path), hashlib.md5(content).hexdigest()]


def picture(colour: Any, mode: str = "RGB", size: tuple[int, int] = (2, 3)) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, "png")
    return file.getvalue()


def pixel(image: Any, x: int = 0, y: int = 0) -> Any:
    return image.getpixel((x, y))


def same(value: Any) -> Any:
    return value


def tar(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


# -- MNIST ------------------------------------------------------------------------------------------------------------


def idx(elements: Any, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, elements.ndim]) + struct.pack(f">{elements.ndim}i", *elements.shape) + elements.tobytes()


IMAGES = idx(np.arange(12, dtype=np.uint8).reshape(3, 2, 2))
LABELS = idx(np.array([7, 8, 9], np.uint8))
MNIST = {
    "train-images-idx3-ubyte": IMAGES,
    "train-labels-idx1-ubyte": LABELS,
    "t10k-images-idx3-ubyte": idx(np.array([[[40]]], np.uint8)),
    "t10k-labels-idx1-ubyte": idx(np.array([3], np.uint8)),
}


def write_mnist(name: str = "MNIST", **changes: bytes) -> None:
    for file, content in {**MNIST, **{each.replace("_", "-"): content for each, content in changes.items()}}.items():
        written(f"data/{name}/raw/{file}", content)


def test_mnist_reads_images_and_digits(library: Any) -> None:
    write_mnist()

    train, test = (library.datasets.MNIST("data", train=each) for each in (True, False))

    assert isinstance(train, library.torch.utils.data.Dataset)
    assert (train.data.tolist(), train.targets.tolist()) == (np.arange(12).reshape(3, 2, 2).tolist(), [7, 8, 9])
    assert (train.data.dtype, train.targets.dtype) == (library.torch.uint8, library.torch.int64)
    image, target = train[-1]
    assert (image.mode, image.size, pixel(image), pixel(image, 1), pixel(image, 0, 1)) == ("L", (2, 2), 8, 9, 10)
    assert (target, type(target)) == (9, int)
    assert (len(train), len(test), pixel(test[0][0]), test[0][1]) == (3, 1, 40, 3)
    assert train.classes[7] == "7 - seven" and train.class_to_idx["7 - seven"] == 7
    assert (train.raw_folder, train.processed_folder) == ("data/MNIST/raw", "data/MNIST/processed")
    assert repr(test) == "Dataset MNIST\n    Number of datapoints: 1\n    Root location: data\n    Split: Test"
    with pytest.raises(IndexError, match="index 3 is out of bounds for dimension 0 with size 3"):
        train[3]


def test_transforms_are_applied_and_shown(datasets: Any) -> None:
    class Two:
        def __call__(self, image: Any) -> Any:
            return pixel(image)

        def __repr__(self) -> str:
            return "Two(\n  lines\n)"

    write_mnist("FashionMNIST")

    data = datasets.FashionMNIST("data", transform=Two(), target_transform=Two())
    assert repr(data) == (
        "Dataset FashionMNIST\n    Number of datapoints: 3\n    Root location: data\n    Split: Train\n"
        "    StandardTransform\nTransform: Two(\n             lines\n           )\n"
        "Target transform: Two(\n                    lines\n                  )"
    )
    data.target_transform = lambda target: target * 10
    assert data[1] == (4, 80)
    assert data.classes[9] == "Ankle boot"


def test_former_names_of_attributes_warn(datasets: Any) -> None:
    write_mnist()
    data = datasets.MNIST("data")

    for name, current in (("train_labels", "targets"), ("test_data", "data")):
        with pytest.warns(UserWarning, match=f"^{name} has been renamed {current}$"):
            assert getattr(data, name) is getattr(data, current)


@pytest.mark.parametrize("lost", sorted(MNIST))
def test_mnist_wants_all_files_though_it_reads_two(datasets: Any, lost: str) -> None:
    write_mnist()
    os.remove(f"data/MNIST/raw/{lost}")

    with pytest.raises(RuntimeError, match=r"^Dataset not found. You can use download=True to download it"):
        datasets.MNIST("data")


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"", ValueError, None),
        (IMAGES[:6], ValueError, None),
        (IMAGES[:16], ValueError, None),
        (IMAGES[:-1], RuntimeError, r"shape '\[3, 2, 2\]' is invalid for input of size 11"),
        (IMAGES + b"x", RuntimeError, r"shape '\[3, 2, 2\]' is invalid for input of size 13"),
        (b"\1" + IMAGES[1:], AssertionError, None),
        (bytes([0, 0, 7, 3]) + IMAGES[4:], AssertionError, None),
        (bytes([0, 0, 8, 4]) + IMAGES[4:], AssertionError, None),
        (gzip.compress(IMAGES), AssertionError, None),
        (LABELS, ValueError, "x should have 3 dimension instead of 1"),
        (idx(np.zeros((3, 2, 2), ">i4"), 12), TypeError, "x should be of dtype torch.uint8 instead of torch.int32"),
    ],
    ids=["empty", "half a header", "header", "short", "long", "start", "type", "rank", "packed", "labels", "int32"],
)
def test_damaged_idx_files(library: Any, content: bytes, error: type[Exception], says: str | None) -> None:
    write_mnist(train_images_idx3_ubyte=content)

    with pytest.raises(error, match=says) as raised:
        library.datasets.MNIST("data")
    assert library.torch is not reference or str(raised.value).startswith("data/MNIST/raw/train-images-idx3-ubyte: ")


def test_what_an_older_torchvision_left_is_read_with_care(library: Any) -> None:
    save = library.torch.save
    Path("data/MNIST/processed").mkdir(parents=True)
    save((library.torch.zeros(1, 2, 2).byte(), library.torch.tensor([4])), "data/MNIST/processed/training.pt")
    save(Path("x"), "data/MNIST/processed/test.pt")

    assert library.datasets.MNIST("data")[0][1] == 4
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        library.datasets.MNIST("data", train=False)


def mirrored(datasets: Any, server: Any) -> Any:
    """Return an MNIST whose second mirror is a server with its files."""
    packed = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in MNIST.items()}
    server.files = {f"/{name}": content for name, content in packed.items()}

    class Mirrored(datasets.MNIST):  # type: ignore[misc, name-defined]
        mirrors = (f"{server.url}/none/", f"{server.url}/")
        resources = tuple((name, hashlib.md5(content).hexdigest()) for name, content in packed.items())

    return Mirrored


@pytest.mark.usefixtures("unclosed")
def test_mnist_downloads_from_the_mirror_that_has_it(datasets: Any, loopback: Any) -> None:
    kind = mirrored(datasets, loopback)

    assert kind("data", download=True).targets.tolist() == [7, 8, 9]
    loopback.asked.clear()
    os.remove("data/Mirrored/raw/t10k-labels-idx1-ubyte")  # which is unpacked again
    assert kind("data", train=False, download=True).targets.tolist() == [3]
    assert loopback.asked == []
    assert sorted(os.listdir("data/Mirrored/raw")) == sorted([*MNIST, *(f"{each}.gz" for each in MNIST)])


@pytest.mark.usefixtures("unclosed")
def test_a_download_is_checked(datasets: Any, loopback: Any) -> None:
    kind = mirrored(datasets, loopback)
    loopback.files["/train-images-idx3-ubyte.gz"] = b"other"

    with pytest.raises(RuntimeError) as raised:
        kind("data", download=True)
    assert str(raised.value).startswith(
        f"Error downloading train-images-idx3-ubyte.gz:\nTried {loopback.url}/none/, got:\nHTTP Error 404: Not Found\n"
        f"Tried {loopback.url}/, got:\nFile not found or corrupted."
    )
    with pytest.raises(RuntimeError, match="Dataset not found"):
        kind("data")


def test_a_download_that_cannot_be_unpacked_leaves_no_file(ours: Any, loopback: Any) -> None:
    kind = mirrored(ours, loopback)
    loopback.files["/train-images-idx3-ubyte.gz"] = cut = gzip.compress(IMAGES)[:-4]
    kind.resources = (("train-images-idx3-ubyte.gz", hashlib.md5(cut).hexdigest()), *kind.resources[1:])

    with pytest.raises(EOFError, match=r"^data/Mirrored/raw/train-images-idx3-ubyte.gz: "):
        kind("data", download=True)
    assert os.listdir("data/Mirrored/raw") == ["train-images-idx3-ubyte.gz"]


# -- CIFAR ------------------------------------------------------------------------------------------------------------


def batch(first: int, labels: list[int], protocol: int = 2, key: str = "labels") -> bytes:
    """Pickle images whose bytes count up from a number."""
    count = len(labels) * 3072
    data = (np.arange(first, first + count) % 256).astype(np.uint8).reshape(-1, 3072)
    return pickle.dumps({"data": data, key: labels}, protocol)


def cifar(base: Any, train: bytes | None = None, root: str = "data") -> Any:
    """Write three batches and the names of classes, and return a class that knows their MD5."""
    names = pickle.dumps({"label_names": ["cat", "dog"], "fine_label_names": ["cat", "dog"]}, 2)

    first, second, test, meta = (
        written(f"{root}/tiny/{name}", content)
        for name, content in {
            "one": batch(0, [1, 0]) if train is None else train,
            "two": batch(100, [1]),
            "test": batch(200, [0]),
            "names": names,
        }.items()
    )
    known = {**base.meta, "filename": "names", "md5": meta[1]}
    return type(
        "Tiny", (base,), {"base_folder": "tiny", "train_list": [first, second], "test_list": [test], "meta": known}
    )


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_cifar_reads_batches(datasets: Any, name: str) -> None:
    kind = cifar(getattr(datasets, name))

    train, test = kind("data"), kind("data", train=False, transform=same, target_transform=str)

    assert (train.data.shape, train.data.dtype) == ((3, 32, 32, 3), np.uint8)
    assert train.targets == [1, 0, 1]
    assert (train.classes, train.class_to_idx) == (["cat", "dog"], {"cat": 0, "dog": 1})
    image, target = train[2]
    assert (image.mode, image.size, target) == ("RGB", (32, 32), 1)
    # Colours lie 1024 bytes apart, which is four times 256, and rows 32.
    assert (pixel(image), pixel(image, 1), pixel(image, 0, 1)) == ((100,) * 3, (101,) * 3, (132,) * 3)
    assert (len(test), test[0][1]) == (1, "0")
    assert repr(train) == "Dataset Tiny\n    Number of datapoints: 3\n    Root location: data\n    Split: Train"
    with pytest.raises(IndexError, match="index 3 is out of bounds for axis 0 with size 3"):
        train[3]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_cifar_reads_every_protocol(datasets: Any, protocol: int) -> None:
    data = cifar(datasets.CIFAR10, batch(5, [1], protocol, "fine_labels"))("data")

    assert data.targets == [1, 1]
    assert pixel(data[0][0], 1) == (6, 6, 6)


def test_labels_may_be_an_array(datasets: Any) -> None:
    content = pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": np.array([1, 0])})

    assert cifar(datasets.CIFAR10, content)("data").targets == [1, 0, 1]


def test_cifar_reads_what_python_2_wrote(datasets: Any) -> None:
    """As CIFAR's own files are: protocol 2 with texts of bytes, and NumPy's names of the time."""
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\1btR(K\1(K\1M\0\x0ctcnumpy\ndtype\n(U\2u1K\0K\1tR"
        b"(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T\0\x0c\0\0" + b"\xfe" * 3072 + b"tb"
    )
    content = b"\x80\2}q\1(U\4data" + array + b"U\6labels](K\1eU\x0bbatch_labelU\4testu."

    data = cifar(datasets.CIFAR10, content)("data")

    assert (data.targets, pixel(data[0][0])) == ([1, 1], (254, 254, 254))


@pytest.mark.parametrize(
    ("lost", "says"),
    [("two", "Dataset not found"), ("test", "Dataset not found"), ("names", "Dataset metadata file not found")],
)
@pytest.mark.parametrize("change", [os.remove, lambda path: Path(path).write_bytes(b"other")])
def test_cifar_checks_all_files(library: Any, lost: str, says: str, change: Any) -> None:
    kind = cifar(library.datasets.CIFAR10)
    change(f"data/tiny/{lost}")

    with pytest.raises(
        RuntimeError, match=rf"^{says} or corrupted. You can use download=True to download it"
    ) as raised:
        kind("data")
    assert library.torch is not reference or str(raised.value).endswith(f" (missing or damaged: data/tiny/{lost})")


class Hostile:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


# NumPy changes its own int32 where a pickle says so.
CHANGED = b"cnumpy\ndtype\n(U\2i4K\0K\0tR(K\3U\1>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (pickle.dumps(Hostile(os.mkdir, "made")), "the pickle names .*mkdir, which no data set needs"),
        (pickle.dumps({"data": Hostile(eval, "1")}), "the pickle names .*eval, which no data set needs"),
        (pickle.dumps(np.dtype([("a", "i4")])), "the pickle is damaged|is the type of no number"),
        (pickle.dumps(np.array([None])), "'O8' is the type of no number"),
        (b"cnumpy\ndtype\n}U\x0c__defaults__Nsb.", "the pickle changes an object of type type"),
        (b"c_codecs\nencode\nN}U\x0c__defaults__Ns\x86b.", "the pickle changes an object of type function"),
        (b"\x80\4\x8c\2os\x8c\6system\x93.", "the pickle names os.system"),
        (b"(S'ls'\nios\nsystem\n.", "invalid load key"),
        (b"\x8b\xff\xff\xff\x7f1.", "cut short"),
        (b"\x96" + b"\xff" * 7 + b"\0.", "cut short"),
        (batch(0, [1])[:-40], "cut short"),
    ],
)
def test_a_hostile_pickle_runs_nothing_and_is_named(ours: Any, content: bytes, says: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match=f"^data/tiny/one: .*({says})"):
        cifar(ours.CIFAR10, content)("data")
    assert os.listdir(".") == ["data"]


def test_a_pickle_does_not_change_numpy(ours: Any) -> None:
    with pytest.raises(TypeError, match="the pickle is of type Element, and not a dict"):
        cifar(ours.CIFAR10, CHANGED)("data")
    assert np.dtype("i4").isnative and np.dtype(np.int32).isnative


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        ({"labels": [1]}, KeyError, "data/tiny/one has no 'data'"),
        ({"data": np.zeros((1, 3072), np.uint8)}, KeyError, "data/tiny/one has no 'fine_labels'"),
        ({"data": np.zeros((1, 5), np.uint8), "labels": [1]}, ValueError, "data/tiny/one: cannot reshape"),
        ([1], TypeError, "data/tiny/one: the pickle is of type list, and not a dict"),
    ],
)
def test_a_pickle_of_something_else(library: Any, content: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error) as raised:
        cifar(library.datasets.CIFAR10, pickle.dumps(content))("data")
    assert library.torch is not reference or says in str(raised.value)


def archived(kind: Any, server: Any, content: bytes) -> Any:
    """Serve an archive, and return a data set that downloads it."""
    server.files = {"/archive.tgz": content}

    class Archived(kind):  # type: ignore[misc]
        url = f"{server.url}/archive.tgz"
        filename = "archive.tar.gz"
        tgz_md5 = hashlib.md5(content).hexdigest()

    return Archived


def test_cifar_downloads_and_unpacks_its_archive(datasets: Any, loopback: Any) -> None:
    tiny = cifar(datasets.CIFAR10, root="made")
    files = {f"tiny/{each}": Path(f"made/tiny/{each}").read_bytes() for each in ("one", "two", "test", "names")}
    kind = archived(tiny, loopback, tar(files))

    assert kind("data", download=True).targets == [1, 0, 1]
    loopback.asked.clear()
    assert len(kind("data", download=True)) == 3
    assert loopback.asked == []


def test_a_wrong_archive_is_refused(datasets: Any, loopback: Any) -> None:
    kind = archived(datasets.CIFAR10, loopback, tar({}))
    kind.tgz_md5 = "0" * 32

    with pytest.raises(RuntimeError, match=r"^File not found or corrupted\."):
        kind("data", download=True)


def test_an_archive_stays_in_its_folder(ours: Any, loopback: Any) -> None:
    kind = archived(ours.CIFAR10, loopback, tar({"../outside": b"x"}))

    with pytest.raises(tarfile.FilterError, match=r"^data/archive.tar.gz: '../outside' would be extracted to"):
        kind("data", download=True)
    assert os.listdir(".") == ["data"]


# -- STL10 ------------------------------------------------------------------------------------------------------------


def stl(base: Any, **changes: bytes) -> Any:
    """Write 12 labeled images, 2 unlabeled ones and one for tests, and return a class that knows their MD5."""

    def images(*first: int) -> bytes:
        return b"".join((np.arange(start, start + 27648) % 251).astype(np.uint8).tobytes() for start in first)

    files = {
        "train_X": images(*range(12)),
        "train_y": bytes([1, 10, *range(1, 11)]),
        "unlabeled_X": images(100, 101),
        "test_X": images(200),
        "test_y": bytes([5]),
        **changes,
    }
    entries = {name: written(f"data/tiny/{name}.bin", content) for name, content in files.items()}
    written("data/tiny/class_names.txt", b"airplane\nbird\n")
    written("data/tiny/fold_indices.txt", b"0 2 4 \n1 3 \n")

    class Tiny(base):  # type: ignore[misc]
        base_folder = "tiny"
        train_list = tuple(entries[name] for name in ("train_X", "train_y", "unlabeled_X"))
        test_list = tuple(entries[name] for name in ("test_X", "test_y"))

    return Tiny


@pytest.mark.parametrize(
    ("split", "count", "labels"),
    [
        ("train", 12, [0, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("train+unlabeled", 14, [0, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1]),
        ("unlabeled", 2, [-1, -1]),
        ("test", 1, [4]),
    ],
)
def test_stl10_reads_its_splits(datasets: Any, split: str, count: int, labels: list[int]) -> None:
    data = stl(datasets.STL10)("data", split)

    assert (len(data), data.data.shape, data.labels.tolist()) == (count, (count, 3, 96, 96), labels)
    assert (data.split, data.folds, data.classes) == (split, None, ["airplane", "bird"])
    assert repr(data).endswith(f"    Root location: data\n    Split: {split}")


def test_stl10_has_images_in_columns(datasets: Any) -> None:
    image, target = stl(datasets.STL10)("data", transform=same)[1]

    assert (image.mode, image.size, target, type(target)) == ("RGB", (96, 96), 9, int)
    # The next byte is one pixel further down, 96 bytes on is one to the right, and 9216 (180 more) the next colour.
    assert (pixel(image), pixel(image, 0, 1), pixel(image, 1)) == ((1, 181, 110), (2, 182, 111), (97, 26, 206))


@pytest.mark.parametrize(
    ("split", "labels"),
    [("train", [9, 1]), ("train+unlabeled", [9, 1, -1, -1]), ("unlabeled", [-1, -1]), ("test", [4])],
)
def test_stl10_takes_a_fold_of_what_is_labeled(datasets: Any, split: str, labels: list[int]) -> None:
    assert stl(datasets.STL10)("data", split, 1).labels.tolist() == labels


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("val",),
            "Unknown value 'val' for argument split. "
            "Valid values are {'train', 'train+unlabeled', 'unlabeled', 'test'}.",
        ),
        ((1,), "Expected type str for argument split, but got type <class 'int'>."),
        (("train", 10), "Value for argument folds should be in the range [0, 10), but got 10."),
        (("train", "1"), "Expected type None or int for argument folds, but got type <class 'str'>."),
    ],
)
def test_stl10_refuses_other_splits_and_folds(datasets: Any, arguments: tuple[Any, ...], says: str) -> None:
    with pytest.raises(ValueError) as raised:
        datasets.STL10("data", *arguments)
    assert str(raised.value) == says


def test_stl10_files_that_are_missing_or_damaged(library: Any) -> None:
    def error(split: str = "train", folds: int | None = None) -> tuple[type[Exception], str]:
        with pytest.raises(Exception) as raised:
            kind("data", split, folds)
        return raised.type, str(raised.value)

    ours = library.torch is reference
    kind = stl(library.datasets.STL10)
    assert error(folds=5) == (IndexError, "data/tiny/fold_indices.txt: list index out of range"[0 if ours else 28 :])
    os.remove("data/tiny/fold_indices.txt")
    assert error(folds=0)[0] is FileNotFoundError
    os.remove("data/tiny/class_names.txt")
    assert not hasattr(kind("data"), "classes")
    os.remove("data/tiny/unlabeled_X.bin")
    assert error()[1].startswith("Dataset not found or corrupted. You can use download=True to download it")
    assert not ours or error()[1].endswith(" (missing or damaged: data/tiny/unlabeled_X.bin)")
    kind = stl(library.datasets.STL10, train_X=b"123")
    assert error()[0] is ValueError
    assert not ours or error()[1] == "data/tiny/train_X.bin: cannot reshape array of size 3 into shape (3,96,96)"


# -- folders ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tree() -> None:
    written("root/dog/1.png", picture((1, 2, 3)))
    written("root/cat/2.png", picture(20, "L"))
    written("root/cat/10.png", picture(10, "L"))
    written("root/cat/deep/x.PNG", picture((7, 8, 9, 10), "RGBA"))
    written("root/dog/note.txt", b"no image")
    written("root/beside.png", b"")


@pytest.mark.usefixtures("tree")
def test_image_folder_lists_images_by_class_and_name(datasets: Any) -> None:
    data = datasets.ImageFolder("root")

    assert (data.classes, data.class_to_idx) == (["cat", "dog"], {"cat": 0, "dog": 1})
    assert data.samples == [
        ("root/cat/10.png", 0),
        ("root/cat/2.png", 0),
        ("root/cat/deep/x.PNG", 0),
        ("root/dog/1.png", 1),
    ]
    assert data.imgs is data.samples
    assert (data.targets, len(data)) == ([0, 0, 0, 1], 4)
    assert data.extensions == (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
    assert [(image.mode, pixel(image), target) for image, target in map(data.__getitem__, range(4))] == [
        ("RGB", (10, 10, 10), 0),
        ("RGB", (20, 20, 20), 0),
        ("RGB", (7, 8, 9), 0),
        ("RGB", (1, 2, 3), 1),
    ]
    assert repr(data) == "Dataset ImageFolder\n    Number of datapoints: 4\n    Root location: root"


@pytest.mark.usefixtures("tree")
def test_image_folder_takes_a_loader_and_a_choice(datasets: Any) -> None:
    data = datasets.ImageFolder(
        "root", str.upper, str, loader=same, is_valid_file=lambda path: path.endswith(("note.txt", "2.png"))
    )

    assert list(map(data.__getitem__, range(2))) == [("ROOT/CAT/2.PNG", "0"), ("ROOT/DOG/NOTE.TXT", "1")]
    assert data.extensions is None


@pytest.mark.usefixtures("tree")
def test_dataset_folder_takes_extensions(datasets: Any) -> None:
    data = datasets.DatasetFolder("root", same, (".txt",), allow_empty=True)

    assert data[0] == ("root/dog/note.txt", 1)
    for options in ({}, {"extensions": (".png",), "is_valid_file": len}):
        with pytest.raises(ValueError, match=r"^Both extensions and is_valid_file cannot be None or not None at"):
            datasets.DatasetFolder("root", same, **options)


@pytest.mark.usefixtures("tree")
def test_subclasses_say_what_the_classes_are(datasets: Any) -> None:
    class Cats(datasets.ImageFolder):  # type: ignore[misc, name-defined]
        def find_classes(self, directory: Any) -> Any:
            return ["cat"], {"cat": 5}

    assert Cats("root").targets == [5, 5, 5]


def test_folders_that_lack_something(datasets: Any) -> None:
    def error(kind: Any = datasets.ImageFolder, *arguments: Any, **options: Any) -> tuple[type[Exception], str]:
        with pytest.raises(Exception) as raised:
            kind("root", *arguments, **options)
        return raised.type, str(raised.value)

    assert error() == (FileNotFoundError, "[Errno 2] No such file or directory: 'root'")
    written("root/a.png", b"")
    assert error() == error(allow_empty=True) == (FileNotFoundError, "Couldn't find any class folder in root.")
    for name in ("a", "b", "c"):
        written(f"root/{name}/note.txt", b"")
    written("root/b/1.png", picture(1, "L"))
    extensions = ".jpg, .jpeg, .png, .ppm, .bmp, .pgm, .tif, .tiff, .webp"
    found = "Found no valid file for the classes a, c. "
    assert error() == (FileNotFoundError, f"{found}Supported extensions are: {extensions}")
    assert error(is_valid_file=lambda path: path.endswith("1.png")) == (FileNotFoundError, found)
    assert error(datasets.DatasetFolder, same, (".png", ".md"))[1] == f"{found}Supported extensions are: .png, .md"
    data = datasets.ImageFolder("root", allow_empty=True)
    assert (data.classes, data.samples) == (["a", "b", "c"], [("root/b/1.png", 1)])


@pytest.mark.parametrize("content", [b"junk", picture(1, size=(50, 50))[:-30]])
def test_a_damaged_image_is_named(library: Any, content: bytes) -> None:
    written("root/a/1.png", content)

    with pytest.raises(OSError) as raised:
        library.datasets.ImageFolder("root")[0]
    assert library.torch is not reference or "root/a/1.png" in str(raised.value)


# -- ImageNet ---------------------------------------------------------------------------------------------------------


def test_imagenet_names_classes_by_their_words(library: Any) -> None:
    for path in ("train/n01/a", "train/n02/b", "val/n02/c"):
        written(f"root/{path}.png", picture(1, "L"))
    library.torch.save(({"n01": ("tench", "Tinca tinca"), "n02": ("goldfish",)}, ["n02"]), "root/meta.bin")

    train = library.datasets.ImageNet("root")

    assert (train.wnids, train.wnid_to_idx) == (["n01", "n02"], {"n01": 0, "n02": 1})
    assert train.classes == [("tench", "Tinca tinca"), ("goldfish",)]
    assert train.class_to_idx == {"tench": 0, "Tinca tinca": 0, "goldfish": 1}
    assert (train.root, train.split_folder, train.targets) == ("root", "root/train", [0, 1])
    assert repr(train).endswith("    Number of datapoints: 2\n    Root location: root\n    Split: train")
    assert library.datasets.ImageNet("root", "val", loader=same, target_transform=str)[0] == ("root/val/n02/c.png", "0")


def test_imagenet_says_which_archive_it_lacks(library: Any) -> None:
    def error(split: str) -> str:
        with pytest.raises((RuntimeError, ValueError)) as raised:
            library.datasets.ImageNet("root", split)
        return str(raised.value)

    lacks = "The archive {} is not present in the root directory or is corrupted. "
    place = "You need to download it externally and place it in root."
    assert error("train") == lacks.format("ILSVRC2012_devkit_t12.tar.gz") + place
    Path("root").mkdir()
    library.torch.save(({}, []), "root/meta.bin")
    assert error("train") == lacks.format("ILSVRC2012_img_train.tar") + place
    assert error("val") == lacks.format("ILSVRC2012_img_val.tar") + place
    assert error("test") == "Unknown value 'test' for argument split. Valid values are {'train', 'val'}."


def test_imagenet_unpacks_its_archives(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(library.datasets.ImageNet.__module__)
    table = io.BytesIO()
    fields = [
        ("ILSVRC2012_ID", object),
        ("WNID", object),
        ("words", object),
        ("gloss", object),
        ("num_children", object),
    ]
    rows = [(1, "n01", "tench, Tinca tinca", "", 0), (2, "n02", "goldfish", "", 0), (3, "n03", "fish", "", 2)]
    fields += [("children", object), ("wordnet_height", object), ("num_train_images", object)]
    synsets = np.array([(*row, 0, 0, 0) for row in rows], fields)
    pytest.importorskip("scipy.io").savemat(table, {"synsets": synsets.reshape(-1, 1)})
    folder = "ILSVRC2012_devkit_t12/data"
    archives = {
        "devkit": tar(
            {f"{folder}/meta.mat": table.getvalue(), f"{folder}/ILSVRC2012_validation_ground_truth.txt": b"2\n1\n"}
        ),
        "train": tar({f"{n}.tar": tar({f"{n}_1.png": picture(1, "L")}, "w") for n in ("n01", "n02")}, "w"),
        "val": tar({f"val_{number}.png": picture(number, "L") for number in (2, 1)}, "w"),
    }
    for part, content in archives.items():
        entry = written(f"root/{part}.tar{'.gz' if part == 'devkit' else ''}", content)
        monkeypatch.setitem(module.ARCHIVE_META, part, tuple(entry))

    train, val = (library.datasets.ImageNet("root", split, loader=same) for split in ("train", "val"))

    assert train.samples == [("root/train/n01/n01_1.png", 0), ("root/train/n02/n02_1.png", 1)]
    assert val.samples == [("root/val/n01/val_2.png", 0), ("root/val/n02/val_1.png", 1)]
    assert val.classes == [("tench", "Tinca tinca"), ("goldfish",)]


# -- COCO -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def coco() -> dict[str, Any]:
    """Write two images and what is known of them."""
    pytest.importorskip("pycocotools")
    written("images/1.png", picture((9, 8, 7)))
    written("images/2.png", picture(3, "L"))
    known = {
        "images": [{"id": 5, "file_name": "2.png"}, {"id": 2, "file_name": "1.png"}],
        "annotations": [
            {"id": 1, "image_id": 2, "caption": "one", "bbox": [0, 0, 1, 1], "category_id": 1},
            {"id": 2, "image_id": 2, "caption": "two", "category_id": 1},
        ],
        "categories": [{"id": 1, "name": "x"}],
    }
    written("known.json", json.dumps(known).encode())
    return known


def test_coco_goes_by_the_ids_of_images(datasets: Any, coco: dict[str, Any]) -> None:
    captions = datasets.CocoCaptions(root="images", annFile="known.json")
    objects = datasets.CocoDetection("images", "known.json")

    assert (len(captions), captions.ids) == (2, [2, 5])
    assert [(image.mode, pixel(image), target) for image, target in map(captions.__getitem__, range(2))] == [
        ("RGB", (9, 8, 7), ["one", "two"]),
        ("RGB", (3, 3, 3), []),
    ]
    assert (objects[0][1], objects[-1][1]) == (coco["annotations"], [])
    assert repr(objects) == "Dataset CocoDetection\n    Number of datapoints: 2\n    Root location: images"


@pytest.mark.usefixtures("coco")
def test_coco_takes_transforms_of_one_or_of_both(datasets: Any) -> None:
    kind = datasets.CocoDetection

    assert kind("images", "known.json", pixel, len)[0] == ((9, 8, 7), 2)
    assert kind("images", "known.json", transforms=lambda image, target: (len(target), pixel(image)))[0] == (
        2,
        (9, 8, 7),
    )
    with pytest.raises(ValueError, match=r"^Only transforms or transform/target_transform can be passed as argument$"):
        kind("images", "known.json", pixel, transforms=len)


@pytest.mark.usefixtures("coco")
@pytest.mark.parametrize("index", ["0", slice(1), np.int64(0), 1.0])
def test_coco_is_indexed_by_integers(datasets: Any, index: Any) -> None:
    data = datasets.CocoDetection("images", "known.json")

    with pytest.raises(ValueError, match=rf"^Index must be of type integer, got {type(index)} instead\.$"):
        data[index]


@pytest.mark.usefixtures("coco")
@pytest.mark.parametrize(
    ("known", "error", "named"),
    [
        (None, FileNotFoundError, "k.json"),
        (b"{", json.JSONDecodeError, "k.json"),
        (b"[1]", AssertionError, "k.json"),
        (b'{"images": [{"id": 1, "file_name": "9.png"}]}', FileNotFoundError, "images/9.png"),
        (b'{"images": [{"id": 1, "file_name": "../known.json"}]}', OSError, "images/../known.json"),
    ],
)
def test_coco_files_that_are_missing_or_damaged(
    library: Any, known: bytes | None, error: type[Exception], named: str
) -> None:
    if known is not None:
        written("k.json", known)

    with pytest.raises(error) as raised:
        library.datasets.CocoDetection("images", "k.json")[0]
    assert library.torch is not reference or named in str(raised.value)


# -- LSUN -------------------------------------------------------------------------------------------------------------


def write_lsun(**databases: list[bytes]) -> None:
    lmdb = pytest.importorskip("lmdb")
    for name, values in databases.items():
        path = Path("root", f"{name}_lmdb")
        path.mkdir(parents=True)
        with lmdb.open(str(path), map_size=2**18) as environment, environment.begin(write=True) as transaction:
            for index, value in enumerate(values):
                transaction.put(b"key %d" % index, value)


@pytest.mark.filterwarnings("ignore:unclosed file")  # torchvision's
def test_lsun_reads_databases_one_after_the_other(datasets: Any) -> None:
    write_lsun(tower_val=[picture((1, 1, 1))], church_outdoor_train=[picture(5, "L"), picture((6, 6, 6))])

    data = datasets.LSUN("root", classes=["tower_val", "church_outdoor_train"], transform=pixel)

    assert [data[index] for index in range(3)] == [((1, 1, 1), 0), ((5, 5, 5), 1), ((6, 6, 6), 1)]
    assert (len(data), data.indices, data.classes) == (3, [1, 3], ["tower_val", "church_outdoor_train"])
    assert repr(data).splitlines()[2:5] == [
        "    Root location: root",
        "    Classes: ['tower_val', 'church_outdoor_train']",
        "    StandardTransform",
    ]
    with pytest.raises(IndexError):
        data[3]


@pytest.mark.filterwarnings("ignore:unclosed file")
def test_lsun_has_parts_of_all_classes(datasets: Any) -> None:
    scenes = "bedroom bridge church_outdoor classroom conference_room dining_room kitchen living_room restaurant tower"
    write_lsun(test=[picture(1)], **{f"{each}_val": [picture(1)] for each in scenes.split()})

    val, test = datasets.LSUN("root", "val", target_transform=str), datasets.LSUN("root", "test")

    assert val.classes == [f"{each}_val" for each in scenes.split()]
    assert (len(val), val[9][1], len(test), test.classes) == (10, "9", 1, ["test"])


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        (["attic_train"], "Unknown value 'attic' for LSUN class. Valid values are {'bedroom', 'bridge', "),
        (["tower_x"], "Unknown value 'x' for postfix. Valid values are {'train', 'val', 'test'}."),
        ([1], "Expected type str, but got type <class 'int'>."),
        (1, "Expected type str or Iterable for argument classes, but got type <class 'int'>."),
        ("tower_val", "Unknown value '' for LSUN class. "),
    ],
)
def test_lsun_refuses_other_classes(datasets: Any, classes: Any, says: str) -> None:
    with pytest.raises(ValueError) as raised:
        datasets.LSUN("root", classes)
    assert str(raised.value).startswith(says)


def test_lsun_names_the_database_that_is_missing_or_damaged(library: Any) -> None:
    lmdb = pytest.importorskip("lmdb")

    with pytest.raises(lmdb.Error, match=r"^root/tower_val_lmdb: "):
        library.datasets.LSUN("root", ["tower_val"])
    written("root/tower_val_lmdb/data.mdb", b"junk" * 3000)
    with pytest.raises(lmdb.Error, match=r"^root/tower_val_lmdb: "):
        library.datasets.LSUN("root", ["tower_val"])


def test_lsun_leaves_nothing_in_the_working_directory(ours: Any) -> None:
    """torchvision does: keys in a pickle, under a name that two databases may share."""
    write_lsun(tower_val=[b"no image"])

    data = ours.LSUN("root", ["tower_val"])

    assert os.listdir(".") == ["root"]
    with pytest.raises(OSError, match=r"^root/tower_val_lmdb: cannot identify image file"):
        data[0]


# -- packages that may be missing -------------------------------------------------------------------------------------


def test_what_is_not_installed_is_named(ours: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(importlib.import_module("sys").modules, "lmdb", None)

    with pytest.raises(ImportError, match=r"^lmdb is not installed: pip install 'assay\[vision\]'$"):
        ours.LSUN("root", ["tower_val"])
