import numpy as np
import pytest
import torch

from pneumoscope.training.compute import Compute, compute_here

HERE = Compute(torch.device("cpu"))


def test_without_a_gpu_the_arithmetic_is_in_full_precision_on_the_processors(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert compute_here() == HERE


@pytest.mark.parametrize(("able", "half"), [(True, torch.bfloat16), (False, torch.float16)])
def test_on_a_gpu_the_precision_is_mixed_with_the_16_bits_it_has(monkeypatch, able, half):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    # GPUs before Ampere have it in emulation, which is slower than float16
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: able or including_emulation)
    assert compute_here() == Compute(torch.device("cuda", 1), half)


def test_only_float16_needs_its_loss_scaled():
    enabled = {
        half: Compute(HERE.device, half).loss_scaler().is_enabled() for half in (None, torch.bfloat16, torch.float16)
    }
    assert enabled == {None: False, torch.bfloat16: False, torch.float16: True}


def test_mixed_precision_is_on_only_where_there_is_a_half_type():
    layer, ones = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with HERE.mixed_precision():
        assert layer(ones).dtype == torch.float32
    with Compute(HERE.device, torch.bfloat16).mixed_precision():
        assert layer(ones).dtype == torch.bfloat16


def test_gray_levels_become_values_from_0_to_1_with_a_channel_axis():
    batch = HERE.batch(np.array([[[0, 51], [204, 255]]], np.uint8))
    assert batch.shape == (1, 1, 2, 2)
    assert batch.flatten().tolist() == pytest.approx([0, 0.2, 0.8, 1])


def test_a_batch_is_a_copy_and_leaves_the_mapped_file_alone():
    levels = np.full((1, 2, 2), 255, np.uint8)
    HERE.batch(levels).zero_()
    assert (levels == 255).all()


def test_a_model_is_placed_channels_last():
    model = torch.nn.Conv2d(4, 4, 3)
    HERE.place(model)
    assert model.weight.is_contiguous(memory_format=torch.channels_last)
    assert not model.weight.is_contiguous()
