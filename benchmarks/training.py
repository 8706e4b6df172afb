"""The training loop against the plain one of torchvision's examples, the same network in both.

Each runs in a process of its own; the two take turns. The plain loop loads images one by one
through a DataLoader, trains in torch's default memory layout and asks for each loss. Images are
random, of CIFAR-10's shape. On a CPU the time is the processor's, with one thread; on CUDA it is
the clock's, and our network is compiled, as it is in the queue's long trainings.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from benchmarks._compare import row, show
from lsbook.data import Images
from lsbook.data.vision import import_torchvision
from lsbook.models import build, mac_count
from lsbook.recipes import Recipe, named
from lsbook.training import device as devices
from lsbook.training.classifier import train_classifier

ON_CUDA = devices.choose().type == "cuda"
# On CUDA each training records its graphs anew, which many steps make a small part of its time.
STEPS, ROUNDS = (1000, 2) if ON_CUDA else (3, 5)
MEASURED = "wall time" if ON_CUDA else "processor time, one thread"
RESNET = named("paper/teacher-cifar10", alpha=0.1, steps=STEPS, mi_every=0)
TRAINED = {
    "AlexNet": named("paper/alexnet-cifar10", alpha=0.1, steps=STEPS),
    "ResNet-20": RESNET.with_(model="resnet20"),
    "ResNet-56": RESNET,
}
WINDOW = {"crop-flip": 32, "crop24-flip": 24}
FLOPS_PER_MAC = 6  # a product and a sum, forward and for both gradients
PEAK_SIZE = {"cpu": 2048, "cuda": 8192}


def main() -> list[dict]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=as_the_queue) as own, ProcessPoolExecutor(
        1, spawn, initializer=one_thread
    ) as other:
        peaks, times = [], {(name, loop): [] for name in TRAINED for loop in (ours, plain)}
        for turn in range(ROUNDS + 1):
            peaks.append(own.submit(peak).result())
            for name, recipe in TRAINED.items():
                for pool, loop in ((own, ours), (other, plain)):
                    taken = pool.submit(seconds, loop, recipe).result()
                    if turn:  # the first round warms up
                        times[name, loop].append(taken / STEPS)
    return [compare(name, recipe, times, max(peaks)) for name, recipe in TRAINED.items()]


def compare(name: str, recipe: Recipe, times: dict, peak_flops: float) -> dict:
    mine, theirs = (statistics.median(times[name, loop]) for loop in (ours, plain))
    window = WINDOW[recipe.augment]
    macs = mac_count(network(recipe), torch.zeros(1, 3, window, window))
    share = FLOPS_PER_MAC * macs * recipe.batch_size / mine / peak_flops
    note = (
        f"{recipe.batch_size / mine:.0f} images/s, {share:.0%} of the measured peak of "
        f"{peak_flops / 1e9:.0f} Gflop/s; {MEASURED}"
    )
    case = f"training {name}, CIFAR-10's shape, a step of {recipe.batch_size}"
    return row(case, "plain DataLoader loop", 1e3 * mine, 1e3 * theirs, note=note)


def one_thread() -> None:
    torch.set_num_threads(1)


def as_the_queue() -> None:
    one_thread()
    devices.keep_freed_memory()
    devices.COMPILED_FROM = STEPS


def seconds(train: Callable[[Recipe, Images, torch.device], object], recipe: Recipe) -> float:
    device, images = devices.choose(), random_images(STEPS * recipe.batch_size)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    start = clock()
    train(recipe, images, device)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def ours(recipe: Recipe, images: Images, device: torch.device) -> None:
    train_classifier(recipe, devices.to_device(images, device), device, progress=False)


def plain(recipe: Recipe, images: Images, device: torch.device) -> None:
    torch.backends.cudnn.allow_tf32 = True  # torch's default, which `choose` turns off
    model = network(recipe).to(device)
    optimizer = torch.optim.SGD(
        model.parameters(),
        recipe.lr,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )
    loader = DataLoader(OneByOne(images, recipe), recipe.batch_size, shuffle=True, drop_last=True)
    running = 0.0
    for x, y in loader:
        loss = F.cross_entropy(model(x.to(device)), y.to(device), label_smoothing=recipe.alpha)
        loss = recipe.loss_scale * loss
        optimizer.zero_grad()
        loss.backward()
        if recipe.clip_norm:
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
        optimizer.step()
        running += loss.item()


def network(recipe: Recipe) -> nn.Module:
    return build(recipe.model, **dict(recipe.size))


class OneByOne(Dataset):
    """Images as torchvision's CIFAR10 gives them, through its transforms."""

    def __init__(self, images: Images, recipe: Recipe):
        v2 = import_torchvision().transforms.v2
        window = WINDOW[recipe.augment]
        crop = v2.RandomCrop(window, padding=4 if window == 32 else None)
        mean, std = ((v.flatten() / 255).tolist() for v in (images.mean, images.std))
        self.transform = v2.Compose(
            [
                crop,
                v2.RandomHorizontalFlip(),
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(mean, std),
            ]
        )
        self.pixels = images.train_x.permute(0, 2, 3, 1).numpy()
        self.labels = images.train_y.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


def random_images(count: int, scored: int = 10) -> Images:
    """Of one class all, since a training looks at examples of each: here that would cost a step."""
    random = torch.Generator().manual_seed(0)

    def part(size: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.randint(0, 256, (size, 3, 32, 32), generator=random).to(torch.uint8)
        return x, torch.zeros(size, dtype=torch.int64)

    (train_x, train_y), (val_x, val_y) = part(count), part(scored)
    return Images(
        name="random",
        train_x=train_x,
        train_y=train_y,
        val_x=val_x,
        val_y=val_y,
        test_x=None,
        test_y=None,
        classes=tuple("0123456789"),
        mean=torch.full((3, 1, 1), 127.5),
        std=torch.full((3, 1, 1), 73.9),
        content_hash="",
    )


@torch.no_grad()
def peak() -> float:
    """Multiplications and additions a second of the faster of two: a matrix product, a convolution.

    On a CPU torch leaves the two to different libraries. The convolution is 3×3 over 256 channels.
    """
    device = devices.choose()
    size = PEAK_SIZE.get(device.type, 2048)
    kind = torch.bfloat16 if device.type == "cuda" else torch.float32
    a = torch.randn(size, size, device=device, dtype=kind)
    x, w = (
        torch.randn(*shape, device=device, dtype=kind).to(memory_format=torch.channels_last)
        for shape in ((16, 256, 32, 32), (256, 256, 3, 3))
    )
    both = ((lambda: a @ a, 2 * size**3), (lambda: F.conv2d(x, w, padding=1), 18 * x.numel() * 256))
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    best = 0.0
    for compute, operations in both * 3:
        start = clock()
        compute().flatten()[0].item()
        best = max(best, operations / (clock() - start))
    return best


if __name__ == "__main__":
    show(main())
