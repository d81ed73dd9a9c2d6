"""Most tests put PyTorch in the place of ONNX Runtime, which is slow to open and here only has to be counted."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pneumoscope.errors import FailedTraining, UnusableOutput
from pneumoscope.training import activations
from pneumoscope.training.activations import CachedActivations, cached_activations, prefix_session
from pneumoscope.training.setting import Setting
from pneumoscope.training.whole_run import network
from support.full_disk import files_of_at_most
from support.torch_session import TorchSession

COUNT, VIEWS = 20, 2
PIECE, BATCH = 8, 4  # pieces of 8, 8 and 4 radiographs, so 5 batches a view


class Stopped(Exception):
    """Stands for a kill."""


@pytest.fixture
def backbone(recipe, tmp_path):
    return network(recipe, None, Setting(tmp_path, 3)).backbone.eval()


@pytest.fixture
def cached(backbone, tmp_path, monkeypatch):
    """Cache activations in a folder; `cached.session` is the one that was used."""
    monkeypatch.setattr(activations, "PIECE", PIECE)
    monkeypatch.setattr(activations, "BATCH", BATCH)
    opened = SimpleNamespace(session=None)

    def cached(folder="cache", *, key="key", on_progress=lambda _: None, scale=1.0):
        def session_of(backbone, part, *, size_px):
            opened.session = TorchSession(backbone, part, scale=scale)
            return opened.session

        monkeypatch.setattr(activations, "prefix_session", session_of)
        found = cached_activations(
            backbone,
            "block2",
            pictures_of,
            count=COUNT,
            views=VIEWS,
            size_px=64,
            folder=tmp_path / folder,
            key=key,
            on_progress=on_progress,
        )
        cached.runs = opened.session.runs
        return found

    cached.opened = opened
    return cached


def pictures_of(view, chosen):
    """Each picture by its own seed, whatever batch it is in."""
    return np.stack([np.random.default_rng([view, index]).random((1, 64, 64), np.float32) for index in chosen])


def everything(found: CachedActivations):
    return np.stack([found.rows(view, np.arange(COUNT)) for view in range(VIEWS)])


def expected(backbone):
    with torch.inference_mode():
        return np.stack(
            [
                backbone.forward_until(torch.from_numpy(pictures_of(view, range(COUNT))), "block2")
                for view in range(VIEWS)
            ]
        )


def test_onnx_runtime_gives_what_pytorch_gives(backbone):
    with torch.no_grad():
        for norm in backbone.modules():
            if isinstance(norm, torch.nn.BatchNorm2d):
                norm.running_mean.uniform_(-0.2, 0.2, generator=torch.Generator().manual_seed(1))
    pictures = pictures_of(0, range(5))
    found = prefix_session(backbone, "block2", size_px=64).run(None, {"radiograph": pictures})[0]
    with torch.inference_mode():
        wanted = backbone.forward_until(torch.from_numpy(pictures), "block2").numpy()
    assert np.allclose(found, wanted, atol=1e-5)
    assert wanted.std() > 0.01


def test_cached_activations_are_those_of_each_view_within_float16(cached, backbone):
    found, wanted = everything(cached()), expected(backbone)
    assert found.dtype == np.float32
    assert np.allclose(found, wanted, rtol=2**-10, atol=1e-6)
    assert not np.allclose(wanted[0], wanted[1], atol=0.01)


def test_rows_may_be_asked_for_in_any_order_and_views_begin_again_after_the_last(cached):
    found = cached()
    everywhere = everything(found)
    order = np.array([19, 0, 8, 7])
    assert np.array_equal(found.rows(1, order), everywhere[1][order])
    assert np.array_equal(found.rows(VIEWS + 1, order), everywhere[1][order])


def test_a_damaged_piece_is_computed_anew(cached, tmp_path):
    first = everything(cached())
    piece = activations.piece_path(tmp_path / "cache", 1, 2)
    piece.write_bytes(piece.read_bytes()[:-100])
    assert np.array_equal(everything(cached()), first)
    assert cached.runs == 1 + 1  # the example, and the last piece of 4


def test_a_second_call_computes_only_the_one_example(cached):
    first = everything(cached())
    assert cached.runs == 1 + VIEWS * 5
    assert np.array_equal(everything(cached()), first)
    assert cached.runs == 1


@pytest.mark.parametrize(("killed_after", "whole_pieces"), [(1, 0), (3, 1), (4, 1), (5, 2), (6, 3), (8, 4)])
def test_pieces_survive_a_kill_and_are_not_computed_again(cached, tmp_path, killed_after, whole_pieces):
    done = []

    def on_progress(progress):
        done.append(progress)
        if len(done) == killed_after:
            raise Stopped

    with pytest.raises(Stopped):
        cached(on_progress=on_progress)
    finished = [0, 2, 4, 5, 7][whole_pieces]  # batches in the pieces that were whole: 2, 2, 1 in each view
    assert len(list((tmp_path / "cache").glob("*.npy"))) == whole_pieces
    found = everything(cached())
    assert cached.runs == 1 + VIEWS * 5 - finished
    assert np.array_equal(found, everything(cached("another")))


def test_progress_counts_the_radiographs_that_are_still_to_do(cached, tmp_path):
    seen = []
    cached(on_progress=lambda progress: seen.append((progress.done, progress.total)))
    assert seen[:3] == [(4, 40), (8, 40), (12, 40)]
    assert seen[-1] == (40, 40)
    (tmp_path / "cache" / "view1-piece0002.npy").unlink()
    seen.clear()
    cached(on_progress=lambda progress: seen.append((progress.done, progress.total)))
    assert seen == [(4, 4)]


def test_pieces_of_another_key_are_thrown_away(cached, tmp_path):
    cached()
    (tmp_path / "cache" / "view7-piece0000.npy").write_bytes(b"of more views")
    cached(key="another")
    assert cached.runs == 1 + VIEWS * 5
    assert not (tmp_path / "cache" / "view7-piece0000.npy").exists()


def test_too_small_a_disk_is_told_before_anything_is_computed(cached, monkeypatch):
    needed = VIEWS * COUNT * 16 * 16 * 16 * 2  # 16 channels of 16 x 16 after block2, two bytes each
    free = activations.HEADROOM_BYTES + needed
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free - 1))
    with pytest.raises(UnusableOutput, match=r"GiB are free.*activations-no-space.*cached_views"):
        cached()
    assert cached.opened.session.runs == 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    cached()


def test_only_what_is_missing_needs_space(cached, monkeypatch):
    cached()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=activations.HEADROOM_BYTES))
    cached()


def test_a_disk_that_fills_up_leaves_no_half_piece(cached, tmp_path):
    with files_of_at_most(10_000), pytest.raises(UnusableOutput, match="output-unwritable") as refused:
        cached()
    assert "None" not in refused.value.message
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["made-for.json"]


@pytest.mark.parametrize("scale", [1e7, float("inf"), float("nan")])
def test_an_activation_too_large_for_float16_is_refused(cached, scale):
    with pytest.raises(FailedTraining, match=r"after block2 is .*activations-overflow.*cached_views=0"):
        cached(scale=scale)
