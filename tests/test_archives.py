"""An archive of runs is taken whole or refused by one clear error, before anything is written."""

import bz2
import io
import json
import struct
import tarfile
import tracemalloc
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from lsbook import runs
from lsbook.recipes import CATALOGUE, Recipe, named
from lsbook.runs import contents, pack
from lsbook.runs.__main__ import main

H = "0123456789ab"
XSS = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def digits():
    """Files of a published network on digits, weights among them, by name."""
    return files(runs.find(named("lab/mlp-digits")))


@pytest.fixture(scope="module")
def grammar():
    """Files of a published translation, with sentences."""
    return files(runs.find(named("lab/transformer-grammar")))


def files(run):
    return run.recipe.hash, {path.name: path.read_bytes() for path in run.path.iterdir()}


def archive_of(members, path):
    with tarfile.open(path, "w") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def member(name, content=b"{}", kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd" if kind != tarfile.REGTYPE else ""
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    return info, content


def archived(run, path, **replaced):
    folder, found = run
    found = found | {name.replace("__", "."): content for name, content in replaced.items()}
    return archive_of([member(f"{folder}/{n}", c) for n, c in found.items()], path)


def refused(archive, folder, *words):
    """Refused on one line that holds these words, within bounds of memory; nothing is written."""
    before = set(folder.rglob("*"))
    tracemalloc.start()
    with pytest.raises(ValueError) as raised:
        pack.unpack(archive, folder / "in")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    message = str(raised.value)
    assert "is no archive of runs" in message and "\n" not in message and len(message) < 500
    for word in words:
        assert word in message, message
    assert set(folder.rglob("*")) == before
    assert most < 2 * contents.MOST_EXPANDED


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_published_runs_are_sound(name):
    for alpha in (0.0, 0.1):
        if run := runs.find(named(name, alpha=alpha)):
            contents.check(*files(run))


def test_a_sound_archive_is_taken(digits, grammar, tmp_path):
    for run in (digits, grammar):
        archive = archived(run, tmp_path / "sound.tar")
        assert pack.unpack(archive, tmp_path / "in") == ([run[0]], [])
        for name, content in run[1].items():
            assert (tmp_path / "in" / run[0] / name).read_bytes() == content


# The tar


HOSTILE = {
    "upwards": [member("../evil.json")],
    "upwards within": [member(f"{H}/../evil.json")],
    "absolute": [member("/tmp/evil.json")],
    "no folder": [member("recipe.json")],
    "two levels": [member(f"{H}/a/recipe.json")],
    "other name": [member(f"{H}/run.pkl")],
    "other case of a name": [member(f"{H}/recipe.json"), member(f"{H}/Recipe.json")],
    "other case of a folder": [member(f"{H.upper()}/recipe.json")],
    "symbolic link": [member(f"{H}/recipe.json", kind=tarfile.SYMTYPE)],
    "hard link": [member(f"{H}/recipe.json", kind=tarfile.LNKTYPE)],
    "device": [member(f"{H}/recipe.json", kind=tarfile.CHRTYPE)],
    "fifo": [member(f"{H}/recipe.json", kind=tarfile.FIFOTYPE)],
    "sparse": [member(f"{H}/recipe.json", kind=tarfile.GNUTYPE_SPARSE)],
    "a long name": [member(f"{H}/{'a' * 300}")],
    "markup": [member(f"{H}/{XSS}")],
    "half a run": [member(f"{H}/recipe.json")],
    "no recipe": [member(f"{H}/{name}") for name in sorted(pack.NEEDED)],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives_leave_nothing(tmp_path, members, capsys):
    archive = archive_of(members, tmp_path / "hostile.tar")
    assert main(["unpack", str(archive), "--into", str(tmp_path / "in")]) == 1
    assert "is no archive of runs" in capsys.readouterr().out
    assert [path.name for path in tmp_path.rglob("*")] == ["hostile.tar"]


@pytest.mark.parametrize("at", [0, 1, 511, 512, 700, 1536])
def test_a_torn_archive_is_refused(digits, tmp_path, at):
    archive = archived(digits, tmp_path / "torn.tar")
    archive.write_bytes(archive.read_bytes()[:at])
    refused(archive, tmp_path)


@pytest.mark.parametrize("size", [-512, -(2**40), 2**40])
def test_a_size_that_cannot_be_is_refused(digits, tmp_path, size):
    """In base 256, as GNU tar writes large ones: a reader that trusts it may turn for ever."""
    archive = archived(digits, tmp_path / "size.tar")
    data = bytearray(archive.read_bytes())
    data[124:136] = (b"\xff" if size < 0 else b"\x80") + (size % 2**88).to_bytes(11, "big")
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    archive.write_bytes(data)
    refused(archive, tmp_path, "is cut off")


def test_a_large_archive_is_not_read(tmp_path):
    archive = tmp_path / "large.tar"
    with archive.open("wb") as file:
        file.truncate(2**33)
    refused(archive, tmp_path, "too large")


def test_another_name_is_refused(digits, tmp_path):
    refused(archived((H, digits[1]), tmp_path / "a.tar"), tmp_path, "is not the name of its recipe")


def test_a_file_is_there_once(digits, tmp_path):
    folder, found = digits
    members = [member(f"{folder}/{name}", content) for name, content in found.items()]
    refused(archive_of([*members, members[0]], tmp_path / "a.tar"), tmp_path, "is there twice")


# JSON


def changed(run, file, fields):
    return json.dumps(json.loads(run[1][file]) | fields).encode()


@pytest.mark.parametrize("fields", [
    {"seed": XSS}, {"name": [XSS]}, {"model": XSS}, {"dataset": XSS}, {"alpha": "0.0456"},
    {"alpha": 2.0}, {"steps": -1}, {"size": XSS}, {"other": XSS}, {"distil": {"teacher": XSS}},
])
def test_a_recipe_is_typed(digits, tmp_path, fields):
    """Also where the folder has the hash that such a recipe would have."""
    recipe = changed(digits, "recipe.json", fields)
    try:
        folder = Recipe.from_dict(json.loads(recipe)).hash
    except (AttributeError, TypeError, ValueError):
        folder = digits[0]
    manifest = changed(digits, "manifest.json", {"run": folder})
    archive = archived((folder, digits[1]), tmp_path / "a.tar",
                       recipe__json=recipe, manifest__json=manifest)
    refused(archive, tmp_path, folder)


@pytest.mark.parametrize("fields, word", [
    ({"seed": XSS}, "seed"), ({"seed": 1}, "seed"), ({"seed": True}, "seed"),
    ({"seed": 0.0}, "seed"), ({"name": "lab/other"}, "name"), ({"run": H}, "run"),
    ({"threads": -1}, "threads"), ({"steps": 10**300}, "steps"), ({"scale": None}, "scale"),
    ({"wall_seconds": float("nan")}, "wall_seconds"), ({"wall_seconds": float("inf")}, "wall_"),
    ({"device": 3}, "device"), ({"device": ["cpu"]}, "device"),
    ({"device": "x" * 20_000}, "device"),
    ({"versions": XSS}, "versions"), ({"versions": {"torch": {}}}, "torch"),
    ({XSS: 1}, "unknown"),
])
def test_a_manifest_is_of_known_fields_and_types(digits, tmp_path, fields, word):
    manifest = changed(digits, "manifest.json", fields)
    archive = archived(digits, tmp_path / "a.tar", manifest__json=manifest)
    refused(archive, tmp_path, "manifest.json", word)


def test_a_field_is_there_once(digits, tmp_path):
    manifest = digits[1]["manifest.json"].replace(b"{", b'{"device": "other",', 1)
    archive = archived(digits, tmp_path / "a.tar", manifest__json=manifest)
    refused(archive, tmp_path, "manifest.json", "['device'] is there twice")


@pytest.mark.parametrize("fields", [
    {"val_ece": XSS}, {"val_ece": float("nan")}, {"val_ece": True}, {"val_ece": []},
    {"val_ece": {"a": 1}}, {XSS: 1.0}, {"": 1.0},
])
def test_metrics_are_finite_numbers(digits, tmp_path, fields):
    metrics = changed(digits, "metrics.json", fields)
    refused(archived(digits, tmp_path / "a.tar", metrics__json=metrics), tmp_path, "metrics.json")


@pytest.mark.parametrize("fields", [
    {"val_ece": XSS}, {"val_ece": [XSS]}, {"val_ece": [0.1]}, {"val_ece": [float("inf")] * 60},
    {"epoch": 3}, {"step": None}, {"mi_fresh": [0.1]}, {XSS: [0.1] * 60},
])
def test_a_history_is_of_equal_lists_of_numbers(digits, tmp_path, fields):
    history = changed(digits, "history.json", fields)
    refused(archived(digits, tmp_path / "a.tar", history__json=history), tmp_path, "history.json")


@pytest.mark.parametrize("change", [
    lambda s: s.update(source=3), lambda s: s.update(reference=[XSS]),
    lambda s: s.pop("hypothesis"),
    lambda s: s.update(tokens=XSS), lambda s: s["tokens"].append("more"),
    lambda s: s["tokens"].__setitem__(0, 3), lambda s: s["probabilities"].__setitem__(0, 1.5),
    lambda s: s["probabilities"].__setitem__(0, XSS), lambda s: s.update(hypotheses={}),
    lambda s: s["hypotheses"].append({}), lambda s: s["hypotheses"].append(3),
    lambda s: s["hypotheses"][0].update(score=XSS), lambda s: s.update(other=XSS),
    lambda s: s["reference_probabilities"].__setitem__(0, float("nan")),
])
def test_sentences_are_words_and_their_probabilities(grammar, tmp_path, change):
    samples = json.loads(grammar[1]["samples.json"])
    change(samples[0])
    archive = archived(grammar, tmp_path / "a.tar", samples__json=json.dumps(samples).encode())
    refused(archive, tmp_path, "samples.json")


@pytest.mark.parametrize("name", ["recipe", "manifest", "metrics", "history", "samples"])
@pytest.mark.parametrize("content", [
    b"", b"torn", b"null", b"3", b"[]", b"{}", b"[3]", b'"' + XSS.encode() + b'"', b"\xff\xfe{}",
    b"[" * 200_000, b'{"a":' * 100_000, b"9" * 5000, b'{"a": 1, "a": 2}',
], ids=range(13))
def test_json_of_another_kind_is_refused(grammar, tmp_path, name, content):
    archive = archived(grammar, tmp_path / "a.tar", **{f"{name}__json": content})
    refused(archive, tmp_path, f"{name}.json")


# Arrays


def npz(arrays, packing=ZIP_DEFLATED):
    made = io.BytesIO()
    with ZipFile(made, "w", packing) as stored:
        for name, array in arrays.items():
            with stored.open(name, "w") as file:
                file.write(array if isinstance(array, bytes) else npy(array))
    return made.getvalue()


def npy(array):
    made = io.BytesIO()
    np.lib.format.write_array(made, array, version=(1, 0))
    return made.getvalue()


def stored(run):
    with np.load(io.BytesIO(run[1]["arrays.npz"])) as arrays:
        return {f"{name}.npy": arrays[name] for name in arrays.files}


def with_a_class_less(arrays):
    for name in ("val_logits.npy", "train_logits.npy"):
        arrays[name] = arrays[name][:, :9]
    arrays["templates.npy"] = arrays["templates.npy"][:9]
    for name in ("val_targets.npy", "train_targets.npy"):
        arrays[name] = arrays[name].clip(max=8)
    for name in [name for name in arrays if name.startswith("snapshot")]:
        del arrays[name]


CHANGES = [
    with_a_class_less,
    lambda a: a.pop("val_logits.npy"),
    lambda a: a.pop("train_logits.npy"),
    lambda a: a.pop("templates.npy"),
    lambda a: a.update({"val_logits.npy": np.array([{}], dtype=object)}),
    lambda a: a.update({"val_logits.npy": a["val_logits.npy"] * np.nan}),
    lambda a: a.update({"val_logits.npy": a["val_logits.npy"][:, :9]}),
    lambda a: a.update({"val_logits.npy": a["val_logits.npy"][:9]}),
    lambda a: a.update({"val_logits.npy": a["val_logits.npy"].ravel()}),
    lambda a: a.update({"val_logits.npy": a["val_logits.npy"].astype("c8")}),
    lambda a: a.update({"val_logits.npy": np.array([[XSS] * 10] * len(a["val_targets.npy"]))}),
    lambda a: a.update({"val_targets.npy": a["val_targets.npy"] + 10}),
    lambda a: a.update({"val_targets.npy": -a["val_targets.npy"].astype(int)}),
    lambda a: a.update({"val_targets.npy": a["val_targets.npy"].astype(float)}),
    lambda a: a.update({"train_logits.npy": a["train_logits.npy"][:, :9]}),
    lambda a: a.update({"templates.npy": a["templates.npy"][:9]}),
    lambda a: a.update({"templates.npy": np.zeros((10, 0))}),
    lambda a: a.update({"mi_mean.npy": np.zeros((3, 4)), "mi_scored.npy": np.zeros((3, 5))}),
    lambda a: a.update({"other.npy": np.zeros(3)}),
    lambda a: a.update({"../val_logits.npy": np.zeros(3)}),
]


@pytest.mark.parametrize("change", [
    *CHANGES,
    lambda a: a.update({"val_logits.npy": b"torn"}),
    lambda a: a.update({"val_logits.npy": npy(a["val_logits.npy"])[:-1]}),
    lambda a: a.update({"val_logits.npy": npy(a["val_logits.npy"]) + b"\0"}),
])
def test_arrays_have_known_names_shapes_and_values(digits, tmp_path, change):
    arrays = stored(digits)
    change(arrays)
    archive = archived(digits, tmp_path / "a.tar", arrays__npz=npz(arrays))
    refused(archive, tmp_path, "arrays.npz")


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_on_disk_is_read_by_the_same_table(digits, tmp_path, change):
    folder = tmp_path / digits[0]
    folder.mkdir()
    for name, content in digits[1].items():
        (folder / name).write_bytes(content)
    assert runs.store.load(folder).arrays["val_logits"].shape[1] == 10
    arrays = stored(digits)
    change(arrays)
    (folder / "arrays.npz").write_bytes(npz(arrays))
    with pytest.raises(runs.BrokenRun, match="arrays.npz cannot be read"):
        runs.store.load(folder).stored_arrays()


@pytest.mark.parametrize("text", [
    named("lab/transformer-grammar"), named("lab/transformer-sizes", seed=1),
    named("paper/transformer-multi30k", seed=1),
])
def test_a_text_keeps_its_curves_and_unless_it_is_cut_its_tokens(text):
    kept = runs.find(text).stored_arrays()
    contents.check_arrays(kept, text)
    curves = {name for name in kept if name.startswith("curve_")}
    needed = curves if text.sentences else {*curves, "token_correct", "plane_logits"}
    for name in needed:
        with pytest.raises(ValueError, match=f"lacks {name}"):
            contents.check_arrays({k: v for k, v in kept.items() if k != name}, text)


def test_confidences_are_shares(grammar, tmp_path):
    arrays = stored(grammar)
    arrays["token_confidence.npy"] = arrays["token_confidence.npy"] + np.float16(1)
    archive = archived(grammar, tmp_path / "a.tar", arrays__npz=npz(arrays))
    refused(archive, tmp_path, "token_confidence does not lie in [0, 1]")


@pytest.mark.parametrize("content", [b"", b"torn", b"PK\x05\x06" + bytes(18)], ids=range(3))
def test_torn_arrays_are_refused(digits, tmp_path, content):
    archive = archived(digits, tmp_path / "a.tar", arrays__npz=content)
    refused(archive, tmp_path, "arrays.npz")


def header(shape, dtype="<f8"):
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        made, {"descr": dtype, "fortran_order": False, "shape": shape})
    return made.getvalue()


@pytest.mark.parametrize("shape", [(10**11,), (10**9, 100), (-1, 10), (2**62, 2**62, 0)])
def test_an_array_is_as_large_as_it_says(digits, tmp_path, shape):
    """745 GiB claimed by a file of 200 bytes."""
    arrays = stored(digits) | {"val_logits.npy": header(shape) + bytes(80)}
    archive = archived(digits, tmp_path / "a.tar", arrays__npz=npz(arrays))
    refused(archive, tmp_path, "arrays.npz", "val_logits")


@pytest.fixture(scope="module")
def bomb():
    """A stream of bzip2 that expands to 200 MiB of zeros."""
    packer = bz2.BZ2Compressor()
    return b"".join([*(packer.compress(bytes(2**20)) for _ in range(200)), packer.flush()])


def packed_as(content, size, method=ZIP_BZIP2):
    """A zip whose only entry holds ``content`` as it is and says that it expands to ``size``."""
    name = b"val_logits.npy"
    common = struct.pack("<HHHHHIIIHH", 20, 0, method, 0, 33, 0, len(content), size, len(name), 0)
    local = b"PK\x03\x04" + common + name + content
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0)
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central + name), len(local), 0)
    return local + central + name + b"PK\x05\x06" + end


def test_a_bomb_that_says_so_is_not_expanded(digits, bomb, tmp_path):
    archive = archived(digits, tmp_path / "a.tar", arrays__npz=packed_as(bomb, 200 * 2**20))
    refused(archive, tmp_path, "expands to more than")


@pytest.mark.parametrize("size", [0, 1000, 2**20])
def test_a_bomb_is_expanded_to_what_it_says_at_most(digits, bomb, tmp_path, size):
    archive = archived(digits, tmp_path / "a.tar", arrays__npz=packed_as(bomb, size))
    refused(archive, tmp_path, "val_logits.npy is not what it says it is")


def test_many_small_arrays_that_are_large_together_are_refused(digits, tmp_path):
    zeros = np.zeros((1000, 10_000), np.float16)
    names = ("val_logits", "train_logits", "mi_mean", "mi_scored")
    arrays = {f"{name}.npy": zeros for name in names}
    archive = archived(digits, tmp_path / "a.tar", arrays__npz=npz(arrays))
    refused(archive, tmp_path, "expands to more than")


def test_another_packing_is_refused(digits, tmp_path):
    arrays = npz(stored(digits), ZIP_LZMA)
    refused(archived(digits, tmp_path / "a.tar", arrays__npz=arrays), tmp_path, "another way")


# Weights


@pytest.mark.parametrize("change", [
    lambda w: w.clear(),
    lambda w: w.pop(next(iter(w))),
    lambda w: w.update(other=torch.zeros(3)),
    lambda w: w.update({next(iter(w)): torch.zeros(3)}),
    lambda w: w.update({next(iter(w)): next(iter(w.values())) * torch.nan}),
])
def test_weights_are_those_of_the_network(digits, tmp_path, change):
    weights = load(digits[1]["weights.safetensors"])
    change(weights)
    archive = archived(digits, tmp_path / "a.tar", weights__safetensors=save(weights))
    refused(archive, tmp_path, "weights.safetensors")


def test_no_network_is_built_that_is_deeper_than_its_weights(grammar, tmp_path):
    size = (("d_model", 64), ("layers", 10**7), ("heads", 4), ("d_ff", 128), ("dropout", 0.0))
    recipe = named("lab/transformer-grammar", size=size)
    archive = archived(
        (recipe.hash, grammar[1]), tmp_path / "a.tar",
        recipe__json=json.dumps(recipe.to_dict()).encode(),
        manifest__json=changed(grammar, "manifest.json", {"run": recipe.hash}))
    refused(archive, tmp_path, "fewer tensors than the network has layers")


@pytest.mark.parametrize("content", [
    b"", b"torn", (2**62).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"[]",
    b"\x80\x04K\x01.",
], ids=range(5))
def test_torn_weights_are_refused(digits, tmp_path, content):
    archive = archived(digits, tmp_path / "a.tar", weights__safetensors=content)
    refused(archive, tmp_path, "weights.safetensors")
