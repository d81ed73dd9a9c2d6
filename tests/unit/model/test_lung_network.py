import numpy as np
import onnxruntime
import pytest
import torch

from pneumoscope.model.lung_network import COARSEST_STRIDE, LungNetwork, LungProbability
from pneumoscope.training.lungs import lung_graph


@pytest.fixture(scope="module")
def network() -> LungNetwork:
    torch.manual_seed(3)
    return LungNetwork().eval()


def pictures(count: int, size_px: int) -> torch.Tensor:
    return torch.rand(count, 1, size_px, size_px, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size_px", [COARSEST_STRIDE, 64, 224])
def test_the_answer_has_half_the_pictures_side(network, size_px):
    with torch.no_grad():
        assert network(pictures(2, size_px)).shape == (2, 1, size_px // 2, size_px // 2)


def test_a_picture_gets_the_same_answer_alone_and_in_a_batch(network):
    batch = pictures(3, 64)
    with torch.no_grad():
        together = network(batch)
        for index in range(3):
            assert torch.allclose(together[index], network(batch[index : index + 1])[0], atol=1e-5)


def test_the_middle_sees_every_corner(network):
    picture = pictures(1, 224).requires_grad_()
    network(picture)[0, 0, 56, 56].backward()
    seen = picture.grad[0, 0] != 0
    assert seen[:32, :32].any()
    assert seen[:32, -32:].any()
    assert seen[-32:, :32].any()
    assert seen[-32:, -32:].any()


def test_the_answer_is_a_probability(network):
    with torch.no_grad():
        probability = LungProbability(network)(pictures(2, 64))
    assert probability.shape == (2, 32, 32)
    assert 0 <= probability.min() <= probability.max() <= 1


def test_the_graph_says_what_the_network_says_and_is_small(network):
    content = lung_graph(network, size_px=64).SerializeToString()
    assert len(content) < 3_000_000
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    batch = pictures(5, 64)
    with torch.no_grad():
        expected = LungProbability(network)(batch).numpy()
    (found,) = session.run(["lung_probability"], {"radiograph": batch.numpy()})
    assert np.abs(found - expected).max() < 0.005  # weights are stored as fp16
