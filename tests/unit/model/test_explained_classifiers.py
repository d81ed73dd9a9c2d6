"""The map in the graph against autograd, in PyTorch and in ONNX Runtime, on real radiographs."""

import numpy as np
import onnxruntime
import pytest
import torch

from pneumoscope.model.build import backbone_of
from pneumoscope.model.classifier import LinearHeadClassifier, class_activation_map
from pneumoscope.model.dense_head import DenseHeadClassifier
from pneumoscope.model.export import export_onnx, with_halved_weights
from pneumoscope.model.vgg16 import VGG16
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.radiograph.reading import read_radiograph


def autograd_grad_cam(model, picture: torch.Tensor) -> np.ndarray:
    """Grad-CAM by the book, without its ReLU: the mean gradient of each channel weighs its map."""
    kept = {}

    def keep(_module, _inputs, feature_map):
        feature_map.retain_grad()
        kept["feature_map"] = feature_map

    handle = model.backbone.register_forward_hook(keep)
    try:
        model(picture).logit.sum().backward()
    finally:
        handle.remove()
    feature_map = kept["feature_map"]
    weight = feature_map.grad.mean(dim=(2, 3), keepdim=True)
    return (weight * feature_map).sum(1).detach().numpy()


def session_of(graph) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def pictures(example_radiographs) -> np.ndarray:
    sample = Preprocessing(224)
    return np.stack([sample(read_radiograph(path).gray) for path in example_radiographs[::5][:5]])


@pytest.fixture(scope="module")
def linear() -> LinearHeadClassifier:
    torch.manual_seed(0)
    model = LinearHeadClassifier(backbone_of("efficientnet-lite0", weights="published", drop_path=0.0))
    torch.nn.init.normal_(model.head.weight, std=0.1)
    torch.nn.init.constant_(model.head.bias, 0.3)
    return model.eval()


@pytest.fixture(scope="module")
def linear_session(linear):
    return session_of(export_onnx(linear, size_px=224))


@pytest.fixture(scope="module")
def dense() -> DenseHeadClassifier:
    torch.manual_seed(0)
    return DenseHeadClassifier(VGG16()).eval()


@pytest.fixture(scope="module")
def dense_session(dense):
    return session_of(export_onnx(dense, size_px=224))


def test_the_map_of_a_worked_case_adds_up():
    feature_map = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 8.0]]]])
    found = class_activation_map(feature_map, torch.tensor([2.0, -1.0]))
    assert found.tolist() == [[[0.5, 1.0], [1.5, 0.0]]]
    assert found.sum().item() == 2.0 * 2.5 - 1.0 * 2.0


def test_the_exported_map_plus_bias_is_the_logit_on_real_radiographs(linear, linear_session, pictures):
    logit, saliency_map, _ = linear_session.run(None, {"radiograph": pictures})
    assert np.abs(saliency_map.sum((1, 2)) + linear.head.bias.item() - logit).max() < 1e-4


def test_the_exported_map_is_grad_cam_up_to_a_constant(linear, linear_session, pictures):
    _, saliency_map, _ = linear_session.run(None, {"radiograph": pictures})
    reference = autograd_grad_cam(linear, torch.from_numpy(pictures))
    for own, other in zip(saliency_map, reference, strict=True):
        assert np.corrcoef(own.ravel(), other.ravel())[0, 1] > 0.9999


def test_the_dense_heads_exported_map_equals_autograd_at_block5_conv3(dense, dense_session, pictures):
    logit, saliency_map, _ = dense_session.run(None, {"radiograph": pictures})
    reference = autograd_grad_cam(dense, torch.from_numpy(pictures))
    scale = np.abs(reference).max()
    assert np.abs(saliency_map - reference).max() < 1e-4 * max(1.0, scale)
    assert np.abs(saliency_map / scale - reference / scale).max() < 1e-4
    with torch.inference_mode():
        assert np.allclose(logit, dense(torch.from_numpy(pictures)).logit.numpy(), atol=1e-4)


@pytest.mark.parametrize("which", ["linear_session", "dense_session"])
def test_a_radiograph_in_a_batch_gives_what_it_gives_alone(which, pictures, request):
    session = request.getfixturevalue(which)
    together = session.run(None, {"radiograph": pictures})
    for index in (0, 3):
        alone = session.run(None, {"radiograph": pictures[index : index + 1]})
        for many, one in zip(together, alone, strict=True):
            assert np.allclose(many[index], one[0], atol=1e-5)


def test_dropout_is_no_part_of_the_exported_explanation(dense, pictures):
    dense.train()
    try:
        with torch.no_grad():
            first, second = (dense(torch.from_numpy(pictures[:1])).logit.item() for _ in range(2))
    finally:
        dense.eval()
    assert first != second


def test_halved_weights_halve_the_file_and_keep_map_and_sum(linear, linear_session, pictures):
    graph = export_onnx(linear, size_px=224)
    halved = with_halved_weights(graph)
    assert len(halved.SerializeToString()) < 0.53 * len(graph.SerializeToString())
    full = linear_session.run(None, {"radiograph": pictures})
    stored = session_of(halved).run(None, {"radiograph": pictures})
    assert np.abs(stored[1].sum((1, 2)) + linear.head.bias.item() - stored[0]).max() < 1e-4
    for own, other in zip(full[1], stored[1], strict=True):
        assert np.corrcoef(own.ravel(), other.ravel())[0, 1] > 0.999
