"""The shipped graph against the weights it was exported from, by PyTorch's own automatic differentiation."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pneumoscope.model.classifier import Classifier
from pneumoscope.model.trained import trained_classifier
from pneumoscope.radiograph.reading import read_radiograph

WEIGHTS = Path(__file__).parents[2] / "results/efficientnet-lite0-seed0/weights.safetensors"


@pytest.fixture(scope="module")
def model() -> Classifier:
    return trained_classifier(WEIGHTS, map_stride=16, map_centred=True)


@pytest.fixture(scope="module")
def batch(predictor, example_radiographs) -> np.ndarray:
    return np.stack([predictor.preprocessing(read_radiograph(path).gray) for path in example_radiographs])


def test_the_shipped_graph_is_the_trained_network(model, predictor, batch):
    logit, saliency_map, embedding = predictor.run(batch)
    with torch.inference_mode():
        expected = model(torch.from_numpy(batch))
    # the graph stores half-precision weights
    assert np.abs(logit - expected.logit.numpy()).max() < 1e-2
    assert np.abs(saliency_map - expected.saliency_map.numpy()).max() < 1e-3
    assert np.abs(embedding - expected.embedding.numpy()).max() < 2e-2


def test_the_shipped_map_is_autograd_grad_cam_up_to_a_constant_on_every_shipped_radiograph(model, predictor, batch):
    _, saliency_map, _ = predictor.run(batch)
    feature_map = model.backbone(torch.from_numpy(batch)).detach().requires_grad_()
    model.head(feature_map.mean(dim=(2, 3))).sum().backward()
    weight = feature_map.grad.mean(dim=(2, 3), keepdim=True)
    grad_cam = (weight * feature_map).sum(1).detach().numpy()
    for own, reference in zip(saliency_map, grad_cam, strict=True):
        assert np.corrcoef(own.ravel(), reference.ravel())[0, 1] > 0.9999
