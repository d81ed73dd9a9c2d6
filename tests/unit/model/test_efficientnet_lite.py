import pytest
import torch

from pneumoscope.model.efficientnet_lite import EfficientNetLite0, same_padding
from pneumoscope.model.published import backbone_of, lite0_weights


@pytest.fixture(scope="module")
def weights():
    return torch.load(lite0_weights(), map_location="cpu", weights_only=True)


@pytest.mark.parametrize(("size_px", "map_px"), [(224, 7), (160, 5), (64, 2)])
def test_the_feature_map_is_at_stride_32(size_px, map_px):
    model = EfficientNetLite0().eval()
    with torch.inference_mode():
        assert model(torch.zeros(1, 1, size_px, size_px)).shape == (1, 1280, map_px, map_px)


def test_the_published_file_loads_by_name_and_completely(weights):
    model = EfficientNetLite0()
    model.load_published(weights)
    own = model.state_dict()
    assert torch.equal(own["_blocks.15._project_conv.weight"], weights["_blocks.15._project_conv.weight"])
    assert set(own) == {name for name in weights if not name.startswith("_fc.")}


def test_summing_the_stem_over_colour_keeps_the_function_of_a_gray_picture(weights):
    gray = torch.rand(1, 1, 32, 32)
    summed = torch.nn.functional.conv2d(gray, weights["_conv_stem.weight"].sum(1, keepdim=True), stride=2)
    colour = torch.nn.functional.conv2d(gray.expand(-1, 3, -1, -1), weights["_conv_stem.weight"], stride=2)
    assert torch.allclose(summed, colour, atol=1e-5)


def test_weights_of_another_network_are_refused():
    with pytest.raises((KeyError, RuntimeError)):
        EfficientNetLite0().load_published({"features.0.weight": torch.zeros(1)})


@pytest.mark.parametrize(
    ("length_px", "kernel_px", "expected"), [(224, 3, (0, 1)), (224, 5, (1, 2)), (7, 3, (1, 1)), (5, 5, (2, 2))]
)
def test_same_padding_puts_the_odd_pixel_at_the_end(length_px, kernel_px, expected):
    assert same_padding(length_px, kernel_px, 2) == expected


def test_stochastic_depth_is_off_when_evaluating():
    model = backbone_of("efficientnet-lite0", pretrained=False, drop_path=0.5).eval()
    picture = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        assert torch.equal(model(picture), model(picture))
