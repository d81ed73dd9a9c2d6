"""Shuffling the weights of an ONNX graph: what is shuffled, what stays, and that a map of learnt weights changes."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from pneumoscope.explanation_audit.randomized import STAGES, sanity, shuffled, weight_names
from pneumoscope.model.export import with_halved_weights


def tensors(content):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(content).graph.initializer}


def changed_names(before, after):
    return {name for name, values in tensors(before).items() if not np.array_equal(values, tensors(after)[name])}


def test_the_head_is_what_the_embedding_is_not_made_from(bundle):
    head, backbone = weight_names(onnx.load_from_string(bundle.model))
    assert "head.weight" in {name for layer in head for name in layer}
    assert len(backbone) == 4
    assert any("block1" in name for name in backbone[0])
    assert any("block4" in name for name in backbone[-1])


def test_each_stage_shuffles_as_many_layers_from_the_end(bundle):
    layers = {
        stage: changed_names(bundle.model, shuffled(bundle.model, share, np.random.default_rng(0)))
        for stage, share in STAGES.items()
    }
    blocks = {stage: {name.split(".")[2] for name in names if "block" in name} for stage, names in layers.items()}
    assert blocks == {
        "head": set(),
        "last-quarter": {"block4"},
        "last-half": {"block3", "block4"},
        "all-weights": {"block1", "block2", "block3", "block4"},
    }
    assert all("head.weight" in names for names in layers.values())


def test_shuffling_keeps_the_values_of_every_tensor(bundle):
    before, after = tensors(bundle.model), tensors(shuffled(bundle.model, 1.0, np.random.default_rng(0)))
    for name, values in before.items():
        np.testing.assert_array_equal(np.sort(values, axis=None), np.sort(after[name], axis=None))


def test_weights_that_are_stored_halved_are_found_behind_their_cast(bundle):
    halved = with_halved_weights(onnx.load_from_string(bundle.model))
    head, backbone = weight_names(halved)
    assert any(name.endswith(".fp16") for layer in backbone for name in layer)
    assert [len(layer) for layer in backbone] == [
        len(layer) for layer in weight_names(onnx.load_from_string(bundle.model))[1]
    ]
    assert len(head) == len(weight_names(onnx.load_from_string(bundle.model))[0])


def test_the_map_of_a_trained_network_does_not_survive_its_weights(bundle, films):
    from pneumoscope.explanation_audit.answers import answers_to
    from pneumoscope.inference.predictor import Predictor

    grays = list(films.grays[1:25:2])
    maps = answers_to(grays, Predictor(bundle, threads=1)).maps
    found = sanity(grays, maps, bundle, 0, workers=1, watched=lambda items, total: items)
    assert found["all-weights/size"].mean() < 0.3
    assert np.abs(found["all-weights/signed"]).mean() <= found["all-weights/size"].mean() + 1e-12
    assert found["random/size"].mean() == pytest.approx(0.07, abs=0.06)
