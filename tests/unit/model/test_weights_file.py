import hashlib

import pytest
import torch
from safetensors.torch import save_file

from pneumoscope.errors import UnusableOption
from pneumoscope.model.build import backbone_of, classifier_of
from pneumoscope.model.flip_averaged import FlipAveraged
from pneumoscope.model.weights_file import read_weights


def made(path, weights):
    save_file(weights, path) if path.suffix == ".safetensors" else torch.save(weights, path)
    return path


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    return backbone_of("tiny", weights="random", drop_path=0.0)


@pytest.mark.parametrize("name", ["weights.pth", "weights.pt", "weights.safetensors"])
def test_weights_come_back_from_every_kind_of_file(tmp_path, tiny, name):
    path = made(tmp_path / name, tiny.state_dict())
    taken = backbone_of("tiny", weights=path, drop_path=0.0).state_dict()
    assert all(torch.equal(value, taken[name]) for name, value in tiny.state_dict().items())


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_classifier_of_ours_lends_its_backbone(tmp_path, wrapped):
    model = classifier_of("tiny", "linear", weights="random", dropout=0.0, drop_path=0.0)
    path = made(tmp_path / "weights.safetensors", (FlipAveraged(model) if wrapped else model).state_dict())
    taken = backbone_of("tiny", weights=path, drop_path=0.0).state_dict()
    assert all(torch.equal(value, taken[name]) for name, value in model.backbone.state_dict().items())


def code_of(path) -> str:
    with pytest.raises(UnusableOption) as caught:
        read_weights(path)
    return caught.value.code


def test_a_file_whose_name_carries_a_hash_must_have_it(tmp_path, tiny):
    path = made(tmp_path / "tiny.pth", tiny.state_dict())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    right = path.rename(tmp_path / f"tiny-{digest[:8]}.pth")
    assert set(read_weights(right)) == set(tiny.state_dict())
    wrong = right.rename(tmp_path / "vgg16-397923af.pth")
    with pytest.raises(UnusableOption, match=f"SHA-256 begins with {digest[:8]}") as caught:
        read_weights(wrong)
    assert caught.value.code == "weights-damaged"


class Trap:
    """A pickle that writes a file when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickled_module_is_refused_with_the_way_to_convert_it(tmp_path, tiny):
    path = made(tmp_path / "model.pt", tiny)
    with pytest.raises(UnusableOption, match=r"model\.state_dict\(\)") as caught:
        read_weights(path)
    assert caught.value.code == "weights-pickled"


def test_code_in_a_file_is_never_run(tmp_path):
    path = made(tmp_path / "model.pt", {"weight": Trap(tmp_path / "sprung")})
    assert code_of(path) == "weights-pickled"
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept_bytes", [0, 20, 40_000])
def test_a_file_that_is_cut_off_is_damaged(tmp_path, tiny, suffix, kept_bytes):
    path = made(tmp_path / f"weights{suffix}", tiny.state_dict())
    path.write_bytes(path.read_bytes()[:kept_bytes])
    assert code_of(path) == "weights-damaged"


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"epoch": 3}, torch.zeros(2)])
def test_something_else_than_parameters_by_name_is_refused(tmp_path, content):
    assert code_of(made(tmp_path / "checkpoint.pt", content)) == "weights-format"


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    assert code_of(tmp_path / "nothing.pth") == "weights-not-found"


def test_a_text_file_is_damaged(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_text("<html>404</html>")
    assert code_of(path) == "weights-damaged"
