import os
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch

from pneumoscope.errors import UnusableRecipe
from pneumoscope.model import densenet121, efficientnet_lite
from pneumoscope.model.build import backbone_names, backbone_of, classifier_of
from pneumoscope.model.classifier import LinearHeadClassifier
from pneumoscope.model.export import evaluating, export_onnx, export_prefix
from pneumoscope.model.published import PUBLISHED, Packaged


def weights_at_hand(backbone: str):
    """Published where a package brings them, so that features have the size they have in use."""
    return "published" if isinstance(PUBLISHED.get(backbone), Packaged) else "random"


def run(graph, pictures: torch.Tensor) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"radiograph": pictures.numpy()})


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(1))


def explained_as_in_pytorch(model, pictures) -> bool:
    """Whether the graph gives PyTorch's logit, map and embedding, and its map and bias add up to its logit."""
    torch.nn.init.normal_(model.head.weight, std=0.1)
    torch.nn.init.constant_(model.head.bias, 0.3)
    outputs = run(export_onnx(model, size_px=64), pictures)
    logit, saliency_map, _ = outputs
    lacking = np.abs(saliency_map.sum((1, 2)) + model.bias_logit() - logit).max()
    with torch.inference_mode():
        expected = [each.numpy() for each in model.eval()(pictures)]
    same = [np.allclose(*pair, rtol=1e-4, atol=1e-4) for pair in zip(outputs, expected, strict=True)]
    return all(same) and lacking < 1e-4 * max(1.0, np.abs(logit).max())


@pytest.mark.parametrize("backbone", ["tiny", "vgg16"])
def test_a_classifier_exports_with_a_map_that_adds_up(backbone, pictures):
    torch.manual_seed(0)
    model = classifier_of(backbone, "linear", weights="random", dropout=0.2, drop_path=0.0)
    assert explained_as_in_pytorch(model, pictures)


def test_a_finer_and_centred_map_exports_and_adds_up(pictures, monkeypatch):
    """One block a stage instead of sixteen: every kind of step, in half of the time."""
    shallow = tuple(replace(stage, repeats=1) for stage in efficientnet_lite.LITE0_STAGES)
    monkeypatch.setattr(efficientnet_lite, "LITE0_STAGES", shallow)
    torch.manual_seed(0)
    backbone = efficientnet_lite.EfficientNetLite(map_stride=16, map_centred=True)
    for module in backbone.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)  # so that the signal does not fade
    model = LinearHeadClassifier(backbone)
    assert explained_as_in_pytorch(model, pictures)
    with torch.inference_mode():
        saliency_map = model(pictures).saliency_map
    assert saliency_map.shape == (3, 4, 4)
    assert saliency_map.std() > 0.01


def test_a_shallow_densenet_exports_with_a_map_that_adds_up(pictures, monkeypatch):
    """One layer a block instead of 58: every kind of layer, in a tenth of the time."""
    monkeypatch.setattr(densenet121, "LAYERS", (1, 1, 1, 1))
    torch.manual_seed(0)
    model = classifier_of("densenet121", "linear", weights="random", dropout=0.2, drop_path=0.0)
    assert model.backbone.feature_channels == 68  # (((64 + 32) / 2 + 32) / 2 + 32) / 2 + 32
    assert explained_as_in_pytorch(model, pictures)


@pytest.mark.skipif("PNEUMOSCOPE_SLOW_TESTS" not in os.environ, reason="a minute: set PNEUMOSCOPE_SLOW_TESTS=1")
@pytest.mark.parametrize("backbone", backbone_names())
def test_every_backbone_exports_with_a_map_that_adds_up(backbone, pictures):
    torch.manual_seed(0)
    model = classifier_of(backbone, "linear", weights=weights_at_hand(backbone), dropout=0.2, drop_path=0.0)
    assert explained_as_in_pytorch(model, pictures)


@pytest.mark.parametrize(
    ("backbone", "part"), [("tiny", "block2"), ("efficientnet-lite0", "stage2"), ("vgg16", "block4_pool")]
)
def test_the_first_parts_give_in_onnx_runtime_what_they_give_in_pytorch(backbone, part, pictures):
    torch.manual_seed(0)
    model = backbone_of(backbone, weights=weights_at_hand(backbone), drop_path=0.0)
    graph = export_prefix(model, part, size_px=64)
    assert [output.name for output in graph.graph.output] == ["features"]
    with torch.inference_mode():
        expected = model.eval().forward_until(pictures, part).numpy()
    for count in (3, 1):
        (features,) = run(graph, pictures[:count])
        assert np.abs(features - expected[:count]).max() < 1e-4 * np.abs(expected).max()


def test_a_prefix_ends_in_a_part_that_is_there():
    with pytest.raises(UnusableRecipe, match="part 'block9'"):
        export_prefix(backbone_of("tiny", weights="random", drop_path=0.0), "block9", size_px=64)


def test_a_training_can_go_on_after_an_export():
    backbone = backbone_of("tiny", weights="random", drop_path=0.0)
    backbone.freeze_through("block1")
    backbone.train()
    before = {name: module.training for name, module in backbone.named_modules()}
    assert set(before.values()) == {True, False}
    with evaluating(backbone):
        assert not any(module.training for module in backbone.modules())
    assert {name: module.training for name, module in backbone.named_modules()} == before


def test_a_graph_tells_nothing_of_the_machine_it_was_exported_on(pictures):
    model = classifier_of("tiny", "linear", weights="random", dropout=0.0, drop_path=0.0)
    content = export_onnx(model, size_px=64).SerializeToString()
    assert os.fspath(torch.__path__[0]).encode() not in content
    assert b"site-packages" not in content
    assert b".py" not in content
