import errno
import gzip
import hashlib
import io
import shutil
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lsbook.data import store
from lsbook.data.store import DataError

CONTENT = bytes(range(256)) * 5000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Mirror(BaseHTTPRequestHandler):
    """/good serves CONTENT with ranges; the other paths misbehave as they are named."""

    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(asked[6:-1]) if asked and "no-range" not in self.path else 0
        if self.path == "/gone":
            return self.send_error(404)
        body = {"/wrong": b"?" * len(CONTENT), "/packed": gzip.compress(CONTENT)}.get(
            self.path, CONTENT
        )
        if start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        self.wfile.write(rest[: len(rest) // 2] if self.path == "/breaks" else rest)

    def log_message(self, *args):
        pass


@pytest.fixture
def mirror():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.ranges = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.at = f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    server.server_close()


def leftovers(folder):
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".lock"))


def test_download_is_whole_and_not_repeated(mirror, tmp_path):
    path = tmp_path / "sub" / "file.bin"
    for _ in range(2):
        assert store.fetch(path, [f"{mirror.at}/good"], MD5).read_bytes() == CONTENT
    assert leftovers(path.parent) == ["file.bin"]
    assert mirror.ranges == [None]


def test_resumes_where_it_stopped(mirror, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    store.fetch(tmp_path / "file.bin", [f"{mirror.at}/good"], MD5)
    assert mirror.ranges == ["bytes=1000-"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_complete_part_needs_no_more_bytes(mirror, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    store.fetch(tmp_path / "file.bin", [f"{mirror.at}/good"], MD5)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_server_without_ranges_starts_over(mirror, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    store.fetch(tmp_path / "file.bin", [f"{mirror.at}/no-range"], MD5)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_wrong_part_is_fetched_again_from_the_start(mirror, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(b"?" * 1000)
    store.fetch(tmp_path / "file.bin", [f"{mirror.at}/good"], MD5)
    assert mirror.ranges == ["bytes=1000-", None]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("first", ["gone", "wrong", "breaks"])
def test_next_mirror_takes_over(mirror, tmp_path, first):
    store.fetch(tmp_path / "file.bin", [f"{mirror.at}/{first}", f"{mirror.at}/good"], MD5)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    half = f"bytes={len(CONTENT) // 2}-"
    assert mirror.ranges == [None, half if first == "breaks" else None]


def test_no_mirror_left_names_them_and_the_place(mirror, tmp_path):
    path = tmp_path / "file.bin"
    with pytest.raises(DataError) as error:
        store.fetch(path, [f"{mirror.at}/gone", f"{mirror.at}/wrong", f"{mirror.at}/breaks"], MD5)
    for part in (str(path), "HTTP 404", "wrong content", "broke off"):
        assert part in str(error.value)
    assert leftovers(tmp_path) == ["file.bin.part"]  # half of it, for the next time


def test_no_network_is_one_clear_error(tmp_path):
    with pytest.raises(DataError, match="Could not fetch"):
        store.fetch(tmp_path / "file.bin", ["http://127.0.0.1:9/file"], MD5)
    assert leftovers(tmp_path) == []


def test_gzipped_source_is_unpacked_and_checked(mirror, tmp_path):
    addresses = [f"{mirror.at}/good", f"{mirror.at}/packed"]
    store.fetch(tmp_path / "file.bin", addresses, MD5, gzipped=True)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert leftovers(tmp_path) == ["file.bin"]


def test_full_disk_keeps_what_arrived(mirror, tmp_path, monkeypatch):
    path = tmp_path / "file.bin"
    part = tmp_path / "file.bin.part"
    part.write_bytes(CONTENT[:1000])
    plain_open = Path.open

    class Full(io.BytesIO):
        def write(self, chunk):
            raise OSError(errno.ENOSPC, "No space left on device")

    def full_open(self, mode="r", *args, **kwargs):
        return Full() if self == part and "a" in mode else plain_open(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full_open)
    with pytest.raises(DataError, match="disk is full"):
        store.fetch(path, [f"{mirror.at}/good"], MD5)
    monkeypatch.undo()
    assert part.read_bytes() == CONTENT[:1000]
    assert store.fetch(path, [f"{mirror.at}/good"], MD5).read_bytes() == CONTENT


def test_unpack_leaves_other_files_alone(tmp_path):
    source = tmp_path / "made" / "set"
    source.mkdir(parents=True)
    (source / "a").write_bytes(b"new")
    archive = tmp_path / "set.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(source, "set")
    target = tmp_path / "data"
    (target / "set").mkdir(parents=True)
    (target / "set" / "a").write_bytes(b"old")
    (target / "set" / "mine").write_bytes(b"kept")
    store.unpack(archive, target)
    assert (target / "set" / "a").read_bytes() == b"new"
    assert (target / "set" / "mine").read_bytes() == b"kept"
    assert leftovers(target) == ["set"]

    archive.write_bytes(archive.read_bytes()[:40])
    with pytest.raises(DataError, match="set.tar.gz"):
        store.unpack(archive, target)
    assert leftovers(target) == ["set"]


def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model"
    store.write(path, b"old")

    def refuse(*args):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(store.os, "replace", refuse)
    with pytest.raises(OSError):
        store.write(path, b"new")
    assert path.read_bytes() == b"old" and leftovers(tmp_path) == ["model"]


def test_ensure_names_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setenv("LSBOOK_DATA", str(tmp_path))
    files = {"set/a": hashlib.md5(b"right").hexdigest()}

    def fetch(path, directory):
        (directory / path).write_bytes(b"right")

    with pytest.raises(DataError) as missing:
        store.ensure("toys", None, files, fetch, download=False)
    for part in ("toys", str(tmp_path), "LSBOOK_DATA", "download=True"):
        assert part in str(missing.value)

    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a").write_bytes(b"wrong")
    with pytest.raises(DataError, match="damaged") as damaged:
        store.ensure("toys", None, files, fetch, download=False)
    assert str(tmp_path / "set" / "a") in str(damaged.value)

    assert store.ensure("toys", None, files, fetch, download=True) == tmp_path
    shutil.rmtree(tmp_path / "set")


def test_data_dir_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("LSBOOK_DATA", str(tmp_path))
    assert store.data_dir() == tmp_path
    monkeypatch.delenv("LSBOOK_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert "lsbook" in str(store.data_dir())
