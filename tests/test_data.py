import math
import gzip
import hashlib
import random
import shlex
import shutil
import struct
import sys
import tarfile
from io import BytesIO

import numpy as np
import pytest
import torch
from mnist1d.data import get_dataset_args, make_dataset
from PIL import Image
from sklearn.datasets import load_digits

from lsbook import data
from lsbook.data import DataError, Grammar, load_images, load_text, store
from lsbook.data.images import Images, _channel_statistics
from lsbook.data.vision import import_torchvision


@pytest.fixture(scope="module")
def signals():
    return load_images("mnist1d")


def test_mnist1d_is_the_published_set(signals):
    published = make_dataset(get_dataset_args())
    np.testing.assert_allclose(signals.train_x, published["x"], atol=1e-5)
    np.testing.assert_allclose(signals.val_x, published["x_test"], atol=1e-5)
    assert np.array_equal(signals.train_y, published["y"])
    assert signals.shape == (40,) and signals.test_x is None and len(signals.classes) == 10
    assert torch.equal(signals.normalise(signals.val_x), signals.val_x)


def test_mnist1d_keeps_global_randomness_and_obeys_the_seed(signals):
    np.random.seed(7)
    random.seed(7)
    expected = np.random.rand(), random.random()
    np.random.seed(7)
    random.seed(7)
    again, other = load_images("mnist1d"), load_images("mnist1d", seed=1)
    assert (np.random.rand(), random.random()) == expected
    assert again.content_hash == signals.content_hash != other.content_hash


def test_digits_are_split_by_class_and_complete():
    digits = load_images("digits")
    assert digits.train_x.shape == (1297, 1, 8, 8) and digits.val_x.shape == (500, 1, 8, 8)
    assert digits.train_x.dtype == torch.uint8
    shares = digits.val_y.bincount() / (digits.val_y.bincount() + digits.train_y.bincount())
    assert (shares - 500 / 1797).abs().max() < 0.01
    ours = torch.cat([digits.train_x, digits.val_x]).flatten(1).numpy()
    everything = load_digits().data
    assert np.array_equal(ours[np.lexsort(ours.T)], everything[np.lexsort(everything.T)])
    assert load_images("digits").content_hash == digits.content_hash
    assert load_images("digits", seed=1).content_hash != digits.content_hash


def test_normalise_and_statistics_agree_with_torch():
    x = torch.randint(0, 256, (50, 3, 9, 9), dtype=torch.uint8)
    mean, std = _channel_statistics(x.numpy())
    flat = x.double().transpose(0, 1).flatten(1)
    torch.testing.assert_close(mean.flatten().double(), flat.mean(1), atol=1e-4, rtol=0)
    torch.testing.assert_close(std.flatten().double(), flat.std(1, correction=0), atol=1e-4, rtol=0)
    images = Images("x", x, None, x, None, None, None, (), mean, std, "")
    channels = images.normalise(x).transpose(0, 1).flatten(1)
    torch.testing.assert_close(channels.mean(1), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(channels.std(1), torch.ones(3), atol=1e-3, rtol=0)
    stack = x.view(5, 10, 3, 9, 9)
    assert torch.equal(images.normalise(stack).flatten(0, 1), images.normalise(x))


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist", "tinyimagenet"])
def test_missing_set_names_directory_and_remedies(name, tmp_path, monkeypatch):
    monkeypatch.setenv("LSBOOK_DATA", str(tmp_path))
    with pytest.raises(DataError) as error:
        load_images(name)
    assert str(tmp_path) in str(error.value) and "LSBOOK_DATA" in str(error.value)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist", "multi30k"])
def test_missing_set_comes_with_the_line_that_fetches_it(name, tmp_path, monkeypatch):
    loader = "load_text" if name == "multi30k" else "load_images"
    with pytest.raises(DataError) as error:
        getattr(data, loader)(name, root=tmp_path)
    *command, code = shlex.split(str(error.value).splitlines()[-1])
    assert command == [sys.executable, "-c"]
    called = []
    monkeypatch.setattr(data, loader, lambda *args, **options: called.append((args, options)))
    exec(code)
    assert called == [((name,), {"root": str(tmp_path), "download": True})]


def test_damaged_cifar_is_refused_before_it_is_unpickled(tmp_path):
    for entry in import_torchvision().datasets.CIFAR10.train_list:
        path = tmp_path / "cifar-10-batches-py" / entry[0]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f"cbuiltins\nopen\n(V{tmp_path / 'ran'}\nVw\ntR.".encode())
    with pytest.raises(DataError, match="data_batch_1 is damaged"):
        load_images("cifar10", root=tmp_path)
    assert not (tmp_path / "ran").exists()  # what unpickling one of them would make


@pytest.mark.parametrize("by_hand", [True, False])
def test_only_what_was_downloaded_is_deleted(by_hand, tmp_path, monkeypatch):
    content = {name: name.encode() for name in ("data_batch_1", "test_batch", "batches.meta")}
    made = tmp_path / "made.tar.gz"
    with tarfile.open(made, "w:gz") as tar:
        for name, data in content.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(data)
            tar.addfile(member, BytesIO(data))
    md5 = {name: hashlib.md5(data).hexdigest() for name, data in content.items()}

    def refuse(*args, **options):
        raise LookupError

    kind = import_torchvision().datasets.CIFAR10
    monkeypatch.setattr(kind, "train_list", [["data_batch_1", md5["data_batch_1"]]])
    monkeypatch.setattr(kind, "test_list", [["test_batch", md5["test_batch"]]])
    monkeypatch.setattr(kind, "meta", {"filename": "batches.meta", "md5": md5["batches.meta"]})
    monkeypatch.setattr(kind, "tgz_md5", store._md5(made))
    monkeypatch.setattr(kind, "url", made.as_uri())
    monkeypatch.setattr(kind, "__init__", refuse)
    directory = tmp_path / "data"
    directory.mkdir()
    archive = directory / kind.filename
    if by_hand:
        shutil.copy(made, archive)
    with pytest.raises(LookupError):  # the set itself is not read here
        load_images("cifar10", root=directory, download=True)
    assert (directory / "cifar-10-batches-py" / "test_batch").read_bytes() == b"test_batch"
    assert archive.exists() == by_hand


def idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def test_mnist_is_split_by_seed_and_whole(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    made = {
        "train-images-idx3-ubyte": rng.integers(0, 256, (300, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte": rng.integers(0, 10, 300, dtype=np.uint8),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (20, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": rng.integers(0, 10, 20, dtype=np.uint8),
    }
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, array in made.items():
        (raw / name).write_bytes(idx(array))
    monkeypatch.setattr(
        "lsbook.data.folders._MNIST_MD5", {f"MNIST/raw/{n}": store._md5(raw / n) for n in made}
    )
    monkeypatch.setattr("lsbook.data.folders.VALIDATION", 60)
    images = load_images("mnist", root=tmp_path)
    assert images.train_x.shape == (240, 1, 28, 28) and images.val_x.shape == (60, 1, 28, 28)
    assert np.array_equal(images.test_x[:, 0], made["t10k-images-idx3-ubyte"])
    pixels = torch.cat([images.train_x, images.val_x])[:, 0].numpy()
    labels = torch.cat([images.train_y, images.val_y]).numpy()
    by_image = {image.tobytes(): label for image, label in zip(pixels, labels)}
    for image, label in zip(made["train-images-idx3-ubyte"], made["train-labels-idx1-ubyte"]):
        assert by_image[image.tobytes()] == label
    assert load_images("mnist", root=tmp_path, seed=1).content_hash != images.content_hash

    (raw / "t10k-labels-idx1-ubyte").write_bytes(gzip.compress(b"?"))
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte is damaged"):
        load_images("mnist", root=tmp_path)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for part, count in (("train", 3), ("val", 2)):
        for name in ("cat", "dog"):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / part / name / f"{i}.png")
    return tmp_path


def test_image_folder_is_read_in_order(folder):
    images = load_images("imagefolder", root=folder)
    assert images.train_x.shape == (6, 3, 6, 5) and images.val_x.shape == (4, 3, 6, 5)
    assert images.train_y.tolist() == [0, 0, 0, 1, 1, 1] and images.classes == ("cat", "dog")
    first = np.asarray(Image.open(folder / "train" / "cat" / "0.png"))
    assert np.array_equal(images.train_x[0].permute(1, 2, 0), first)


def test_pixels_are_normalised_by_the_training_images(folder):
    for path in folder.glob("val/*/*"):
        Image.new("RGB", (5, 6), (200, 0, 0)).save(path)
    images = load_images("imagefolder", root=folder)
    x = images.train_x.double()
    torch.testing.assert_close(images.mean.double().flatten(), x.mean((0, 2, 3)))
    torch.testing.assert_close(images.std.double().flatten(), x.std((0, 2, 3), correction=0))


def test_pooled_pixels_are_normalised_by_the_training_images():
    images = load_images("digits").pooled(2)
    x = images.train_x.double()
    torch.testing.assert_close(images.mean.double().flatten(), x.mean((0, 2, 3)))
    torch.testing.assert_close(images.std.double().flatten(), x.std((0, 2, 3), correction=0))


def test_image_folder_names_what_is_wrong(folder):
    broken = folder / "train" / "dog" / "1.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:30])
    with pytest.raises(DataError, match="1.png"):
        load_images("imagefolder", root=folder)
    Image.new("RGB", (4, 4)).save(broken)
    with pytest.raises(DataError, match="one size"):
        load_images("imagefolder", root=folder)
    broken.write_bytes(whole)
    (folder / "val" / "dog").rename(folder / "val" / "fox")
    with pytest.raises(DataError, match="dog, fox"):
        load_images("imagefolder", root=folder)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, math.nan, None, "0"])
@pytest.mark.parametrize("load, names", [
    (load_images, ("mnist1d", "digits", "mnist", "cifar10", "tinyimagenet", "imagefolder/own")),
    (load_text, ("grammar",)),
])
def test_seeds_out_of_range_are_refused_for_every_set(load, names, seed):
    for name in names:
        with pytest.raises(ValueError, match="^seed must be"):
            load(name, seed=seed)


@pytest.mark.parametrize("name", ["mnist1d", "digits"])
def test_seeds_up_to_the_largest_are_taken(name):
    sets = [load_images(name, seed=seed) for seed in (0, np.uint32(1), 2**32 - 1)]
    assert len({images.content_hash for images in sets}) == 3


@pytest.mark.parametrize("count", [0, -1, 1.5, "many"])
def test_so_many_sentences_are_refused(count):
    with pytest.raises(ValueError, match="^sentences must be"):
        load_text("grammar", sentences=count)


@pytest.mark.parametrize("name", [None, 0, b"digits", ["digits"], {}])
def test_a_name_is_a_word(name):
    for known, load in (("mnist1d", load_images), ("grammar", load_text)):
        with pytest.raises(ValueError, match=known):
            load(name)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match="mnist1d, digits"):
        load_images("imagenet")
    with pytest.raises(ValueError, match="grammar, multi30k"):
        load_text("wmt")


@pytest.fixture
def captions(tmp_path, monkeypatch):
    """A small Multi30k of grammar sentences, with spaces and cases that must survive."""
    pairs = [(" ".join(en), " ".join(de)) for en, de in Grammar(0).sample(300)]
    parts = {"train": pairs[:200], "val": pairs[200:250], "test_2016_flickr": pairs[250:]}
    (tmp_path / "multi30k").mkdir()
    md5 = {}
    for name, rows in parts.items():
        for side, end in enumerate(("en", "de")):
            file = tmp_path / "multi30k" / f"{name}.{end}"
            file.write_text("".join(f"{row[side].capitalize()}  Ü \n" for row in rows), "utf-8")
            md5[file.name] = store._md5(file)
    monkeypatch.setattr("lsbook.data.text._MULTI30K_MD5", md5)
    monkeypatch.setattr("lsbook.data.text._BPE_SIZE", 300)
    return tmp_path


def test_multi30k_is_lossless_and_its_pieces_are_cached(captions):
    text = load_text("multi30k", root=captions)
    assert (len(text.train), len(text.val), len(text.test)) == (200, 50, 50)
    for part, file in (("train", "train"), ("val", "val"), ("test", "test_2016_flickr")):
        pairs = getattr(text, part)
        for side, end in enumerate(("en", "de")):
            lines = (captions / "multi30k" / f"{file}.{end}").read_text("utf-8").splitlines()
            decoded = [text.tokenizer.decode(pair[side]) for pair in pairs]
            assert decoded == [line.strip() for line in lines]
    assert text.tokenizer.vocab_size == 300
    for part, pairs in (("train", text.train), ("test", text.test)):
        for (_, target), reference in zip(pairs, text.references[part], strict=True):
            assert text.tokenizer.decode(target) == reference
            assert min(target) > 3
    assert text.references["test"][0].endswith(" .  Ü")
    assert text.tokenizer.decode([1, *text.test[0][1], 2, 0, 0]) == text.references["test"][0]

    (model,) = (captions / "multi30k").glob("bpe-*.model")
    first = model.read_bytes()
    model.unlink()
    assert load_text("multi30k", root=captions).content_hash == text.content_hash
    assert model.read_bytes() == first
    model.write_bytes(b"damaged")
    assert load_text("multi30k", root=captions).content_hash == text.content_hash
    assert model.read_bytes() == first


def test_further_test_sets_are_read_where_they_lie_and_change_no_hash(captions):
    before = load_text("multi30k", root=captions)
    assert before.more_tests == {}
    (captions / "wmt15").mkdir()
    for folder, name in (("multi30k", "test_2017_flickr"), ("wmt15", "test")):
        for end in ("en", "de"):
            (captions / folder / f"{name}.{end}").write_text("Ü \n", "utf-8")
    after = load_text("multi30k", root=captions)
    assert list(after.more_tests) == ["test_2017_flickr", "newstest2015"]
    assert after.references["newstest2015"] == ["Ü"]
    ((source, target),) = after.more_tests["newstest2015"]
    assert source == target and after.tokenizer.decode(target) == "Ü"
    assert after.tokenizer.word(target[0]).startswith("▁")
    assert after.content_hash == before.content_hash


def test_multi30k_in_lower_case(captions):
    text = load_text("multi30k", root=captions, lower=True)
    assert all(reference == reference.lower() for reference in text.references["train"])
    assert text.content_hash != load_text("multi30k", root=captions).content_hash


def test_multi30k_missing(tmp_path):
    with pytest.raises(DataError, match="LSBOOK_DATA"):
        load_text("multi30k", root=tmp_path)


def test_torchvision_transforms_work():
    transforms = import_torchvision().transforms.v2
    x = torch.rand(3, 8, 8)
    assert torch.equal(transforms.functional.horizontal_flip(x), x.flip(-1))
