from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pneumoscope.errors import UnusableOption
from pneumoscope.model.build import backbone_of, classifier_of
from pneumoscope.model.efficientnet_lite import (
    EfficientNetLite,
    InvertedBottleneck,
    Stage,
    same_padding,
    scaled_channels,
    scaled_stages,
)
from pneumoscope.model.published import PUBLISHED, packaged_file
from pneumoscope.radiograph.reading import read_radiograph

SHIPPED_WEIGHTS = Path(__file__).parents[3] / "results/efficientnet-lite0-seed0/weights.safetensors"

LITE = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
REFERENCE = {  # size, mean of the pooled features, the three highest and their values
    "efficientnet-lite0": (224, 0.12727147, [949, 343, 61], [4.3030490, 4.2806983, 4.2011642]),
    "efficientnet-lite1": (240, 0.14845861, [485, 1073, 449], [4.2665753, 4.2444634, 3.9587619]),
    "efficientnet-lite2": (260, 0.16256776, [295, 394, 966], [3.9025723, 3.6491627, 3.0312163]),
}


@pytest.fixture(scope="module", params=LITE)
def published(request):
    return request.param, torch.load(packaged_file(PUBLISHED[request.param]), map_location="cpu", weights_only=True)


@pytest.mark.parametrize(("size_px", "map_px"), [(224, 7), (160, 5), (64, 2)])
def test_the_feature_map_is_at_stride_32(size_px, map_px):
    model = EfficientNetLite().eval()
    with torch.inference_mode():
        assert model(torch.zeros(1, 1, size_px, size_px)).shape == (1, 1280, map_px, map_px)


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize(("size_px", "map_px"), [(224, 14), (160, 10), (64, 4)])
def test_the_feature_map_may_be_at_stride_16(size_px, map_px, centred):
    model = EfficientNetLite(map_stride=16, map_centred=centred).eval()
    with torch.inference_mode():
        assert model(torch.zeros(1, 1, size_px, size_px)).shape == (1, 1280, map_px, map_px)


def test_every_other_place_of_the_map_at_stride_16_is_one_of_the_published_network(published):
    """The second of each pair, since SAME padding has its odd pixel at the end."""
    name, weights = published
    coarse, finer = EfficientNetLite(name).eval(), EfficientNetLite(name, map_stride=16).eval()
    for model in (coarse, finer):
        model.load_published(weights)
    pictures = torch.rand(2, 1, 128, 160)
    with torch.inference_mode():
        expected, found = coarse(pictures), finer(pictures)
    assert found.shape[2:] == (8, 10)
    assert torch.allclose(found[:, :, 1::2, 1::2], expected, atol=1e-4)
    assert (found[:, :, ::2, ::2] - expected).abs().max() > 0.1


@pytest.mark.parametrize(
    ("stride", "centred", "below_px"), [(32, False, 15.5), (16, False, 7.5), (32, True, -0.5), (16, True, -0.5)]
)
def test_a_place_of_the_map_looks_so_far_below_and_right_of_where_it_lies(stride, centred, below_px):
    """By the gradient at the picture of a network that only averages: each stride adds half of its output's pixel."""
    model = averaging(EfficientNetLite(map_stride=stride, map_centred=centred))
    picture = torch.full((1, 1, 512, 512), 0.75, requires_grad=True)
    middle = 256 // stride
    model(picture)[0, 0, middle, middle].backward()
    share = picture.grad[0, 0] / picture.grad.sum()
    at = torch.arange(512) + 0.5
    assert share.min() >= 0
    for looks_at in (share.sum(1) @ at, share.sum(0) @ at):
        assert looks_at.item() - (middle + 0.5) * stride == pytest.approx(below_px, abs=0.02)


def averaging(model: EfficientNetLite) -> EfficientNetLite:
    """Each convolution the mean of what it sees, and next to nothing added by residual branches: linear for one gray."""
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        if isinstance(module, InvertedBottleneck) and module.keeps_shape:
            torch.nn.init.constant_(module._bn2.weight, 1e-4)
    return model.eval()


def test_the_published_file_loads_by_name_and_completely(published):
    name, weights = published
    model = EfficientNetLite(name)
    model.load_published(weights)
    own = model.state_dict()
    assert set(own) == {name for name in weights if not name.startswith("_fc.")}
    differ = [name for name, value in own.items() if not torch.equal(value, weights[name])]
    assert differ == ["_conv_stem.weight"]


def test_the_pooled_features_are_those_of_another_implementation(published):
    """`efficientnet-lite-pytorch` 0.1.0 from PyPI with the same weights, each variant at its published size."""
    name, weights = published
    size_px, mean, channels, values = REFERENCE[name]
    model = EfficientNetLite(name).eval()
    model.load_published(weights)
    at = torch.arange(size_px, dtype=torch.float64)
    waves = 0.5 + 0.5 * torch.outer((at / 9).sin(), (at / 7).cos())
    with torch.inference_mode():
        pooled = model(waves.float().reshape(1, 1, size_px, size_px)).mean((0, 2, 3))
    assert pooled.mean().item() == pytest.approx(mean, rel=1e-4)
    assert pooled[channels].tolist() == pytest.approx(values, rel=1e-4)
    assert pooled.max().item() == pytest.approx(values[0], rel=1e-4)


def test_lite2_is_wider_and_deeper_as_published():
    """Width 1.1 and depth 1.2 of Lite0's table; first and last stage keep their repeats (by hand)."""
    assert scaled_stages(1.1, 1.2) == (
        Stage(3, 1, 1, 16, 1),
        Stage(3, 2, 6, 24, 3),
        Stage(5, 2, 6, 48, 3),
        Stage(3, 2, 6, 88, 4),
        Stage(5, 1, 6, 120, 4),
        Stage(5, 2, 6, 208, 5),
        Stage(3, 1, 6, 352, 1),
    )


def test_channels_are_never_rounded_below_nine_tenths():
    assert scaled_channels(24, 1.1) == 24  # 26.4
    assert scaled_channels(40, 1.1) == 48  # 44, a tie goes up
    assert scaled_channels(10, 1.1) == 16  # 11 would become 8, less than 9.9


def test_summing_the_stem_over_colour_keeps_the_function_of_a_gray_picture(published):
    name, weights = published
    model = EfficientNetLite(name).eval()
    model.load_published(weights)
    gray = torch.rand(1, 1, 32, 32)
    colour = torch.nn.functional.pad(((gray * 255 - 127) / 128).expand(-1, 3, -1, -1), (0, 1, 0, 1))
    filtered = torch.nn.functional.conv2d(colour, weights["_conv_stem.weight"], stride=2)
    with torch.inference_mode():
        assert torch.allclose(model._conv_stem((gray * 255 - 127) / 128), filtered, atol=1e-5)


def test_weights_of_a_deeper_network_are_refused(published):
    name, weights = published
    other = "efficientnet-lite1" if name == "efficientnet-lite0" else "efficientnet-lite0"
    with pytest.raises(UnusableOption, match=f"not weights of {other}: _blocks"):
        EfficientNetLite(other).load_published(weights)


@pytest.mark.parametrize(
    ("length_px", "kernel_px", "expected"), [(224, 3, (0, 1)), (224, 5, (1, 2)), (7, 3, (1, 1)), (5, 5, (2, 2))]
)
def test_same_padding_puts_the_odd_pixel_at_the_end(length_px, kernel_px, expected):
    assert same_padding(length_px, kernel_px, 2) == expected


@pytest.mark.parametrize(
    ("length_px", "kernel_px", "expected"), [(224, 3, (1, 0)), (224, 5, (2, 1)), (7, 3, (1, 1)), (5, 5, (2, 2))]
)
def test_a_centred_map_s_last_stride_has_the_odd_pixel_at_the_beginning(length_px, kernel_px, expected):
    assert same_padding(length_px, kernel_px, 2, odd_first=True) == expected


def test_stochastic_depth_is_on_when_training_and_off_when_evaluating():
    torch.manual_seed(0)
    model = backbone_of("efficientnet-lite0", weights="published", drop_path=0.5)
    for module in model.modules():
        module.training = not isinstance(module, torch.nn.BatchNorm2d)
    picture = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        assert not torch.equal(model(picture), model(picture))
        model.eval()
        assert torch.equal(model(picture), model(picture))


def test_the_shipped_run_s_weights_give_what_the_shipped_graph_gives(predictor, example_radiographs):
    settings = {"weights": "random", "dropout": 0.0, "drop_path": 0.0, "map_stride": 16, "map_centred": True}
    model = classifier_of("efficientnet-lite0", "linear", **settings)
    model.load_state_dict(load_file(SHIPPED_WEIGHTS))
    batch = np.stack([predictor.preprocessing(read_radiograph(path).gray) for path in example_radiographs[::8]])
    with torch.inference_mode():
        expected = model.eval()(torch.from_numpy(batch))
    for found, own in zip(predictor.run(batch), expected, strict=True):
        assert np.abs(found - own.numpy()).max() < 0.02  # the graph stores half-precision weights
