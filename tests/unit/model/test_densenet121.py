import re

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.errors import UnusableOption
from pneumoscope.model.densenet121 import DenseNet121


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    """The published file's names and shapes, its older spelling included, with values of ours."""
    torch.manual_seed(0)
    own = DenseNet121().state_dict()
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", name): value
        for name, value in own.items()
        if name.startswith("features.") and not name.endswith("num_batches_tracked")
    }
    return {**old, "classifier.weight": torch.zeros(1000, 1024), "classifier.bias": torch.zeros(1000)}


def stem_by_hand(weights, pictures):
    """The first convolution, batch-norm, ReLU and max-pool of a network that has not seen any data."""
    filtered = F.conv2d(F.pad(pictures, (3, 3, 3, 3)), weights["features.conv0.weight"], stride=2)
    return F.max_pool2d(F.relu(filtered / (1 + 1e-5) ** 0.5), 3, 2, 1)


def test_the_published_names_are_those_of_the_paper_s_network(published):
    assert "features.denseblock3.denselayer24.conv.2.weight" in published
    parameters = sum(value.numel() for name, value in published.items() if "running" not in name)
    assert parameters == 7_978_856  # torchvision's documented count, its layer of classes included


@pytest.mark.parametrize("spelling", ["old", "new"])
def test_the_published_file_loads_in_both_spellings(published, spelling):
    weights = {name: value + 1 for name, value in published.items()}
    if spelling == "new":
        weights = {re.sub(r"(norm|conv)\.([12])\.", r"\1\2.", name): value for name, value in weights.items()}
    model = DenseNet121()
    model.load_published(weights)
    old = published["features.denseblock4.denselayer16.norm.1.running_mean"]
    assert torch.equal(model.state_dict()["features.denseblock4.denselayer16.norm1.running_mean"], old + 1)


def test_a_gray_picture_is_seen_as_three_equal_channels_normalised_for_imagenet_up_to_the_border(published):
    model = DenseNet121().eval()
    model.load_published(published)
    gray = torch.rand(1, 1, 32, 32)
    mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
    expected = stem_by_hand(published, (gray.expand(-1, 3, -1, -1) - mean) / deviation)
    with torch.inference_mode():
        assert torch.allclose(model.forward_until(gray, "stem"), expected, atol=1e-5)


def torchxrayvision_s(published) -> dict[str, torch.Tensor]:
    one_channel = published["features.conv0.weight"][:, :1] / 1024
    return {**published, "features.conv0.weight": one_channel, "op_threshs": torch.zeros(18)}


def test_weights_of_torchxrayvision_see_values_from_minus_1024_to_1024(published):
    weights = torchxrayvision_s(published)
    model = DenseNet121().eval()
    model.load_published(weights)
    gray = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        found = model.forward_until(gray, "stem")
    assert torch.allclose(found, stem_by_hand(weights, (2 * gray - 1) * 1024), atol=1e-5)


def test_what_the_input_is_normalised_by_travels_with_the_weights(published):
    first, second = DenseNet121(), DenseNet121()
    first.load_published(torchxrayvision_s(published))
    second.load_published(first.state_dict())
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())
    first.load_published(published)
    assert first.input_deviation[0] == pytest.approx(0.229)


def test_the_features_are_those_after_the_last_relu():
    with torch.inference_mode():
        assert DenseNet121().eval()(torch.rand(1, 1, 64, 64)).min() == 0


def test_weights_of_a_deeper_densenet_are_refused(published):
    with pytest.raises(UnusableOption, match=r"denselayer25\.norm1\.weight is unknown"):
        DenseNet121().load_published({**published, "features.denseblock3.denselayer25.norm.1.weight": torch.zeros(1)})
