from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pneumoscope.errors import UnusableOption
from pneumoscope.model.build import backbone_of, classifier_of
from pneumoscope.model.efficientnet_lite import EfficientNetLite, Stage, same_padding, scaled_channels, scaled_stages
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
    model = classifier_of("efficientnet-lite0", "linear", weights="random", dropout=0.0, drop_path=0.0)
    model.load_state_dict(load_file(SHIPPED_WEIGHTS))
    batch = np.stack([predictor.preprocessing(read_radiograph(path).gray) for path in example_radiographs[::8]])
    with torch.inference_mode():
        expected = model.eval()(torch.from_numpy(batch))
    for found, own in zip(predictor.run(batch), expected, strict=True):
        assert np.abs(found - own.numpy()).max() < 1e-4
