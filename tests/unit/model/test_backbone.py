import pytest
import torch
from torch import nn

from pneumoscope.errors import UnusableOption, UnusableRecipe
from pneumoscope.model.backbone import first_difference
from pneumoscope.model.build import backbone_names, backbone_of

FEATURES = {  # channels and stride, from the papers' tables
    "efficientnet-lite0": (1280, 32),
    "efficientnet-lite1": (1280, 32),
    "efficientnet-lite2": (1280, 32),
    "densenet121": (1024, 32),
    "vgg16": (512, 16),
    "tiny": (48, 16),
}
FEATURES_AT_64_PX = {  # (channels, pixels a side) after some parts, counted by hand from strides
    ("efficientnet-lite0", "stem"): (32, 32),
    ("efficientnet-lite0", "stage4"): (80, 4),
    ("densenet121", "stem"): (64, 16),
    ("densenet121", "denseblock1"): (256, 16),
    ("densenet121", "transition1"): (128, 8),
    ("vgg16", "block1_pool"): (64, 32),
    ("vgg16", "block4_pool"): (512, 4),
    ("tiny", "block2"): (16, 16),
}


def named(name: str):
    torch.manual_seed(0)
    return backbone_of(name, weights="random", drop_path=0.0)


@pytest.fixture(params=backbone_names())
def backbone(request):
    return named(request.param)


@pytest.fixture
def tiny():
    return named("tiny")


def test_a_backbone_is_its_parts_one_after_the_other(backbone):
    backbone.eval()
    picture = torch.rand(2, 1, 64, 64)
    channels, stride = FEATURES[backbone.name]
    with torch.inference_mode():
        feature_map = backbone(picture)
        features = picture
        for part in backbone.part_names:
            features = backbone.run_part(part, features)
            assert torch.equal(backbone.forward_until(picture, part), features)
            assert torch.equal(backbone.forward_after(features, part), feature_map)
    assert feature_map.shape == (2, channels, 64 // stride, 64 // stride)
    assert backbone.feature_channels == channels


@pytest.mark.parametrize(("where", "expected"), FEATURES_AT_64_PX.items())
def test_a_part_is_named_by_what_it_gives_out(where, expected):
    name, part = where
    channels, side_px = expected
    with torch.inference_mode():
        assert named(name).eval().forward_until(torch.rand(1, 1, 64, 64), part).shape == (1, channels, side_px, side_px)


def test_every_parameter_and_statistic_belongs_to_exactly_one_part(backbone):
    modules = [module for part in backbone.part_names for module in backbone.modules_of(part)]
    owned = [id(parameter) for module in modules for parameter in module.parameters()]
    assert sorted(owned) == sorted(id(parameter) for parameter in backbone.parameters())
    layers = [id(each) for module in modules for each in module.modules() if isinstance(each, nn.BatchNorm2d)]
    assert sorted(layers) == sorted(id(each) for each in backbone.modules() if isinstance(each, nn.BatchNorm2d))


def learning(backbone) -> list[str]:
    """The parts whose parameters all learn; a part is all or nothing."""
    found = []
    for part in backbone.part_names:
        flags = {parameter.requires_grad for module in backbone.modules_of(part) for parameter in module.parameters()}
        assert len(flags) == 1
        found += [part] if flags == {True} else []
    return found


def test_freezing_goes_both_ways(backbone):
    parts = list(backbone.part_names)
    for frozen in (2, 4, 1):
        backbone.freeze_through(parts[frozen - 1])
        assert learning(backbone) == parts[frozen:]
    backbone.freeze_through(None)
    assert learning(backbone) == parts


def test_statistics_of_frozen_parts_stand_still_even_when_training(tiny):
    tiny.freeze_through("block2")
    tiny.train()
    before = {name: value.clone() for name, value in tiny.state_dict().items()}
    tiny(torch.rand(4, 1, 32, 32))
    moved = {name.split(".")[1] for name, value in tiny.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"block3", "block4"}


def test_freed_parts_train_again_without_being_told(tiny):
    tiny.train()
    tiny.freeze_through("block3")
    assert [tiny.blocks[part][1].training for part in tiny.part_names] == [False, False, False, True]
    tiny.freeze_through("block1")
    assert [tiny.blocks[part][1].training for part in tiny.part_names] == [False, True, True, True]
    tiny.eval()
    tiny.freeze_through(None)
    assert not any(tiny.blocks[part][1].training for part in tiny.part_names)


def test_a_frozen_part_gives_in_training_what_it_gives_in_evaluation():
    torch.manual_seed(0)
    backbone = backbone_of("efficientnet-lite0", weights="published", drop_path=0.9)
    backbone.freeze_through("stage3")
    picture = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        trained = backbone.train().forward_until(picture, "stage3")
        assert torch.equal(trained, backbone.eval().forward_until(picture, "stage3"))


def test_an_optimizer_does_not_move_what_has_been_frozen_again(tiny):
    optimizer = torch.optim.SGD(tiny.parameters(), lr=1.0)
    tiny(torch.rand(2, 1, 32, 32)).sum().backward()
    tiny.freeze_through("block3")
    before = [parameter.clone() for parameter in tiny.parameters()]
    optimizer.step()
    same = [torch.equal(now, then) for now, then in zip(tiny.parameters(), before, strict=True)]
    assert same == [True] * 9 + [False] * 3


@pytest.mark.parametrize("ask", ["freeze_through", "forward_until", "forward_after"])
def test_an_unknown_part_is_answered_with_the_known_ones(tiny, ask):
    arguments = ("block9",) if ask == "freeze_through" else (torch.rand(1, 1, 32, 32), "block9")
    with pytest.raises(UnusableRecipe, match=r"'block9'.*block1, block2, block3, block4") as caught:
        getattr(tiny, ask)(*arguments)
    assert caught.value.code == "part-unknown"


def test_weights_of_another_network_are_refused_by_the_name_of_a_parameter(tiny):
    vgg16 = {"features.0.weight": torch.zeros(64, 3, 3, 3)}
    with pytest.raises(UnusableOption, match=r"not weights of tiny: blocks\.block1\.0\.weight is missing") as caught:
        tiny.load_published(vgg16)
    assert caught.value.code == "weights-of-another-network"
    own = tiny.state_dict()
    with pytest.raises(UnusableOption, match=r"extra\.weight is unknown"):
        tiny.load_published({**own, "extra.weight": torch.zeros(1)})
    with pytest.raises(UnusableOption, match=r"has shape \(8, 3, 3, 3\), not \(8, 1, 3, 3\)"):
        tiny.load_published({**own, "blocks.block1.0.weight": torch.zeros(8, 3, 3, 3)})


def test_a_file_from_before_batch_counters_loads(tiny):
    old = {name: value + 1 for name, value in tiny.state_dict().items() if not name.endswith("num_batches_tracked")}
    tiny.load_published(old)
    assert all(torch.equal(tiny.state_dict()[name], value) for name, value in old.items())


def test_the_first_difference_counts_the_others():
    one = torch.zeros(1)
    assert first_difference({"a": one, "b": one, "c": one}, {"a": one}) == "b is missing, and 1 more"
    assert first_difference({"a": one}, {"a": one}) == ""
