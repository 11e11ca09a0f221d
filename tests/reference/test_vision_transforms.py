"""torchvision's transforms and utilities: each call gives what the real one gives, errors and random numbers too."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import assay_reference
from assay_reference import torchvision as ours

Image = pytest.importorskip("PIL.Image")

# Pictures, and numbers that no two pixels share.
BYTES = (np.arange(3 * 7 * 10) * 7 % 251).astype(np.uint8).reshape(3, 7, 10)
RGB = Image.fromarray(np.ascontiguousarray(BYTES.transpose(1, 2, 0)))


def names(torch: Any, torchvision: Any) -> dict[str, Any]:
    """Return what a call may name."""
    x = torch.from_numpy(BYTES.copy())
    return {
        "torch": torch,
        "np": np,
        "T": torchvision.transforms,
        "F": torchvision.transforms.functional,
        "U": torchvision.utils,
        "Mode": torchvision.transforms.InterpolationMode,
        "Image": Image,
        "rgb": RGB,
        "grey": RGB.convert("L"),
        "x": x,
        "y": x / 255,
        "small": x[:, :3, :3].contiguous(),
        "fours": (torch.arange(4 * 3 * 2 * 2).reshape(4, 3, 2, 2) - 9) / 10,
    }


def plain(value: Any) -> Any:
    """Return a result as what can be compared, whichever library it is of."""
    if isinstance(value, Image.Image):
        return value.mode, value.size, value.getpalette(), value.tobytes()
    if isinstance(value, (tuple, list)):
        return type(value)(map(plain, value))
    if hasattr(value, "detach"):
        return str(value.dtype), tuple(value.shape), value.stride(), str(value.detach().cpu().tolist())
    return value


def answer(call: str, scope: dict[str, Any]) -> Any:
    """Return what a call gives, warns of or raises, and the random number that comes after it."""
    scope["torch"].manual_seed(3)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = plain(eval(call, scope))
        except Exception as error:
            result = type(error).__name__, str(error).replace("assay_reference.core.tensor.Tensor", "torch.Tensor")
    return result, [str(each.message) for each in warned], scope["torch"].rand(1).item()


@pytest.fixture(scope="session")
def scopes(torchvision: Any) -> SimpleNamespace:
    real = sys.modules["torch"]
    return SimpleNamespace(due=names(real, torchvision), ours=names(assay_reference, ours))


TO_TENSOR = [
    f"T.ToTensor()(rgb.convert({mode!r}))"
    for mode in ["RGB", "RGBA", "L", "LA", "1", "I", "F", "P", "CMYK", "YCbCr", "HSV"]
] + [
    "T.ToTensor()(rgb.convert('I').convert('I;16'))",
    "T.ToTensor()(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))",
    "T.ToTensor()(np.arange(4, dtype=np.uint8).reshape(2, 2))",
    "T.ToTensor()(np.arange(4.0).reshape(2, 2))",
    "T.ToTensor()(np.ones((2, 2, 1), np.int64))",
    "T.ToTensor()(np.ones((2, 2), bool))",
    "T.ToTensor()(np.zeros(3))",
    "T.ToTensor()(np.zeros((1, 2, 2, 2)))",
    "T.ToTensor()(x)",
    "F.to_tensor(1)",
]
TO_IMAGE = [
    *(f"T.ToPILImage()(y[:{channels}])" for channels in (1, 2, 3)),
    *(f"T.ToPILImage({mode!r})(y)" for mode in ("RGB", "YCbCr", "HSV", "L", "F")),
    *(f"T.ToPILImage({mode!r})(torch.cat([x, x[:1]]))" for mode in (None, "RGBA", "CMYK", "RGBX", "RGB")),
    *(f"T.ToPILImage({mode!r})(y[:2])" for mode in ("LA", "RGB")),
    *(f"T.ToPILImage({mode!r})(y[0])" for mode in ("L", "F", "I")),
    *(f"T.ToPILImage()(x[0].to(torch.{dtype}))" for dtype in ("int8", "int16", "int32", "int64", "bool", "complex64")),
    *(f"T.ToPILImage()(y.to(torch.{dtype}))" for dtype in ("float16", "float64", "bfloat16", "int32")),
    "T.ToPILImage('I;16')(x[0].short())",
    "T.ToPILImage('L')(x[0].int())",
    "T.ToPILImage('F')(y[0].double())",
    "T.ToPILImage()(y * 2)",
    "T.ToPILImage()(-y)",
    "T.ToPILImage()(y.clone().requires_grad_())",
    "T.ToPILImage()(torch.zeros(3, 0, 2))",
    "T.ToPILImage()(torch.zeros(0, 2, 2))",
    "T.ToPILImage()(torch.zeros(5, 2, 2))",
    "T.ToPILImage()(torch.zeros(1, 1, 2, 2))",
    "T.ToPILImage()(torch.zeros(2))",
    *(f"T.ToPILImage()(np.ones((2, 2), np.{dtype}))" for dtype in ("float32", "float64", "uint16", "int16", "int32")),
    "T.ToPILImage()(np.ones((2, 3, 3), np.uint8))",
    "T.ToPILImage()(np.ones((2, 3, 3)))",
    "T.ToPILImage()(np.zeros((2, 2, 5), np.uint8))",
    "F.to_pil_image(x, 'RGB')",
    "F.to_pil_image([1])",
    "F.to_pil_image(rgb)",
]
NORMALIZED = [
    "T.Normalize([0.5] * 3, [0.25] * 3)(y)",
    "T.Normalize([0.5], [0.25])(y.double()[None])",
    "T.Normalize(0.5, 0.25)(y.half())",
    "T.Normalize(torch.tensor([0.5] * 3), torch.tensor([0.5] * 3))(y)",
    "T.Normalize([0.5] * 2, [0.5] * 3)(y)",
    "T.Normalize([0.5], [0.0])(y)",
    "T.Normalize([0.5], [1e-50])(y)",
    "T.Normalize([0.5], [0.5])(y[0])",
    "T.Normalize([0.5], [0.5])(y[0, 0])",
    "T.Normalize([0.5], [0.5])(x)",
    "T.Normalize([0.5], [0.5])(rgb)",
    "T.Normalize([0.5], [0.5], inplace=True)(y.clone().requires_grad_())",
    "[F.normalize(z, [0.5], [0.5], True) is z for z in [y.clone()]]",
]
MODES = ("edge", "reflect", "symmetric")
PADDED = [
    *(
        f"T.Pad({padding}, 0, {mode!r})({of})"
        for padding in (1, (2, 1), (0, 1, 2, 3), (-1, 1), [1])
        for mode in MODES
        for of in ("rgb", "y")
    ),
    *(
        f"T.Pad({padding}, {fill})({of})"
        for padding in (1, (2, 1), (0, 1, 2, 3), -1)
        for fill in (0, 5, 2.7)
        for of in ("rgb", "grey", "y", "x")
    ),
    *(f"T.Pad(1, 0, 'edge')(rgb.convert({mode!r}))" for mode in ("1", "P", "LA", "HSV", "CMYK", "I", "F")),
    *(f"T.Pad(1, 1)(rgb.convert({mode!r}))" for mode in ("1", "P", "LA", "HSV", "CMYK", "I", "F")),
    *(
        f"F.pad(x.to(torch.{dtype}), 1, 0, {mode!r})"
        for dtype in ("bool", "int16", "int64", "float16")
        for mode in MODES
    ),
    *(f"F.pad(y{part}, 1, 0, {mode!r})" for part in ("[0]", "[None]", "[0, 0]") for mode in ("constant", *MODES)),
    *(f"T.Pad(3, 0, {mode!r})({of})" for mode in MODES for of in ("small", "F.to_pil_image(small)")),
    *(f"T.Pad(4, 0, {mode!r})({of})" for mode in MODES for of in ("small", "F.to_pil_image(small)")),
    "F.pad(torch.full((1, 2, 2), 2**24 + 1), 1, 0, 'edge')",
    "F.pad(torch.full((1, 2, 2), 2**24 + 1), 1, 0, 'symmetric')",
    "F.pad(small, (0, 0, 4, 0), 0, 'symmetric')",
    *(f"T.Pad(1, {fill!r})({of})" for fill in ((1, 2, 3), (1,), [4], (1, 2)) for of in ("rgb", "grey", "y")),
    *(
        f"F.pad({of}, {rest})"
        for of in ("rgb", "y")
        for rest in (
            "1",
            "'a'",
            "[1, 2, 3]",
            "()",
            "1, 'a'",
            "1, None",
            "1, 0, 'circular'",
            "1, 0, 1",
            "1, 'a', 'b'",
            "[1, 2, 3], 0, 'b'",
        )
    ),
    *(
        f"T.Pad({rest})"
        for rest in ("'a'", "1, 'a'", "1, None", "1, 0, 'circular'", "(1, 2, 3)", "()", "1.5", "[1], 2")
    ),
    "T.Pad(1, 300)(x)",
    "T.Pad(1)(1)",
    "F.pad(y, 1.5)",
    "F.pad(y[None, None], 1, 2)",
]
CROPPED = [
    *(
        f"T.CenterCrop({size})({of})"
        for size in (2, 3, 8, 12, (5, 2), (2, 13), [3], 0, 2.5)
        for of in ("rgb", "y", "x[0]")
    ),
    *(f"T.CenterCrop({size!r})" for size in ((1, 2, 3), [], None, "a", [3, 4])),
    *(f"T.CenterCrop(1)({of})" for of in ("1", "np.zeros((3, 3))", "y[0, 0]")),
    *(f"F.center_crop({rest})" for rest in ("y, [1]", "y, 2", "y, (1, 2, 3)", "rgb, 'a'", "rgb, 2.0")),
    *(
        f"F.crop({of}, {box})"
        for of in ("rgb", "y")
        for box in (
            "0, 1, 2, 2",
            "-1, 1, 3, 3",
            "5, 8, 4, 4",
            "9, 9, 2, 2",
            "-1, -1, 12, 12",
            "2, 2, 0, 3",
            "0, 0, 7, 10",
            "-3, 0, 2, 2",
        )
    ),
    "F.crop(y, 0, 0, -1, -1)",
    "F.crop(1, 0, 0, 1, 1)",
    "F.crop(y[0, 0], 0, 0, 1, 1)",
    *(
        f"F.{flip}({of})"
        for flip in ("hflip", "vflip")
        for of in ("rgb", "rgb.convert('P')", "y", "x[None]", "1", "y[0, 0]")
    ),
    *(
        f"F.{question}({of})"
        for question in ("get_dimensions", "get_image_size", "get_image_num_channels")
        for of in ("rgb", "grey", "y", "y[0]", "y[None]", "1", "y[0, 0]")
    ),
]
RANDOM = [
    *(
        f"T.RandomCrop({options})({of})"
        for options in (
            "2",
            "(3, 4)",
            "(7, 10)",
            "5, padding=1",
            "(12, 4), padding=3",
            "9, pad_if_needed=True",
            "(4, 12), pad_if_needed=True",
            "(9, 12), pad_if_needed=True, fill=3",
            "(4, 12), pad_if_needed=True, padding_mode='edge'",
            "3, padding=(1, 2, 3, 4)",
            "3, padding=0",
            "8",
            "11",
            "1, padding='a'",
            "1, padding_mode='a'",
            "2.5",
        )
        for of in ("rgb", "x")
    ),
    *(f"T.RandomCrop({size!r})" for size in ((1, 2, 3), "a", None, [3], (2, 3))),
    *(f"T.RandomCrop(2)({of})" for of in ("1", "np.zeros((3, 3))")),
    "T.RandomCrop.get_params(rgb, (2, 2))",
    "T.RandomCrop.get_params(y, (8, 3))",
    *(
        f"[T.RandomHorizontalFlip({p})({of}) for _ in range(3)]"
        for p in ("", "0", "1.0", "p=0.3")
        for of in ("rgb", "x")
    ),
    "T.RandomHorizontalFlip(1.0)(1)",
    "T.RandomHorizontalFlip('a')(rgb)",
    *(
        f"T.RandomResizedCrop({options})({of})"
        for options in (
            "2",
            "(3, 4)",
            "5, scale=(0.5, 1.0)",
            "3, ratio=(0.5, 2.0), interpolation=0",
            "4, interpolation=Mode.NEAREST_EXACT",
        )
        for of in ("rgb", "x")
    ),
    "T.RandomResizedCrop(3, interpolation=Mode.LANCZOS)(rgb)",
    *(
        f"T.RandomResizedCrop.get_params(torch.zeros(1, {size}), {rest})"
        for size in ("10, 20", "10, 200", "200, 10", "3, 3")
        for rest in ("(0.08, 1), (0.75, 1.33)", "[0.9, 1.0], [0.5, 1.5]", "[2, 3], [0.75, 1.33]", "(0, 0), (1, 1)")
    ),
    *(
        f"T.RandomResizedCrop(2, {rest})"
        for rest in (
            "scale=1",
            "ratio=1",
            "scale=(1, 0.5)",
            "ratio=(1, 0.5)",
            "interpolation=2",
            "interpolation=7",
            "interpolation=Mode.BICUBIC, antialias=None",
            "[0.123456, 1], (1 / 3, 2)",
        )
    ),
    "T.RandomResizedCrop((1, 2, 3))",
    "T.RandomResizedCrop(2, ratio=(0, 1))(rgb)",
    "T.RandomResizedCrop(2, interpolation='bilinear')(rgb)",
    "T.RandomResizedCrop(2)(1)",
]
RESIZED = [
    *(
        f"T.Resize({size}, interpolation={mode})({of})"
        for size in (3, 14, (3, 20), [5])
        for mode in (0, "Mode.NEAREST_EXACT")
        for of in ("rgb", "y", "x")
    ),
    *(
        f"T.Resize({size}, Mode.{mode})(rgb)"
        for size in (3, (5, 20))
        for mode in ("BICUBIC", "BOX", "HAMMING", "LANCZOS")
    ),
    *(f"T.Resize(3)(rgb.convert({mode!r}))" for mode in ("1", "P", "L", "I", "F", "RGBA")),
    *(f"T.Resize(3, {mode})(x.to(torch.{dtype}))" for mode in (2, 3) for dtype in ("uint8", "int16", "int64", "bool")),
    *(
        f"F.resize({of}, {rest})"
        for of in ("rgb", "x")
        for rest in (
            "7",
            "(7, 10)",
            "3, max_size=4",
            "5, max_size=6",
            "5, max_size=5",
            "[3, 4], max_size=9",
            "[]",
            "[1, 2, 3]",
            "0",
            "[3, 4], 2.5",
            "'a'",
            "[3, 4], 'bilinear'",
        )
    ),
    *(f"T.Resize(3, Mode.{mode})(y)" for mode in ("LANCZOS", "BOX")),
    "T.Resize(3, antialias=False)(rgb)",
    "F.resize(rgb, 2, antialias=None)",
    *(
        f"T.Resize({rest})"
        for rest in ("[3, 3, 3]", "()", "'a'", "3.5", "None", "3, 1", "(3, 3), max_size=5", "True", "(3, 4), 0")
    ),
    *(f"T.Resize(3)({of})" for of in ("1", "np.zeros((3, 3))", "y[0]", "y[0, 0]", "y[None, None]")),
    "F.resized_crop(rgb, 1, 1, 3, 3, [2, 2])",
    "F.resized_crop(1, 1, 1, 3, 3, [2, 2])",
]
COMPOSED = [
    "T.Compose([T.CenterCrop(4), T.ToTensor(), T.Normalize([0.5], [0.5])])(rgb)",
    "T.Compose([])(rgb) is rgb",
    "T.Compose(1)(rgb)",
    "T.Compose([1])(rgb)",
    "repr(T.Compose([T.CenterCrop(2), T.Compose([T.ToTensor()])]))",
    "repr(T.Compose([]))",
    "repr(torch.nn.Sequential(T.CenterCrop(2), T.Normalize([0.5], [0.5])))",
    *(f"T.Lambda({what})" for what in ("1", "'a'", "None")),
    "T.Lambda(abs)(-1)",
    "[mode.value for mode in Mode]",
    "repr(Mode.BILINEAR)",
    *(
        f"repr(T.{of})"
        for of in (
            "ToTensor()",
            "ToPILImage()",
            "ToPILImage('RGB')",
            "Lambda(abs)",
            "Normalize((0.5,), [0.5], True)",
            "Pad([1, 2], (3,), 'edge')",
            "CenterCrop([3])",
            "RandomCrop(3)",
            "RandomCrop((3, 4), 2, True, 1, 'reflect')",
            "RandomHorizontalFlip(p=1)",
            "RandomResizedCrop(3)",
            "RandomResizedCrop((3, 4), (0.1, 0.2), (1, 2), 2, False)",
            "Resize(3, max_size=5, antialias=None)",
            "Resize((3, 4), Mode.NEAREST)",
        )
    ),
]
GRIDS = [
    *(
        f"U.make_grid(fours{part}, {options})"
        for part in ("", "[:, :1]", "[:, :2]", "[:1]", "[0]", "[0, :1]", "[0, 0]", ".double()")
        for options in (
            "8",
            "nrow=3, padding=1, pad_value=7",
            "2, 0, True",
            "3, normalize=True, scale_each=True",
            "2, 1, True, (-0.5, 1), pad_value=0.5",
            "normalize=True, value_range=(0.3, 0), scale_each=True",
        )
    ),
    "U.make_grid([fours[0], fours[1]])",
    "U.make_grid([fours[0, 0], fours[1, 0]])",
    "U.make_grid((x[None], x[None]))",
    "U.make_grid([])",
    "U.make_grid(['a'])",
    "U.make_grid([fours[0], 1])",
    "U.make_grid([fours[0], fours[1, :, :1]])",
    "U.make_grid(1)",
    "U.make_grid(torch.zeros(0, 3, 2, 2))",
    "U.make_grid(torch.ones(2, 3, 2, 2), normalize=True)",
    "U.make_grid(torch.tensor([[float('nan'), 1.0]]), normalize=True)",
    "U.make_grid(fours, normalize=True, value_range=[0, 1])",
    "U.make_grid(fours, normalize=True, value_range=(0, 1, 2))",
    *(f"U.make_grid(x[:, None], pad_value={value})" for value in (255, 2.5, 300)),
    "U.make_grid(fours > 0)",
    "U.make_grid(fours + 0j)",
    "U.make_grid(fours, padding=-1)",
    "U.make_grid(fours, nrow=0)",
    "U.make_grid(fours, range=(0, 1))",
    "U.make_grid(fours[None])",
    "U.make_grid(fours.clone().requires_grad_()).requires_grad",
    "U.make_grid(y).data_ptr() == y.data_ptr()",
]
SAVED = [
    *(
        f"U.save_image(fours{part}, 'image.png', {options})"
        for part in ("", "[0]", "[:, :2]", ".half()")
        for options in ("nrow=2", "nrow=3, padding=1, pad_value=0.5", "normalize=True")
    ),
    "U.save_image(torch.tensor([[0.0, 0.5, 0.5 / 255, 1.5 / 255, 2.0, -1.0, float('inf')]]), 'image.png')",
    "U.save_image(torch.zeros(5, 2, 2), 'image.png')",
    "U.save_image(torch.zeros(2, 2, 2), 'image.png')",
    "U.save_image(x, 'image.png')",
    "U.save_image(fours > 0, 'image.png')",
    "U.save_image(1, 'image.png')",
    "U.save_image(fours, 'image.png', range=(0, 1))",
    "U.save_image(fours, 'image.png', 'bmp')",
    "U.save_image(fours, 'image.unknown')",
    "U.save_image(fours, 'image.png', 8, 2)",
]


@pytest.mark.parametrize(
    "call",
    [*TO_TENSOR, *TO_IMAGE, *NORMALIZED, *PADDED, *CROPPED, *RANDOM, *RESIZED, *COMPOSED, *GRIDS],
)
def test_a_call_gives_what_torchvision_gives(call: str, scopes: SimpleNamespace) -> None:
    due, found = (answer(call, scope) for scope in (scopes.due, scopes.ours))

    assert found == due or repr(found) == repr(due)  # not a number is no number, itself neither


@pytest.mark.parametrize("call", SAVED)
def test_a_file_holds_what_torchvisions_holds(
    call: str, scopes: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(folder: str, scope: dict[str, Any]) -> Any:
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        said = answer(call, scope)
        return said, {path.name: path.read_bytes() for path in Path.cwd().iterdir()}

    assert written("ours", scopes.ours) == written("due", scopes.due)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("mode", [2, 3])
@pytest.mark.parametrize("size", [3, (3, 20), (11, 4)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_a_resized_tensor_is_torchvisions(
    size: Any, mode: int, antialias: bool, dtype: str, scopes: SimpleNamespace
) -> None:
    call = f"F.resize(y.to(torch.{dtype}), {size}, {mode}, antialias={antialias}).double().numpy()"
    due, found = (eval(call, scope) for scope in (scopes.due, scopes.ours))

    np.testing.assert_allclose(found, due, rtol=0, atol=2e-3 if dtype == "float16" else 1e-6)


def test_tensors_need_no_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)
    x = assay_reference.ones(3, 4, 4)

    assert tuple(ours.transforms.CenterCrop(2)(x).shape) == (3, 2, 2)
    with pytest.raises(TypeError, match=r"img should be PIL Image\. Got <class 'int'>"):
        ours.transforms.functional.hflip(1)
    with pytest.raises(ImportError) as raised:
        ours.transforms.ToPILImage()(x)
    assert str(raised.value) == "PIL.Image is not installed: pip install 'assay[vision]'"
