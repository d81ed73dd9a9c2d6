"""The shipped network in PyTorch, explained by automatic differentiation, against what its graph says."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torchcam.methods import GradCAM, LayerCAM

from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.gradient_maps import (
    MapGradient,
    grad_cam,
    grad_cam_plus_plus,
    gradient_of_mean,
    hires_cam,
    layer_cam,
)
from pneumoscope.model.classifier import LinearHeadClassifier
from pneumoscope.model.dense_head import DenseHeadClassifier
from pneumoscope.model.export import export_onnx
from pneumoscope.model.feature_outputs import ADDED, with_feature_outputs
from pneumoscope.model.reference_maps import LogitAlone, autograd_grad_cam, integrated_gradients
from pneumoscope.model.tiny import Tiny
from pneumoscope.model.trained import trained_classifier
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.radiograph.reading import read_radiograph

WEIGHTS = Path(__file__).parents[3] / "results/efficientnet-lite0-seed0/weights.safetensors"
TOLERANCE = 0.02
"""Of a map cell, logit units: the shipped graph stores its weights in half precision."""


@pytest.fixture(scope="module")
def shipped() -> LinearHeadClassifier:
    return trained_classifier(WEIGHTS, map_stride=16, map_centred=True)


@pytest.fixture(scope="module")
def radiographs(example_radiographs) -> torch.Tensor:
    sample = Preprocessing(224)
    return torch.from_numpy(np.stack([sample(read_radiograph(path).gray) for path in example_radiographs[::5][:5]]))


@pytest.fixture(scope="module", params=["linear", "dense"])
def small(request):
    torch.manual_seed(0)
    model = LinearHeadClassifier(Tiny()) if request.param == "linear" else DenseHeadClassifier(Tiny())
    if request.param == "linear":
        torch.nn.init.normal_(model.head.weight)
    return model.eval()


@pytest.fixture(scope="module")
def small_pictures() -> torch.Tensor:
    return torch.rand(5, 1, 96, 96, generator=torch.Generator().manual_seed(1))


def test_a_reference_is_made_with_the_grid_of_the_run_s_recipe(radiographs):
    coarse = trained_classifier(WEIGHTS, map_stride=32)
    with torch.inference_mode():
        logit, saliency_map, _ = coarse(radiographs[:1])
    assert saliency_map.shape == (1, 7, 7)
    assert saliency_map.sum().item() + coarse.bias_logit() == pytest.approx(logit.item(), abs=1e-4)


@pytest.mark.parametrize("batch", [1, 5])
def test_the_shipped_graphs_map_is_autograds_grad_cam(shipped, predictor, radiographs, batch):
    reference = autograd_grad_cam(shipped, radiographs[:batch]).numpy()
    in_graph = predictor.run(radiographs[:batch].numpy())[1]
    assert reference.shape == in_graph.shape == (batch, 14, 14)
    assert np.abs(reference - in_graph).max() < TOLERANCE
    for own, other in zip(in_graph, reference, strict=True):
        assert np.corrcoef(own.ravel(), other.ravel())[0, 1] > 0.999


def test_map_i_of_a_batch_is_map_i_alone(shipped, predictor, radiographs):
    together, in_graph = autograd_grad_cam(shipped, radiographs), predictor.run(radiographs.numpy())[1]
    for place in range(5):
        alone = radiographs[place : place + 1]
        assert torch.allclose(together[place], autograd_grad_cam(shipped, alone)[0], atol=1e-5)
        assert np.allclose(in_graph[place], predictor.run(alone.numpy())[1][0], atol=1e-5)


def test_any_layer_can_be_explained(shipped, radiographs):
    found = autograd_grad_cam(shipped, radiographs[:2], layer="backbone._blocks.10")
    assert found.shape == (2, 14, 14)
    assert found.isfinite().all()


@pytest.mark.parametrize(("layer", "code"), [("backbone._block.10", "layer-unknown"), ("head", "layer-without-map")])
def test_a_layer_without_a_map_is_refused(shipped, radiographs, layer, code):
    with pytest.raises(UnusableOption) as caught:
        autograd_grad_cam(shipped, radiographs[:1], layer=layer)
    assert caught.value.code == code


def test_integrated_gradients_add_up_to_the_change_of_the_logit(small, small_pictures):
    found = integrated_gradients(small, small_pictures, steps=200)
    with torch.inference_mode():
        change = small(small_pictures).logit - small(torch.full_like(small_pictures, 0.5)).logit
    assert found.shape == (5, 96, 96)
    assert torch.allclose(found.sum((1, 2)), change, atol=0.02 * float(change.abs().max()))
    assert torch.allclose(integrated_gradients(small, small_pictures[3:4], steps=200)[0], found[3], atol=1e-5)


def test_a_radiograph_that_is_the_baseline_has_no_integrated_gradients(small, small_pictures):
    assert not integrated_gradients(small, small_pictures, baseline=small_pictures, steps=4).any()


def gradients_of_graph(model, pictures: torch.Tensor) -> list[MapGradient]:
    features = with_feature_outputs(export_onnx(model, size_px=96).SerializeToString())
    session = onnxruntime.InferenceSession(features.content, providers=["CPUExecutionProvider"])
    found = []
    for picture in pictures.numpy():
        feature_map, weight = session.run(list(ADDED), {"radiograph": picture[np.newaxis]})
        found.append(gradient_of_mean(weight.reshape(-1), feature_map[0], pool=features.pool))
    return found


def test_the_graphs_gradient_is_autograds(small, small_pictures):
    kept = {}
    handle = small.backbone.register_forward_hook(lambda _m, _i, out: (out.retain_grad(), kept.update(out=out))[0])
    small(small_pictures).logit.sum().backward()
    handle.remove()
    for place, values in enumerate(gradients_of_graph(small, small_pictures)):
        reference = kept["out"].grad[place].numpy()
        assert values.feature_map == pytest.approx(kept["out"][place].detach().numpy(), abs=1e-4)
        assert values.gradient.mean((1, 2)) == pytest.approx(reference.mean((1, 2)), abs=1e-4)
        assert hires_cam(values) == pytest.approx((reference * values.feature_map).sum(0), abs=1e-4)
        assert grad_cam(values) == pytest.approx(
            autograd_grad_cam(small, small_pictures[place : place + 1])[0].numpy(), abs=1e-4
        )


def test_layercam_and_grad_cam_are_those_of_torch_cam(small, small_pictures):
    wrapped = LogitAlone(small)
    for place, values in enumerate(gradients_of_graph(small, small_pictures[:2])):
        picture = small_pictures[place : place + 1].clone().requires_grad_()
        for method, own in ((GradCAM, grad_cam(values)), (LayerCAM, layer_cam(values))):
            with method(wrapped, "classifier.backbone") as extractor:
                (reference,) = extractor(0, wrapped(picture).unsqueeze(1), normalized=False)
            assert np.maximum(own, 0) == pytest.approx(reference[0].detach().numpy(), abs=1e-4)


def test_grad_cam_plus_plus_is_that_of_the_paper_term_by_term(small, small_pictures):
    """Not against torch-cam 0.5, which divides a copy and so weighs by the cube of the gradient."""
    feature_map = small.backbone(small_pictures[:1]).detach().requires_grad_()
    small.explained(feature_map).logit.sum().backward()
    total = np.zeros(feature_map.shape[2:])
    for channel, gradient in zip(
        feature_map[0].detach().double().numpy(), feature_map.grad[0].double().numpy(), strict=True
    ):
        weight = 0.0
        for slope in gradient.ravel():
            if slope > 0:
                weight += slope**2 / (2 * slope**2 + channel.sum() * slope**3) * slope
        total += weight / gradient.size * channel
    (values,) = gradients_of_graph(small, small_pictures[:1])
    assert grad_cam_plus_plus(values) == pytest.approx(total, abs=1e-4)
