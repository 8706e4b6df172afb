"""Folders of pictures: names, depths, modes, damaged files, and Tiny ImageNet as published."""

import shutil
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from lsbook import runs
from lsbook.data import DataError, load_images
from lsbook.data.pictures import read, read_all
from lsbook.data.tiny_imagenet import CLASSES
from lsbook.data.vision import import_torchvision
from lsbook.recipes import Recipe

RNG = np.random.default_rng(0)


def noise(*shape, dtype=np.uint8):
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def save(path, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(8, 8, 3) if pixels is None else pixels).save(path)


@pytest.fixture
def birds(tmp_path):
    """Three classes of 8×8 pixels in the data directory's folder birds."""
    for part, count in (("train", 3), ("val", 2)):
        for name in ("crow", "jay", "tit"):
            for i in range(count):
                save(tmp_path / "birds" / part / name / f"{i}.png")
    return tmp_path / "birds"


# Names


@pytest.mark.parametrize(
    "name",
    ["train/.ipynb_checkpoints/0-checkpoint.png", "train/crow/.ipynb_checkpoints/0.png",
     "train/crow/._0.png", "val/.cache/0.png", "val/tit/.thumbnails/deep/0.png"],
)
def test_names_that_begin_with_a_dot_change_nothing(birds, name):
    before = load_images("imagefolder", root=birds)
    save(birds / name)
    (birds / "train" / ".DS_Store").write_bytes(b"x")
    (birds / "val" / ".empty").mkdir(exist_ok=True)
    after = load_images("imagefolder", root=birds)
    assert after.content_hash == before.content_hash
    assert after.classes == ("crow", "jay", "tit")


def test_a_folder_that_itself_lies_under_a_dot_is_read(birds, tmp_path):
    before = load_images("imagefolder", root=birds)
    birds.rename(tmp_path / ".hidden")
    assert load_images("imagefolder", root=tmp_path / ".hidden").classes == before.classes


def test_pictures_come_in_torchvisions_order(birds):
    for name in ("sub/b.PNG", "sub/a.jpeg", "A.png", "sub-1/z.bmp", "10.png", "notes.txt"):
        path = birds / "train" / "jay" / name
        save(path) if path.suffix != ".txt" else path.write_text("no picture")
    theirs = import_torchvision().datasets.ImageFolder(birds / "train")
    images = load_images("imagefolder", root=birds)
    assert images.train_y.tolist() == theirs.targets
    for ours, (picture, _) in zip(images.train_x, theirs, strict=True):
        assert np.array_equal(ours.permute(1, 2, 0), np.asarray(picture))


def test_a_folder_is_found_by_name_in_the_data_directory(birds, tmp_path, monkeypatch):
    monkeypatch.setenv("LSBOOK_DATA", str(tmp_path))
    named = load_images("imagefolder/birds")
    assert named.name == "imagefolder/birds"
    monkeypatch.setenv("LSBOOK_DATA", str(birds))
    assert load_images("imagefolder").content_hash == named.content_hash
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_images("imagefolder", root="~/birds").content_hash == named.content_hash
    with pytest.raises(ValueError, match="Unknown image set"):
        load_images("imagefolder/../birds")


def test_a_recipe_on_a_folder_is_trained_and_recorded(birds, tmp_path, monkeypatch):
    monkeypatch.setenv("LSBOOK_DATA", str(tmp_path))
    monkeypatch.setenv("LSBOOK_RUNS", str(tmp_path / "runs"))
    mine = Recipe(
        name="own/birds", dataset="imagefolder/birds", model="resnet8", size=(("classes", 3),),
        steps=2, batch_size=4, lr=0.01, augment="crop-flip", alpha=0.1,
    )
    run = runs.get(mine, device="cpu", progress=False)
    assert run.manifest["data_hash"] == load_images("imagefolder/birds").content_hash
    assert run.arrays["val_logits"].shape == (6, 3)
    with pytest.raises(ValueError, match="imagefolder/birds has 3 classes; got classes=4"):
        runs.get(mine.with_(size=(("classes", 4),)), device="cpu", progress=False)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda root: shutil.rmtree(root / "train" / "jay"), "differ in their classes: jay"),
        (lambda root: [p.unlink() for p in root.glob("val/jay/*")], r"No pictures in .*val.jay"),
        (lambda root: [shutil.rmtree(p) for p in root.glob("train/*")], "train holds no folders"),
        (lambda root: shutil.rmtree(root / "val"), "No folder .*val"),
        (lambda root: [save(p, noise(9, 8, 3)) for p in root.glob("val/*/*")], "image size"),
    ],
)
def test_a_folder_that_is_not_whole_says_what_is_wrong(birds, spoil, message):
    spoil(birds)
    with pytest.raises(DataError, match=message):
        load_images("imagefolder", root=birds)


# Depths and modes


def pixels(path):
    return np.asarray(read(path)).astype(int)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path, name):
    deep = noise(8, 9, dtype=np.uint16)
    deep[0, :3] = 0, 30_000, 65_535
    save(tmp_path / name, deep)
    assert np.abs(pixels(tmp_path / name) - deep[..., None] * (255 / 65_535)).max() <= 0.5


def test_sixteen_bits_of_a_big_endian_tiff(tmp_path):
    deep = noise(8, 9, dtype=np.uint16)
    Image.frombytes("I;16B", (9, 8), deep.astype(">u2").tobytes()).save(tmp_path / "a.tif")
    assert np.abs(pixels(tmp_path / "a.tif") - deep[..., None] / 257).max() <= 0.5


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_more_bits_are_refused_by_name(tmp_path, dtype):
    save(tmp_path / "deep.tif", noise(8, 8).astype(dtype))
    with pytest.raises(DataError, match="deep.tif .*32 bits a pixel"):
        read(tmp_path / "deep.tif")


def test_grey_and_black_and_white_are_three_equal_channels(tmp_path):
    grey = noise(8, 8)
    save(tmp_path / "grey.png", grey)
    assert np.array_equal(pixels(tmp_path / "grey.png"), np.stack([grey] * 3, -1))
    save(tmp_path / "two.png", grey > 127)
    assert np.array_equal(pixels(tmp_path / "two.png"), np.stack([(grey > 127) * 255] * 3, -1))


def test_a_palette_gives_its_colours(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png")
    assert pixels(tmp_path / "a.png").tolist() == [[[10, 20, 30], [200, 100, 50]]]
    picture.save(tmp_path / "b.png", transparency=0)
    assert pixels(tmp_path / "b.png").tolist() == [[[255, 255, 255], [200, 100, 50]]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_shows_white(tmp_path, mode):
    colour, alpha = noise(8, 8, 3), noise(8, 8)
    alpha[0] = 0
    alpha[1] = 255
    picture = Image.fromarray(colour).convert(mode[:-1])
    colour = np.asarray(picture.convert("RGB")).astype(float)
    picture.putalpha(Image.fromarray(alpha))
    picture.save(tmp_path / "a.png")
    share = alpha[..., None] / 255
    expected = share * colour + (1 - share) * 255
    assert np.abs(pixels(tmp_path / "a.png") - expected).max() <= 1
    assert (pixels(tmp_path / "a.png")[0] == 255).all()


def test_cmyk_is_read_as_its_colours(tmp_path):
    Image.new("RGB", (16, 16), (200, 100, 50)).convert("CMYK").save(tmp_path / "a.jpg", quality=99)
    assert np.abs(pixels(tmp_path / "a.jpg") - (200, 100, 50)).max() <= 4


# Damaged and hostile files


def bomb(side):
    """A PNG whose header claims ``side`` × ``side`` pixels."""
    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_decompression_bomb_is_one_error_that_names_it(birds, side):
    (birds / "val" / "jay" / "1.png").write_bytes(bomb(side))
    with pytest.raises(DataError, match=r"jay.1.png claims more than [\d,]+ pixels"):
        load_images("imagefolder", root=birds)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>404</html>", b"\x89PNG\r\n\x1a\n", b"II*\0" + b"\xff" * 60, b"\xff\xd8\xff\xe0",
     b"P5\n8 8\n255\n", b"BM" + bytes(60)],
)
def test_a_damaged_picture_is_one_error_that_names_it(birds, content):
    (birds / "train" / "jay" / "1.png").write_bytes(content)
    with pytest.raises(DataError, match=r"jay.1.png is not a readable picture"):
        load_images("imagefolder", root=birds)


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp", "bmp"])
def test_any_cut_is_an_error_or_a_picture(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        try:
            assert read_all([path]).shape == (1, 3, 8, 8)
        except DataError as error:
            assert str(path) in str(error)


# Tiny ImageNet


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """tiny-imagenet-200 with three training and two validation pictures a class, and the 30."""
    root = tmp_path_factory.mktemp("tiny")
    ours, whole = root / "tiny-imagenet-30", root / "tiny-imagenet-200"
    lines = []
    (whole / "val" / "images").mkdir(parents=True)
    for wnid in ("n09999999", *reversed(CLASSES), "n00000001"):
        for i in (10, 9, 0):
            path = whole / "train" / wnid / "images" / f"{wnid}_{i}.JPEG"
            save(path)
            if wnid in CLASSES:
                (ours / "train" / wnid).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, ours / "train" / wnid)
        (whole / "train" / wnid / f"{wnid}_boxes.txt").write_text("0\t0\t62\t62\n")
    for i in RNG.permutation(2 * 32):
        wnid = ("n00000001", *CLASSES, "n09999999")[i % 32]
        path = whole / "val" / "images" / f"val_{i}.JPEG"
        save(path)
        lines.append(f"{path.name}\t{wnid}\t0\t32\t44\t62\n")
        if wnid in CLASSES:
            (ours / "val" / wnid).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, ours / "val" / wnid)
    (whole / "val" / "val_annotations.txt").write_text("".join(lines))
    return root


def only(published, tmp_path, name):
    (tmp_path / name).symlink_to(published / name)
    return load_images("tinyimagenet", root=tmp_path)


def test_tiny_imagenet_as_published_equals_its_thirty_classes(published, tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    ours = only(published, tmp_path / "a", "tiny-imagenet-30")
    whole = only(published, tmp_path / "b", "tiny-imagenet-200")
    assert ours.content_hash == whole.content_hash
    assert whole.train_y.tolist() == [k for k in range(30) for _ in range(3)]
    assert whole.val_y.tolist() == [k for k in range(30) for _ in range(2)]
    assert ours.classes == whole.classes == tuple(CLASSES.values())
    for k, wnid in enumerate(CLASSES):
        files = sorted((published / "tiny-imagenet-30" / "val" / wnid).iterdir())
        assert torch.equal(whole.val_x[whole.val_y == k], torch.from_numpy(read_all(files)))


def test_the_thirty_classes_are_in_the_order_of_their_folders():
    assert len(CLASSES) == 30 and list(CLASSES) == sorted(CLASSES)
    assert CLASSES["n01443537"] == "goldfish" and CLASSES["n07873807"] == "pizza"


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda root: (root / "val" / "val_annotations.txt").unlink(), "annotations.txt cannot"),
        (lambda root: shutil.rmtree(root / "train" / "n02123045"), "No pictures in .*n02123045"),
        (lambda root: shutil.rmtree(root / "val" / "images"), "val_.* is not a readable picture"),
    ],
)
def test_a_published_set_in_part_says_what_is_missing(published, tmp_path, spoil, message):
    shutil.copytree(published / "tiny-imagenet-200", tmp_path / "tiny-imagenet-200")
    spoil(tmp_path / "tiny-imagenet-200")
    with pytest.raises(DataError, match=message):
        load_images("tinyimagenet", root=tmp_path)


def test_thirty_other_classes_are_refused(published, tmp_path):
    shutil.copytree(published / "tiny-imagenet-30", tmp_path / "tiny-imagenet-30")
    for part in ("train", "val"):
        folder = tmp_path / "tiny-imagenet-30" / part
        (folder / "n02123045").rename(folder / "n00000001")
    with pytest.raises(DataError, match="not n00000001, n02123045"):
        load_images("tinyimagenet", root=tmp_path)
