import pytest
import torch

from pneumoscope.errors import UnusableOption
from pneumoscope.model.vgg16 import VGG16


@pytest.fixture(scope="module")
def model() -> VGG16:
    torch.manual_seed(0)
    return VGG16().eval()


def test_the_published_convolutions_load_by_name(model):
    published = {name: value + 1 for name, value in model.state_dict().items()}
    taken = VGG16()
    taken.load_published({**published, "classifier.0.weight": torch.zeros(4096, 25088)})
    assert torch.equal(taken.features[28].weight, published["features.28.weight"])
    assert taken.features[28].weight.shape == (512, 512, 3, 3)


def test_a_file_without_the_last_convolution_is_refused(model):
    weights = model.state_dict()
    del weights["features.28.bias"]
    with pytest.raises(UnusableOption, match=r"features\.28\.bias is missing"):
        VGG16().load_published(weights)


def test_the_fifteen_layers_that_the_reference_system_freezes_end_with_block4_pool(model):
    """Keras counts the input, then 2 + 2 + 3 + 3 convolutions and 4 pools: 15; torchvision's indices 0 to 23."""
    model.freeze_through("block4_pool")
    learning = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    model.freeze_through(None)
    assert learning == [f"features.{index}.{kind}" for index in (24, 26, 28) for kind in ("weight", "bias")]


def test_a_gray_value_is_seen_in_three_channels_as_it_is(model):
    gray = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        expected = model.features[:5](gray.repeat(1, 3, 1, 1))
        assert torch.equal(model.forward_until(gray, "block1_pool"), expected)


def test_random_weights_let_the_signal_through(model):
    with torch.inference_mode():
        assert 0.01 < model(torch.rand(1, 1, 64, 64)).std() < 10
