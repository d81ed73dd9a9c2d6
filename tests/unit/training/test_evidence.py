import pytest
import torch

from pneumoscope.training.evidence import evidence_outside_lungs, grown, with_evidence_removed

COUNT = 40


@pytest.fixture
def pictures():
    return torch.rand(COUNT, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.25


@pytest.fixture
def masks():
    masks = torch.zeros(COUNT, 1, 64, 64)
    masks[:, :, 16:48, 8:28] = 1
    return masks


def removed(pictures, masks, lungs, surroundings, margin=1 / 16, joined=0.0):
    return with_evidence_removed(
        pictures,
        masks,
        lungs_share=lungs,
        surroundings_share=surroundings,
        removal_margin=margin,
        joined_windows=joined,
        generator=torch.Generator().manual_seed(1),
    )


def test_taking_the_lungs_leaves_nothing_of_them_and_all_that_is_far_from_them(pictures, masks):
    found = removed(pictures, masks, 1.0, 0.0)
    assert found.lungs_gone.all()
    changed = found.pictures != pictures
    assert changed[:, :, 16:48, 8:28].float().mean() > 0.99
    assert not changed[:, :, :, 40:].any()


def test_about_half_are_filled_up_to_the_outline_of_the_mask_itself(pictures, masks):
    changed = removed(pictures, masks, 1.0, 0.0).pictures != pictures
    filled = changed.float().flatten(1).sum(dim=1)
    alone = filled <= 32 * 20
    assert 0.25 * COUNT < alone.sum() < 0.75 * COUNT
    assert filled[~alone].min() > 34 * 22  # grown by at least a pixel on every side


def test_taking_the_surroundings_keeps_the_lungs_untouched(pictures, masks):
    found = removed(pictures, masks, 0.0, 1.0)
    assert found.surroundings_gone.all()
    assert torch.equal(found.pictures[:, :, 16:48, 8:28], pictures[:, :, 16:48, 8:28])
    assert (found.pictures[:, :, :, 40:] != pictures[:, :, :, 40:]).float().mean() > 0.99


@pytest.mark.parametrize("lungs_share", [0.0, 1.0])
def test_half_of_them_reach_up_to_the_margin_beyond_the_lungs(pictures, masks, lungs_share):
    def region(margin):
        changed = removed(pictures, masks, lungs_share, 1 - lungs_share, margin=margin).pictures != pictures
        return (changed if lungs_share else ~changed).float().flatten(1).sum(dim=1)

    narrow, wide = region(0.0), region(0.5)
    assert narrow.max() < 1.1 * 34 * 22  # a pixel on every side; a fill may equal the picture here and there
    reaching = wide > 1.5 * 32 * 20
    assert 0.25 * COUNT < reaching.sum() < 0.75 * COUNT
    assert wide[~reaching].max() < 1.1 * 32 * 20


def test_a_joined_window_shows_where_another_picture_has_its_lungs_too(pictures):
    masks = torch.zeros(COUNT, 1, 64, 64)
    masks[::2, :, 16:48, 8:28] = 1
    masks[1::2, :, 16:48, 40:60] = 1

    def showing_both(joined):
        shown = removed(pictures, masks, 0.0, 1.0, joined=joined).pictures == pictures
        return shown[:, :, 16:48, [8, 27, 40, 59]].flatten(1).all(dim=1)

    assert not showing_both(0.0).any()
    assert 0.2 * COUNT < showing_both(1.0).sum() < 0.8 * COUNT  # the others met one of their own side


def test_about_the_asked_share_is_chosen_and_the_rest_stays(pictures, masks):
    found = removed(pictures, masks, 0.25, 0.25)
    kept = ~(found.lungs_gone | found.surroundings_gone)
    assert 0.25 * COUNT < kept.sum() < 0.75 * COUNT
    assert torch.equal(found.pictures[kept], pictures[kept])
    assert not (found.lungs_gone & found.surroundings_gone).any()


def test_pictures_without_a_mask_are_left_alone(pictures, masks):
    found = removed(pictures, masks * 0, 0.5, 0.5)
    assert torch.equal(found.pictures, pictures)


def test_evidence_outside_the_lungs_is_penalised_and_inside_is_not(masks):
    inside, outside = torch.zeros(COUNT, 2, 2), torch.zeros(COUNT, 2, 2)
    inside[:, :, 0] = 3
    outside[:, :, 1] = 3
    everywhere_left = torch.zeros_like(masks)
    everywhere_left[:, :, :, :32] = 1
    assert evidence_outside_lungs(inside, everywhere_left).in_favour.max().item() == pytest.approx(0, abs=1e-6)
    shares = evidence_outside_lungs(outside, everywhere_left)
    assert shares.in_favour.tolist() == pytest.approx([6 / 7] * COUNT, abs=0.03)
    assert not shares.against.any()


def test_evidence_against_is_told_apart_from_evidence_in_favour(masks):
    saliency_map = torch.tensor([[[2.0, -1.0], [1.0, -3.0]]]).expand(COUNT, 2, 2)
    left = torch.zeros_like(masks)
    left[:, :, :, :32] = 1
    shares = evidence_outside_lungs(saliency_map, left)
    assert not shares.in_favour.round(decimals=1).any()  # both on the left, where the lungs are
    assert shares.against.tolist() == pytest.approx([4 / 5] * COUNT, abs=0.03)


def test_without_any_mask_there_is_no_penalty_but_a_gradient_path(masks):
    saliency_map = torch.ones(COUNT, 2, 2, requires_grad=True)
    penalty = torch.stack(evidence_outside_lungs(saliency_map, masks * 0))
    penalty.sum().backward()
    assert not penalty.any()
    assert not saliency_map.grad.any()


def test_growing_widens_by_whole_pixels(masks):
    assert grown(masks[:1], 2).sum().item() == 36 * 24
