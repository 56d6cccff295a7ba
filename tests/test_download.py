"""Full-scale sets against a server that misbehaves: nothing half-written, one line, a fallback."""

import gzip
import hashlib
import os
import signal
import socket
import struct
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

from d2lutil import data
from d2lutil.data import download

torchvision = pytest.importorskip("torchvision")
pooch = pytest.importorskip("pooch")

LOADERS = {"MNIST": data.digits, "FashionMNIST": data.fashion_mnist}


def idx(array):
    """Compress an array of bytes to a file in MNIST's own format."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes())


RANDOM = np.random.default_rng(0)
ARRAYS = {
    "train-images-idx3-ubyte.gz": RANDOM.integers(0, 256, (12, 28, 28), dtype=np.uint8),
    "train-labels-idx1-ubyte.gz": np.arange(12, dtype=np.uint8) % 10,
    "t10k-images-idx3-ubyte.gz": RANDOM.integers(0, 256, (5, 28, 28), dtype=np.uint8),
    "t10k-labels-idx1-ubyte.gz": np.arange(5, dtype=np.uint8),
}
FILES = {name: idx(array) for name, array in ARRAYS.items()}
FIRST = next(iter(FILES))


class Handler(BaseHTTPRequestHandler):
    """Answers a request as the server's `behaviour` says."""

    def log_message(self, *args):
        pass

    def start(self, status=200, length=None):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        self.server.requests.append(name)
        body = FILES[name]
        half = body[: len(body) // 2]
        match self.server.behaviour.get(name, "behaves"):
            case "behaves":
                self.start(length=len(body))
                self.wfile.write(body)
            case "closes mid-body":
                self.start(length=len(body))
                self.wfile.write(half)
            case "resets mid-body":
                self.start(length=len(body))
                self.wfile.write(half)
                self.wfile.flush()
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.close()
            case "closes mid-body, no length":
                self.start()
                self.wfile.write(half)
            case "short body":
                self.start(length=len(half))
                self.wfile.write(half)
            case "empty body":
                self.start(length=0)
            case "wrong bytes":
                self.start(length=len(body))
                self.wfile.write(bytes(len(body)))
            case "another page":
                page = b"<html>Please log in to this network</html>"
                self.start(length=len(page))
                self.wfile.write(page)
            case "stalls":
                self.server.released.wait(30)
            case "stalls mid-body":
                self.start(length=len(body))
                self.wfile.write(half)
                self.wfile.flush()
                self.server.released.wait(30)
            case "reader interrupts":
                self.start(length=len(body))
                self.wfile.write(half)
                self.wfile.flush()
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                self.server.released.wait(30)
            case int(status):
                page = b"Go away."
                self.start(status, len(page))
                self.wfile.write(page)
            case behaviour:
                raise AssertionError(behaviour)


class Server(ThreadingHTTPServer):
    """Serves `FILES` on this machine, misbehaving by a file's name."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour, self.requests, self.released = {}, [], threading.Event()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request, client_address):
        pass  # a client that has hung up


@pytest.fixture
def server():
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()


@pytest.fixture
def refusing():
    """Return the address of a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and never listening, so nobody else takes it
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


@pytest.fixture
def cache(tmp_path, monkeypatch, server):
    """Set full scale, `server` as the only mirror, and folders of the test's own."""
    monkeypatch.setenv("D2LUTIL_SCALE", "full")
    monkeypatch.setenv("D2LUTIL_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(download, "TIMEOUT", 0.5)
    hashes = [(name, hashlib.md5(content).hexdigest()) for name, content in FILES.items()]
    for name in LOADERS:
        source = getattr(torchvision.datasets, name)
        monkeypatch.setattr(source, "resources", hashes)
        monkeypatch.setattr(source, "mirrors", [server.address])
    return tmp_path / "cache"


@pytest.fixture(params=LOADERS)
def name(request):
    if request.param == "FashionMNIST":
        pytest.importorskip("d2l.torch")
    return request.param


def left_behind(cache):
    """Return each file in the cache, by its path there, with its content."""
    assert not list((cache.parent / "temporary").iterdir())
    found = (path for path in cache.rglob("*") if path.is_file())
    return {str(path.relative_to(cache)): path.read_bytes() for path in found}


def complete(name):
    return {os.path.join(name, file): content for file, content in FILES.items()}


def assert_is_full(split, capsys):
    for part, (X, y) in zip(("train", "t10k"), split, strict=True):
        images = torch.from_numpy(ARRAYS[f"{part}-images-idx3-ubyte.gz"])
        labels = torch.from_numpy(ARRAYS[f"{part}-labels-idx1-ubyte.gz"])
        assert torch.equal(X, images[:, None].float() / 255)  # (n, 1, 28, 28)
        assert torch.equal(y, labels.long())
    out, err = capsys.readouterr()
    assert out == ""
    assert "\n" not in err  # a progress bar that has gone


def assert_fell_back(split, name, reason, capsys):
    out, err = capsys.readouterr()
    assert out.endswith("\n")
    assert out.count("\n") == 1
    assert out.startswith(f"{name} could not be loaded")
    assert reason in out
    assert "5,000 embedded digits" in out
    assert "\n" not in err
    for parts, n in zip(split, (4000, 1000), strict=True):
        X, y = parts
        assert (X.shape, X.dtype) == ((n, 1, 28, 28), torch.float32)
        assert (y.shape, y.dtype) == ((n,), torch.int64)
        assert 0 <= X.min() < X.max() <= 1


MISBEHAVIOURS = {
    "closes mid-body": "the connection broke off",
    "resets mid-body": "the connection broke off",
    "closes mid-body, no length": "wrong hash",
    "short body": "wrong hash",
    "empty body": "wrong hash",
    "wrong bytes": "wrong hash",
    "another page": "wrong hash",
    404: "404 Not Found",
    403: "403 Forbidden",
    500: "500 Internal Server Error",
    "stalls": "no answer for 0.5 s",
    "stalls mid-body": "no answer for 0.5 s",
}


def test_a_server_that_behaves(server, cache, name, capsys):
    assert_is_full(LOADERS[name](), capsys)
    assert left_behind(cache) == complete(name)
    assert server.requests == list(FILES)


def test_pooch_does_not_announce_its_downloads(cache, caplog):
    logger = pooch.get_logger()
    logger.setLevel("INFO")
    logger.addHandler(caplog.handler)
    data.digits()
    logger.removeHandler(caplog.handler)
    assert not caplog.records


def test_full_scale_flat(cache, name):
    (X, _), (X_test, _) = LOADERS[name](flat=True)
    assert (X.shape, X_test.shape) == ((12, 784), (5, 784))


@pytest.mark.parametrize("behaviour", MISBEHAVIOURS)
def test_a_server_that_misbehaves(server, cache, name, behaviour, capsys):
    server.behaviour = {FIRST: behaviour}
    split = LOADERS[name]()
    assert_fell_back(split, name, f"{FIRST}: {MISBEHAVIOURS[behaviour]}", capsys)
    assert left_behind(cache) == {}
    assert server.requests == [FIRST]


def test_a_server_that_refuses_the_connection(cache, name, refusing, monkeypatch, capsys):
    monkeypatch.setattr(getattr(torchvision.datasets, name), "mirrors", [refusing])
    assert_fell_back(LOADERS[name](), name, f"{FIRST}: connection refused", capsys)
    assert left_behind(cache) == {}


def test_a_reader_who_interrupts(server, cache, capsys):
    if not hasattr(signal, "pthread_kill"):
        pytest.skip("this system has no signals for a thread")
    server.behaviour = {FIRST: "reader interrupts"}
    download.TIMEOUT = 20  # the fixture restores it
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            data.digits()
    finally:
        signal.signal(signal.SIGINT, before)
    assert left_behind(cache) == {}
    assert capsys.readouterr().out == ""


def test_the_fallback_is_the_embedded_set(server, cache, monkeypatch):
    server.behaviour = {FIRST: 404}
    fallen = data.digits(test_size=500)
    monkeypatch.setenv("D2LUTIL_SCALE", "small")
    for a, b in zip(fallen, data.digits(test_size=500), strict=True):
        assert torch.equal(a[0], b[0])
        assert torch.equal(a[1], b[1])


def test_complete_files_are_kept_and_the_rest_is_fetched_next_time(server, cache, name, capsys):
    third = list(FILES)[2]
    server.behaviour = {third: "closes mid-body"}
    assert_fell_back(LOADERS[name](), name, f"{third}: the connection broke off", capsys)
    kept = dict(list(complete(name).items())[:2])
    assert left_behind(cache) == kept
    server.behaviour, server.requests = {}, []
    assert_is_full(LOADERS[name](), capsys)
    assert server.requests == list(FILES)[2:]


def test_what_is_in_the_cache_is_not_asked_for_again(server, cache, name, capsys):
    LOADERS[name]()
    server.requests.clear()
    server.behaviour = dict.fromkeys(FILES, 500)
    assert_is_full(LOADERS[name](), capsys)
    assert server.requests == []


def test_a_file_spoilt_in_the_cache_is_fetched_again(server, cache, name, capsys):
    LOADERS[name]()
    server.requests.clear()
    (cache / name / FIRST).write_bytes(FILES[FIRST][:100])
    assert_is_full(LOADERS[name](), capsys)
    assert left_behind(cache) == complete(name)
    assert server.requests == [FIRST]


def test_a_file_spoilt_in_the_cache_is_never_read(server, cache, name, capsys):
    LOADERS[name]()
    (cache / name / FIRST).write_bytes(FILES[FIRST][:100])
    server.behaviour = {FIRST: 404}
    assert_fell_back(LOADERS[name](), name, "404 Not Found", capsys)


@pytest.mark.parametrize("behaviour", [404, "wrong bytes", "closes mid-body"])
def test_the_next_mirror_is_tried(server, cache, name, behaviour, monkeypatch, capsys):
    with Server() as other:
        threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
        other.behaviour = dict.fromkeys(FILES, behaviour)
        mirrors = [other.address, server.address]
        monkeypatch.setattr(getattr(torchvision.datasets, name), "mirrors", mirrors)
        split = LOADERS[name]()
        other.shutdown()
    assert_is_full(split, capsys)
    assert left_behind(cache) == complete(name)
    assert other.requests == server.requests == list(FILES)


def test_every_mirror_s_reason_is_in_the_one_line(server, cache, refusing, monkeypatch, capsys):
    server.behaviour = {FIRST: 403}
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [server.address, refusing])
    assert_fell_back(data.digits(), "MNIST", "403 Forbidden, then connection refused", capsys)


def test_a_cache_that_cannot_be_written(server, cache, name, capsys):
    cache.write_text("not a folder")
    assert_fell_back(LOADERS[name](), name, str(cache), capsys)
    assert cache.read_text() == "not a folder"


@pytest.mark.parametrize(
    ("name", "missing"),
    [("MNIST", "torchvision"), ("MNIST", "pooch"), ("FashionMNIST", "d2l.torch")],
)
def test_a_library_that_is_missing(server, cache, name, missing, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, missing, None)
    assert_fell_back(LOADERS[name](), name, missing, capsys)
    assert server.requests == []


def test_small_scale_makes_no_request(server, cache, name, monkeypatch):
    monkeypatch.setenv("D2LUTIL_SCALE", "small")
    LOADERS[name]()
    assert server.requests == []
    assert not cache.exists()


def test_the_cache_is_the_user_s_own_by_default(cache, monkeypatch, tmp_path):
    monkeypatch.delenv("D2LUTIL_DATA")
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "user" / project)
    data.digits()
    assert sorted(path.name for path in (tmp_path / "user/d2lutil/MNIST").iterdir()) == sorted(
        FILES
    )
