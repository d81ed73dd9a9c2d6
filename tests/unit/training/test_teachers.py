import copy
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pneumoscope.dataset.manifest import Split, read_manifest, write_manifest
from pneumoscope.errors import UnusableOption, UnusableRecipe
from pneumoscope.training.batch import answers, batch_of_pictures
from pneumoscope.training.compute import Compute
from pneumoscope.training.finish import save_weights
from pneumoscope.training.setting import Setting
from pneumoscope.training.teachers import check_teachers, digests_of, taught, teachers_of
from pneumoscope.training.whole_run import network

HERE = Compute(torch.device("cpu"))
CHOSEN = np.arange(8)


@pytest.fixture(scope="module")
def runs(recipe, parts, tmp_path_factory):
    """Two finished runs; each has learnt from every other patient of the training part."""
    folders = []
    patients = sorted({row.patient for row in parts[0].rows})
    for number in (0, 1):
        folder = tmp_path_factory.mktemp(f"teacher{number}")
        learnt = set(patients[number::2])
        rows = [replace(row, split=Split.TRAIN if row.patient in learnt else Split.VALIDATION) for row in parts[0].rows]
        write_manifest(rows, folder / "manifest.csv")
        (folder / "recipe.json").write_text(json.dumps({"recipe": recipe.to_dict(), "seed": number}))
        save_weights(network(recipe, None, Setting(folder, number)), folder / "weights.safetensors")
        folders.append(folder)
    return folders


@pytest.fixture(scope="module")
def teachers(runs, parts):
    return teachers_of(runs, parts[0].rows, HERE)


def test_a_teacher_answers_only_for_patients_that_it_has_not_learnt_from(runs, teachers, parts):
    for folder, unseen in zip(runs, teachers.unseen, strict=True):
        learnt = {row.patient for row in read_manifest(folder / "manifest.csv") if row.split is Split.TRAIN}
        assert [row.patient in learnt for row in parts[0].rows] == list(~unseen)
    assert (teachers.unseen.sum(axis=0) == 1).all()


def test_the_answer_is_the_teachers_own_of_the_picture_as_it_was_augmented(teachers):
    pictures = torch.rand(8, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    found = teachers.answers(pictures, CHOSEN)
    for place in CHOSEN:
        (teacher,) = np.flatnonzero(teachers.unseen[:, place])
        with torch.no_grad():
            logit = float(teachers.models[teacher](pictures[place : place + 1]).logit)
        assert float(found[place]) == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-4)


def test_several_teachers_answer_by_their_mean_logit(teachers):
    both = replace(teachers, unseen=np.ones_like(teachers.unseen))
    pictures = torch.rand(8, 1, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        logits = torch.stack([model(pictures).logit for model in both.models])
    assert both.answers(pictures, CHOSEN).numpy() == pytest.approx(torch.sigmoid(logits.mean(dim=0)).numpy(), rel=1e-4)


def test_where_every_teacher_has_seen_the_patient_the_label_stands(teachers):
    unseen = teachers.unseen.copy()
    unseen[:, :3] = False
    found = replace(teachers, unseen=unseen).answers(torch.rand(8, 1, 64, 64), CHOSEN)
    assert found.isnan().tolist() == [True] * 3 + [False] * 5
    target = torch.full((8,), 0.98)
    assert taught(target, found, 0.5)[:3].tolist() == pytest.approx([0.98] * 3)
    assert taught(target, found, 0.5)[3:].tolist() == pytest.approx((0.5 * 0.98 + 0.5 * found[3:]).tolist())


def test_a_batch_has_the_teachers_share_in_its_right_answers_and_the_prior_where_the_lungs_are_gone(
    recipe, parts, teachers
):
    learning = replace(parts[0], teachers=teachers)
    recipe = replace(recipe, teachers_share=0.75)
    stage = replace(recipe.stages[0], lungs_removed=0.5)
    plain = batch_of_pictures(recipe, stage, parts[0], CHOSEN, 11, HERE)
    batch = batch_of_pictures(recipe, stage, learning, CHOSEN, 11, HERE)
    gone = batch.lungless > 0
    assert gone.any()
    assert not gone.all()
    assert torch.equal(batch.inputs, plain.inputs)
    assert torch.equal(batch.weight, plain.weight)
    assert (batch.target[gone] == 0.5).all()
    label = answers(recipe, learning, CHOSEN, HERE)[0]
    whole = replace(stage, lungs_removed=0.0)
    seen = batch_of_pictures(recipe, whole, learning, CHOSEN, 11, HERE).inputs
    expected = 0.25 * label + 0.75 * teachers.answers(seen, CHOSEN)
    assert batch.target[~gone].numpy() == pytest.approx(expected[~gone].numpy(), rel=1e-4)


def test_teachers_do_not_learn_themselves(recipe, parts, teachers, trained, tmp_path):
    before = [parameter.clone() for model in teachers.models for parameter in model.state_dict().values()]
    learning = replace(parts[0], teachers=teachers)
    trained(replace(recipe, teachers_share=1.0), tmp_path / "run", parts=(learning, parts[1]))
    after = [parameter for model in teachers.models for parameter in model.state_dict().values()]
    assert all(torch.equal(first, second) for first, second in zip(before, after, strict=True))


def test_a_network_that_has_only_teachers_comes_nearer_to_them(recipe, parts, teachers, trained, tmp_path):
    doubting = copy.deepcopy(teachers)
    for model in doubting.models:
        for parameter in model.head.parameters():
            torch.nn.init.zeros_(parameter)
    logits = {}
    for share, name in ((0.0, "labels"), (1.0, "teachers")):
        learning = replace(parts[0], teachers=doubting)
        model = trained(replace(recipe, teachers_share=share), tmp_path / name, parts=(learning, parts[1]))
        with torch.no_grad():
            logits[name] = model(HERE.batch(parts[0].pictures)).logit.abs().mean()
    assert logits["teachers"] < logits["labels"]


def test_no_folders_are_no_teachers(parts):
    assert teachers_of([], parts[0].rows, HERE) is None


@pytest.mark.parametrize(("share", "folders"), [(0.5, 0), (0.0, 1)])
def test_a_share_without_teachers_and_teachers_without_a_share_are_refused(recipe, runs, share, folders):
    with pytest.raises(UnusableOption) as caught:
        check_teachers(replace(recipe, teachers_share=share), runs[:folders])
    assert caught.value.code == "teachers-and-share"
    check_teachers(replace(recipe, teachers_share=0.5), runs)
    check_teachers(recipe, [])


def test_a_run_that_has_learnt_from_every_patient_is_refused(runs, parts):
    learnt = {row.patient for row in read_manifest(runs[0] / "manifest.csv") if row.split is Split.TRAIN}
    with pytest.raises(UnusableOption) as caught:
        teachers_of(runs[:1], [row for row in parts[0].rows if row.patient in learnt], HERE)
    assert caught.value.code == "teacher-has-seen-all"


@pytest.mark.parametrize("missing", ["recipe.json", "weights.safetensors"])
def test_a_folder_without_a_finished_run_is_refused_and_named(runs, parts, tmp_path, missing):
    for name in ("recipe.json", "manifest.csv", "weights.safetensors"):
        if name != missing:
            (tmp_path / name).write_bytes((runs[0] / name).read_bytes())
    with pytest.raises(UnusableOption, match=str(tmp_path / missing)) as caught:
        [digests_of([tmp_path]), teachers_of([tmp_path], parts[0].rows, HERE)]
    assert caught.value.code == "teacher-incomplete"


def test_teachers_see_pictures_and_so_do_not_go_with_cached_activations(recipe):
    stage = replace(recipe.stages[0], cached_views=2, frozen_through="stem", lung_guidance=0.0)
    with pytest.raises(UnusableRecipe, match="nor teachers"):
        replace(recipe, teachers_share=0.5, stages=(stage,))
