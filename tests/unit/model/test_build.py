import re

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.errors import UnusableRecipe
from pneumoscope.model.build import backbone_names, backbone_of, classifier_of
from pneumoscope.model.classifier import LinearHeadClassifier
from pneumoscope.model.dense_head import DenseHeadClassifier


def test_an_unknown_backbone_is_answered_with_the_known_ones():
    with pytest.raises(UnusableRecipe, match=re.escape(", ".join(backbone_names()))) as caught:
        backbone_of("resnet50", weights="random", drop_path=0.0)
    assert caught.value.code == "backbone-unknown"


def test_the_same_seed_gives_the_same_network():
    made = []
    for _ in range(2):
        torch.manual_seed(7)
        made.append(classifier_of("tiny", "dense", weights="random", dropout=0.0, drop_path=0.0).state_dict())
    assert all(torch.equal(value, made[1][name]) for name, value in made[0].items())


def test_the_linear_head_starts_from_nothing_and_its_bias_is_what_the_map_lacks():
    model = classifier_of("tiny", "linear", weights="random", dropout=0.3, drop_path=0.0)
    assert isinstance(model, LinearHeadClassifier)
    assert model.dropout == 0.3
    with torch.inference_mode():
        model.head.bias.fill_(-0.75)
        assert model.eval()(torch.rand(2, 1, 32, 32)).logit.tolist() == [-0.75, -0.75]
    assert model.bias_logit() == -0.75


def test_the_dense_head_is_the_reference_system_s():
    model = classifier_of("tiny", "dense", weights="random", dropout=0.0, drop_path=0.0)
    assert isinstance(model, DenseHeadClassifier)
    assert [(layer.in_features, layer.out_features) for layer in [*model.hidden, model.output]] == [
        (48, 512),
        (512, 256),
        (256, 128),
        (128, 1),
    ]
    assert model.dropout == (0.5, 0.3, 0.2)
    assert model.hidden[0].weight.abs().max().item() == pytest.approx((6 / (48 + 512)) ** 0.5, rel=1e-2)  # Glorot
    assert not model.hidden[0].bias.any()
    assert model.bias_logit() is None


def test_the_dense_head_is_max_pool_mean_and_three_hidden_layers():
    torch.manual_seed(0)
    model = classifier_of("tiny", "dense", weights="random", dropout=0.0, drop_path=0.0).eval()
    feature_map = torch.rand(2, 48, 4, 4)
    weights = model.state_dict()
    activations = torch.stack([feature_map[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]).amax(0).mean((2, 3))
    for layer in ("hidden.0", "hidden.1", "hidden.2"):
        activations = F.relu(activations @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"])
    expected = activations @ weights["output.weight"].T + weights["output.bias"]
    with torch.inference_mode():
        assert torch.allclose(model.explained(feature_map).logit, expected.squeeze(1), atol=1e-6)


@pytest.mark.parametrize("head", ["linear", "dense"])
def test_a_classifier_explains_its_backbone_s_feature_map(head):
    model = classifier_of("tiny", head, weights="random", dropout=0.0, drop_path=0.0).eval()
    pictures = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        cached = model.backbone.forward_until(pictures, "block2")
        explained = model.explained(model.backbone.forward_after(cached, "block2"))
        for found, expected in zip(explained, model(pictures), strict=True):
            assert torch.equal(found, expected)


@pytest.mark.parametrize(
    ("head", "settings", "says"),
    [
        ("dense", {"dropout": 0.2, "drop_path": 0.0}, "dropout of its own"),
        ("linear", {"dropout": 0.0, "drop_path": 0.1}, "no residual branches"),
        ("linear", {"dropout": 0.0, "drop_path": 0.0, "map_centred": True}, "cannot be centred anew"),
        ("linear", {"dropout": 0.0, "drop_path": 0.0, "map_stride": 32}, "no feature map of stride 32"),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(head, settings, says):
    with pytest.raises(UnusableRecipe, match=says):
        classifier_of("tiny", head, weights="random", **settings)


@pytest.mark.parametrize("name", backbone_names())
def test_a_backbone_has_the_map_strides_that_it_names_and_the_published_one_unless_asked(name):
    published, *others = type(backbone_of(name, weights="random", drop_path=0.0)).map_strides
    for asked, stride in ((None, published), (published, published), *((other, other) for other in others)):
        model = backbone_of(name, weights="random", drop_path=0.0, map_stride=asked).eval()
        with torch.inference_mode():
            assert model(torch.rand(1, 1, 64, 64)).shape[2:] == (64 // stride, 64 // stride)


def test_a_map_stride_that_no_network_has_is_refused_with_one_that_it_has():
    with pytest.raises(UnusableRecipe, match=r"of stride 8.*Set map_stride = 32 in the recipe"):
        backbone_of("efficientnet-lite0", weights="random", drop_path=0.0, map_stride=8)


def test_the_tiny_backbone_has_some_twenty_thousand_parameters():
    """9 x (1x8 + 8x16 + 16x32 + 32x48) weights and two values a channel of batch-norm."""
    model = backbone_of("tiny", weights="random", drop_path=0.0)
    assert sum(parameter.numel() for parameter in model.parameters()) == 19_656 + 208
