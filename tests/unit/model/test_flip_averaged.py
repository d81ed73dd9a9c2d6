import numpy as np
import onnxruntime
import pytest
import torch

from pneumoscope.model.build import classifier_of
from pneumoscope.model.export import export_onnx
from pneumoscope.model.flip_averaged import FlipAveraged


@pytest.fixture(params=["linear", "dense"])
def classifier(request):
    torch.manual_seed(0)
    model = classifier_of("tiny", request.param, weights="random", dropout=0.0, drop_path=0.0)
    if request.param == "linear":
        torch.nn.init.normal_(model.head.weight)
        torch.nn.init.constant_(model.head.bias, 0.3)
    return model.eval()


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(1))


def test_it_is_the_mean_of_both_ways_to_look(classifier, pictures):
    with torch.inference_mode():
        found = FlipAveraged(classifier)(pictures)
        seen, mirrored = classifier(pictures), classifier(pictures.flip(3))
    assert not torch.allclose(seen.saliency_map, mirrored.saliency_map.flip(2), rtol=1e-3)
    assert torch.allclose(found.logit, (seen.logit + mirrored.logit) / 2)
    assert torch.allclose(found.saliency_map, (seen.saliency_map + mirrored.saliency_map.flip(2)) / 2)
    assert torch.allclose(found.embedding, (seen.embedding + mirrored.embedding) / 2)


def test_a_mirror_image_gives_the_same_logit_and_the_mirrored_map(classifier, pictures):
    with torch.inference_mode():
        found, mirrored = (FlipAveraged(classifier)(each) for each in (pictures, pictures.flip(3)))
    assert torch.allclose(found.logit, mirrored.logit, atol=1e-6)
    assert torch.allclose(found.saliency_map, mirrored.saliency_map.flip(2), atol=1e-6)


def test_it_exports_and_its_map_still_adds_up(classifier, pictures):
    model = FlipAveraged(classifier)
    graph = export_onnx(model, size_px=64)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = model(pictures)
    for count in (3, 1):
        outputs = session.run(None, {"radiograph": pictures[:count].numpy()})
        for found, reference in zip(outputs, expected, strict=True):
            assert np.allclose(found, reference[:count].numpy(), atol=1e-5)
    if model.bias_logit() is not None:  # the dense head's map does not add up
        assert np.abs(outputs[1].sum((1, 2)) + model.bias_logit() - outputs[0]).max() < 1e-5


def test_the_card_says_that_both_ways_were_averaged(classifier):
    model = FlipAveraged(classifier)
    assert model.saliency_method == f"{classifier.saliency_method}, mean of the radiograph and its mirror image"
    assert model.feature_map_name == classifier.feature_map_name == "block4 of tiny"
