"""Published networks with random weights, against the libraries they come from."""

import huggingface_hub
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

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

    def download(*what):
        asked.append(what)
        return str(resnet[1])

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    pretrained.load("resnet50-v2")
    assert asked == [("timm/resnet50.tv2_in1k", "model.safetensors")]


def test_where_the_hub_is_out_of_reach_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError) as error:
        pretrained.load("resnet50-v1")
    address = "https://huggingface.co/timm/resnet50.tv_in1k/resolve/main/model.safetensors"
    assert address in str(error.value) and "give its path as weights" in str(error.value)


def test_other_files_are_refused(resnet, tmp_path):
    with pytest.raises(ValueError, match="there are resnet50-v1, resnet50-v2, inception-v4"):
        pretrained.load("resnet51")
    with pytest.raises(DataError, match="cannot be read"):
        pretrained.load("resnet50-v1", tmp_path / "absent.safetensors")
    pickled = tmp_path / "resnet50.pth"
    torch.save(resnet[0].state_dict(), pickled)
    with pytest.raises(DataError, match="cannot be read as safetensors"):
        pretrained.load("resnet50-v1", pickled)
    save_file(models.resnet18(weights=None).state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(DataError, match="does not hold the weights of resnet50-v1"):
        pretrained.load("resnet50-v1", tmp_path / "other.safetensors")


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
