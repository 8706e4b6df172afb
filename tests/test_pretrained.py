"""Published networks with random weights, against the libraries they come from."""

import shlex
import sys

import huggingface_hub
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from lsbook.data import DataError, load_images
from lsbook.data.vision import import_torchvision
from lsbook.models import pretrained

torchvision = import_torchvision()
from torchvision import models  # noqa: E402


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    """torchvision's network with random weights and statistics, and their file."""
    torch.manual_seed(0)
    model = models.resnet50(weights=None).eval()
    for name, value in model.state_dict().items():
        if "running" in name:
            value.uniform_(0.5, 1.5)
    path = tmp_path_factory.mktemp("weights") / "resnet50.safetensors"
    save_file(model.state_dict(), path)
    return model, path


@torch.no_grad()
def check(ours, theirs, size, width):
    x = torch.randn(2, 3, size, size)
    logits, activations = ours(x, return_activations=True)
    torch.testing.assert_close(logits, theirs(x))
    torch.testing.assert_close(ours(x), logits)
    assert activations.shape == (2, width) and ours.templates().shape == (1000, width + 1)
    extended = torch.cat([activations, torch.ones(2, 1)], 1)
    torch.testing.assert_close(extended @ ours.templates().T, logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["resnet50-v1", "resnet50-v2"])
def test_resnet_is_torchvisions_with_activations_and_templates(resnet, name):
    model, path = resnet
    check(pretrained.load(name, path), model, 64, 2048)


def test_inception_is_timms_with_activations_and_templates(tmp_path):
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    model = timm.create_model("inception_v4", pretrained=False).eval()
    save_file(model.state_dict(), tmp_path / "inception.safetensors")
    check(pretrained.load("inception-v4", tmp_path / "inception.safetensors"), model, 96, 1536)


def test_weights_come_from_the_hub(resnet, monkeypatch):
    asked = []

    def download(*what, revision):
        asked.append((*what, revision))
        return str(resnet[1])

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    for name in ("resnet50-v1", "resnet50-v2"):
        pretrained.load(name)
    assert asked == [
        ("timm/resnet50.tv_in1k", "model.safetensors", "78f3ecfdb38e06d9b8397f662e7ab8fee96026fa"),
        ("timm/resnet50.tv2_in1k", "model.safetensors", "main"),
    ]


def test_where_the_hub_is_out_of_reach_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError) as error:
        pretrained.load("resnet50-v2")
    address = "https://huggingface.co/timm/resnet50.tv2_in1k/resolve/main/model.safetensors"
    assert address in str(error.value) and "give its path as weights" in str(error.value)


def test_other_files_are_refused(resnet, tmp_path):
    with pytest.raises(ValueError, match="there are resnet50-v1, resnet50-v2, inception-v4"):
        pretrained.load("resnet51")
    with pytest.raises(DataError, match="cannot be read"):
        pretrained.load("resnet50-v1", tmp_path / "absent.safetensors")
    pickled = tmp_path / "resnet50.pth"
    torch.save(resnet[0].state_dict(), pickled)
    with pytest.raises(DataError, match="cannot be read as safetensors") as error:
        pretrained.load("resnet50-v1", pickled)
    *command, code = shlex.split(str(error.value).splitlines()[-1])
    assert command == [sys.executable, "-c"]
    exec(code)  # the line that converts it
    check(pretrained.load("resnet50-v1", tmp_path / "resnet50.safetensors"), resnet[0], 64, 2048)


@pytest.mark.parametrize("wrap", [
    lambda weights: weights,
    lambda weights: {"state_dict": weights, "epoch": 3, "optimizer": {"lr": 0.1}},
    lambda weights: {"model": {f"module.{name}": value for name, value in weights.items()}},
])
def test_a_state_dict_is_converted_as_it_is(tmp_path, wrap):
    weights = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict()
    weights["tied"] = weights["0.weight"]
    torch.save(wrap(weights), tmp_path / "own.pth")
    stored = load_file(pretrained.convert(tmp_path / "own.pth"))
    assert stored.keys() == weights.keys()
    for name, value in weights.items():
        assert torch.equal(stored[name], value) and stored[name].dtype == value.dtype


class Runs:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_nothing_in_a_file_is_run(tmp_path):
    torch.save({"weight": torch.zeros(2), "hook": Runs(tmp_path / "ran")}, tmp_path / "evil.pth")
    with pytest.raises(DataError, match="evil.pth holds more than tensors"):
        pretrained.convert(tmp_path / "evil.pth")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.pth"]


@pytest.mark.parametrize("content, message", [
    (torch.nn.Linear(2, 2), "more than tensors"),
    ({}, "no state dict"),
    ([torch.zeros(2)], "no state dict"),
    ({"lr": 0.1}, "no state dict"),
    (b"", "nothing that PyTorch saved"),
    (b"<html>404</html>", "nothing that PyTorch saved"),
])
def test_what_is_no_state_dict_says_so(tmp_path, content, message):
    path = tmp_path / "own.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(DataError, match=message):
        pretrained.convert(path)
    with pytest.raises(DataError, match="absent.pth cannot be read"):
        pretrained.convert(tmp_path / "absent.pth")


def test_weights_of_another_network_are_told_in_two_lines(resnet, tmp_path):
    weights = dict(resnet[0].state_dict())
    weights["conv1.weight"] = torch.zeros(64, 3, 3, 3)
    weights["head.bias"] = weights.pop("fc.bias")
    save_file(weights, tmp_path / "other.safetensors")
    with pytest.raises(DataError) as error:
        pretrained.load("resnet50-v1", tmp_path / "other.safetensors")
    first, second = str(error.value).splitlines()
    assert first.endswith("other.safetensors does not hold the weights of resnet50-v1:")
    assert second == (
        "  1 missing, first fc.bias; 1 unknown, first head.bias; "
        "1 of another shape, first conv1.weight (64, 3, 3, 3) for (64, 3, 7, 7)."
    )


def test_weights_without_counters_of_batches_are_whole(resnet, tmp_path):
    kept = {k: v for k, v in resnet[0].state_dict().items() if "num_batches" not in k}
    save_file(kept, tmp_path / "old.safetensors")
    check(pretrained.load("resnet50-v1", tmp_path / "old.safetensors"), resnet[0], 64, 2048)


@pytest.fixture
def folder(tmp_path):
    """Pictures of several sizes in three classes."""
    rng = np.random.default_rng(0)
    for part in ("train", "val"):
        for number, name in enumerate(("n01", "n02", "n03")):
            (tmp_path / part / name).mkdir(parents=True)
            pixels = rng.integers(0, 256, (300 + 40 * number, 280, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / part / name / "picture.png")
    return tmp_path


def seen(name, folder):
    images = pretrained.imagenet(name, folder, only=["n03"])
    return images.normalise(images.val_x)[0], Image.open(folder / "val/n03/picture.png")


@pytest.mark.parametrize("weights", models.ResNet50_Weights)
def test_pictures_are_seen_as_torchvisions_weights_want_them(folder, weights):
    name = {"IMAGENET1K_V1": "resnet50-v1", "IMAGENET1K_V2": "resnet50-v2"}[weights.name]
    ours, picture = seen(name, folder)
    torch.testing.assert_close(ours, weights.transforms()(picture), rtol=0, atol=1e-5)


def test_pictures_are_seen_as_timms_inception_wants_them(folder):
    timm = pytest.importorskip("timm")
    config = timm.models.get_pretrained_cfg("inception_v4.tf_in1k").to_dict()
    view = timm.data.create_transform(**timm.data.resolve_data_config(pretrained_cfg=config))
    ours, picture = seen("inception-v4", folder)
    torch.testing.assert_close(ours, view(picture), rtol=0, atol=1e-5)


def test_classes_keep_their_number_when_few_are_read(folder):
    images = pretrained.imagenet("resnet50-v1", folder, only=["n03", "n01"])
    assert images.train_y.tolist() == [0, 2] and images.classes == ("n01", "n02", "n03")
    with pytest.raises(DataError, match="no folder n04"):
        load_images("imagefolder", root=folder, only=["n04"])


@pytest.mark.parametrize("given", [3, 1.5, ["a"]])
def test_what_is_no_path_is_named(given):
    with pytest.raises(TypeError, match="^path must be a path"):
        pretrained.convert(given)
