"""A bundle, and any ONNX classifier made here on the spot, asked where their answers come from."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pneumoscope.errors import UnusableBundle, UnusableOption
from pneumoscope.explanation.methods import Method, MethodSettings, explained
from pneumoscope.inference.explainable import AnyClassifier, ExplainableBundle
from pneumoscope.model.feature_outputs import with_feature_outputs
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.radiograph.reading import read_radiograph

SIZE_PX = 64
PLACE = np.s_[8:24, 40:56]


def saved(folder, nodes, made_of, given, *, dtype=TensorProto.FLOAT, weights=()):
    """A graph from x, of the shape `made_of`, to y, of the shape `given`."""
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("x", dtype, made_of)],
        [helper.make_tensor_value_info("y", dtype, given)],
        [numpy_helper.from_array(value, name) for name, value in weights],
    )
    path = folder / "made.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


def classifier_file(folder, *, channels=1, batch="batch", side=SIZE_PX, answers=2, dtype=TensorProto.FLOAT):
    """Its second number is the mean brightness of one place times 3; the first is nothing."""
    weight = np.zeros((channels * SIZE_PX * SIZE_PX, answers), np.float32)
    mask = np.zeros((channels, SIZE_PX, SIZE_PX), np.float32)
    mask[0][PLACE] = 3 / 256
    weight[:, -1] = mask.ravel()
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("MatMul", ["flat", "weight"], ["y"])],
        "planted",
        [helper.make_tensor_value_info("x", dtype, [batch, channels, side, side])],
        [helper.make_tensor_value_info("y", dtype, [batch, answers])],
        [numpy_helper.from_array(weight, "weight")],
    )
    path = folder / "classifier.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


def picture() -> np.ndarray:
    bright = np.full((1, SIZE_PX, SIZE_PX), 0.3, np.float32)
    bright[0][PLACE] = 0.9
    return bright


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("batch", ["batch", 1, 5])
@pytest.mark.parametrize("method", [Method.OCCLUSION, Method.RISE])
def test_evidence_planted_in_any_classifier_is_found(tmp_path, channels, batch, method):
    path = classifier_file(tmp_path, channels=channels, batch=batch)
    model = AnyClassifier.open(path, size_px=SIZE_PX, output_index=1)
    found = explained(picture(), model, method, settings=MethodSettings(masks=400))
    row, column = np.unravel_index(found.saliency_map.argmax(), found.saliency_map.shape)
    cells = len(found.saliency_map)
    assert 8 <= (row + 0.5) * SIZE_PX / cells <= 24
    assert 40 <= (column + 0.5) * SIZE_PX / cells <= 56
    assert found.complete
    assert found.masks > 100


def test_the_gray_value_is_scaled_as_the_classifier_wants_it(tmp_path):
    path = classifier_file(tmp_path)
    plain = AnyClassifier.open(path, size_px=SIZE_PX, output_index=1)
    scaled = AnyClassifier.open(path, size_px=SIZE_PX, output_index=1, mean=0.5, std=0.25)
    assert plain.answers(picture()[np.newaxis]).tolist() == pytest.approx([2.7], abs=1e-5)
    assert scaled.answers(picture()[np.newaxis]).tolist() == pytest.approx([3 * 1.6], abs=1e-5)


@pytest.mark.parametrize("method", [Method.GRAD_CAM, Method.HIRES_CAM, Method.LAYER_CAM, Method.GRAD_CAM_PLUS_PLUS])
def test_methods_that_need_a_feature_map_need_a_bundle(tmp_path, method):
    model = AnyClassifier.open(classifier_file(tmp_path), size_px=SIZE_PX)
    with pytest.raises(UnusableOption) as caught:
        explained(picture(), model, method)
    assert caught.value.code == "method-needs-bundle"


@pytest.mark.parametrize(
    ("made", "opened", "code"),
    [
        ({}, {"size_px": 128}, "input-size-wrong"),
        ({"side": "side"}, {"size_px": 128}, "onnx-foreign"),
        ({}, {"output_index": 2}, "output-index-wrong"),
        ({}, {"output_index": -1}, "output-index-wrong"),
        ({"channels": 4}, {}, "onnx-foreign"),
    ],
)
def test_what_does_not_fit_says_how_to_mend_it(tmp_path, made, opened, code):
    path = classifier_file(tmp_path, **made)
    with pytest.raises((UnusableOption, UnusableBundle)) as caught:
        AnyClassifier.open(path, **{"size_px": SIZE_PX, **opened})
    assert caught.value.code == code


@pytest.mark.parametrize(
    "shape", [(1, SIZE_PX, SIZE_PX), (3, SIZE_PX, SIZE_PX), (SIZE_PX, SIZE_PX, 1), (SIZE_PX, SIZE_PX, 3)]
)
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(("dtype", "numpy_type"), [(TensorProto.FLOAT, np.float32), (TensorProto.FLOAT16, np.float16)])
def test_channels_may_come_first_or_last_be_left_open_and_halved(tmp_path, shape, named, dtype, numpy_type):
    # convolved by a kernel that adds up the channels, of which a transposed picture has the wrong number
    last = shape[0] == SIZE_PX
    channels = shape[-1] if last else shape[0]
    first = helper.make_node(
        "Transpose" if last else "Identity", ["x"], ["first"], **({"perm": [0, 3, 1, 2]} if last else {})
    )
    nodes = [
        first,
        helper.make_node("Conv", ["first", "kernel"], ["sum"]),
        helper.make_node("GlobalAveragePool", ["sum"], ["y"]),
    ]
    kernel = np.ones((1, channels, 1, 1), numpy_type)
    path = saved(
        tmp_path,
        nodes,
        ["batch", *(shape if named else "abc")],
        ["batch", 1, 1, 1],
        dtype=dtype,
        weights=[("kernel", kernel)],
    )
    model = AnyClassifier.open(path, size_px=SIZE_PX)
    assert (model.channels, model.channels_last) == (channels, last)
    assert model.answers(picture()[np.newaxis]) == pytest.approx([channels * picture().mean()], rel=3e-3)


@pytest.mark.parametrize(
    "setting", [{"mean": float("nan")}, {"mean": float("inf")}, {"std": float("nan")}, {"std": 0.0}]
)
def test_a_mean_or_std_that_cannot_be_is_refused(tmp_path, setting):
    with pytest.raises(UnusableOption) as caught:
        AnyClassifier.open(classifier_file(tmp_path), size_px=SIZE_PX, **setting)
    assert caught.value.code == "onnx-options"


def test_answers_that_are_not_finite_are_refused(tmp_path):
    log = [helper.make_node("Log", ["x"], ["l"]), helper.make_node("GlobalAveragePool", ["l"], ["y"])]
    path = saved(tmp_path, log, ["batch", 1, SIZE_PX, SIZE_PX], ["batch", 1, 1, 1])
    model = AnyClassifier.open(path, size_px=SIZE_PX)
    assert np.isfinite(model.answers(picture()[np.newaxis])).all()
    for method in (Method.OCCLUSION, Method.RISE):
        with pytest.raises(UnusableBundle) as caught:  # the logarithm of below 0
            explained(picture() - 1, model, method)
        assert caught.value.code == "onnx-not-finite"
    tiny = AnyClassifier.open(classifier_file(tmp_path), size_px=SIZE_PX, output_index=1, std=1e-60)
    with pytest.raises(UnusableBundle):
        tiny.answers(picture()[np.newaxis])


def test_a_graph_that_gives_pictures_is_no_classifier(tmp_path):
    path = saved(
        tmp_path,
        [helper.make_node("Sigmoid", ["x"], ["y"])],
        ["batch", 1, SIZE_PX, SIZE_PX],
        ["batch", 1, SIZE_PX, SIZE_PX],
    )
    with pytest.raises(UnusableBundle) as caught:
        AnyClassifier.open(path, size_px=SIZE_PX)
    assert caught.value.code == "onnx-foreign"
    assert "1 x 64 x 64" in caught.value.message


def test_a_seed_below_0_is_refused():
    with pytest.raises(UnusableOption) as caught:
        MethodSettings(seed=-1)
    assert caught.value.code == "seed-impossible"


@pytest.mark.parametrize("content", [b"", b"no graph at all"])
def test_a_file_that_is_no_graph_is_told(tmp_path, content):
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(UnusableBundle) as caught:
        AnyClassifier.open(tmp_path / "x.onnx", size_px=SIZE_PX)
    assert caught.value.code == "onnx-foreign"
    with pytest.raises(UnusableBundle):
        AnyClassifier.open(tmp_path / "missing.onnx", size_px=SIZE_PX)


def test_a_graph_of_something_else_than_pictures_is_told(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "table",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 5])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "t.onnx")
    with pytest.raises(UnusableBundle) as caught:
        AnyClassifier.open(tmp_path / "t.onnx", size_px=SIZE_PX)
    assert "x tensor(float)" in caught.value.message


@pytest.fixture(scope="module")
def pneumonia(example_radiographs):
    path = next(path for path in example_radiographs if path.name.startswith("person1178"))
    return Preprocessing(224)(read_radiograph(path).gray)


def test_hirescam_of_a_linear_head_says_that_it_is_grad_cam(predictor, pneumonia):
    model = ExplainableBundle(predictor)
    grad_cam, hires_cam = (explained(pneumonia, model, method) for method in (Method.GRAD_CAM, Method.HIRES_CAM))
    assert (grad_cam.equals, hires_cam.equals) == (None, Method.GRAD_CAM)
    assert np.array_equal(grad_cam.saliency_map, hires_cam.saliency_map)
    features = with_feature_outputs(predictor.bundle.model)
    values = ExplainableBundle(predictor, feature_graph=features.content, pool=features.pool, threads=1).map_gradient(
        pneumonia
    )
    assert features.pool == 1
    assert (values.gradient * values.feature_map).sum(0) == pytest.approx(grad_cam.saliency_map, abs=1e-4)


def test_without_the_feature_map_layercam_says_what_is_missing(predictor, pneumonia):
    with pytest.raises(UnusableOption) as caught:
        explained(pneumonia, ExplainableBundle(predictor), Method.LAYER_CAM)
    assert caught.value.code == "feature-map-missing"


def test_layercam_holds_the_evidence_for_and_nothing_against(predictor, pneumonia):
    features = with_feature_outputs(predictor.bundle.model)
    model = ExplainableBundle(predictor, feature_graph=features.content, pool=features.pool, threads=1)
    layer_cam = explained(pneumonia, model, Method.LAYER_CAM)
    plus_plus = explained(pneumonia, model, Method.GRAD_CAM_PLUS_PLUS)
    grad_cam = explained(pneumonia, model, Method.GRAD_CAM)
    assert layer_cam.equals is plus_plus.equals is None
    assert layer_cam.saliency_map.min() >= 0
    assert (layer_cam.saliency_map >= grad_cam.saliency_map - 1e-4).all()
    assert (plus_plus.saliency_map <= layer_cam.saliency_map / 2 + 1e-5).all()


def test_occlusion_of_a_bundle_is_in_units_of_its_logit(predictor, pneumonia):
    model = ExplainableBundle(predictor)
    occlusion = explained(pneumonia, model, Method.OCCLUSION)
    assert occlusion.unit == "fall of the logit when the place is covered"
    whole = model.answers(pneumonia[np.newaxis])[0]
    covered = pneumonia.copy()
    covered[0, :16, :16] = pneumonia.mean()
    covered[0, :32, :32] = pneumonia.mean()
    assert occlusion.saliency_map[0, 0] == pytest.approx(float(whole - model.answers(covered[np.newaxis])[0]), abs=1e-4)


def test_a_graph_whose_map_is_no_weighted_sum_is_refused(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Relu", ["radiograph"], ["saliency_map"])],
        "other",
        [helper.make_tensor_value_info("radiograph", TensorProto.FLOAT, ["batch", 1, 4, 4])],
        [helper.make_tensor_value_info("saliency_map", TensorProto.FLOAT, None)],
    )
    with pytest.raises(UnusableOption) as caught:
        with_feature_outputs(helper.make_model(graph).SerializeToString())
    assert caught.value.code == "feature-map-missing"
