from pathlib import Path

import pytest
import torch

from pneumoscope.errors import UnusableOption
from pneumoscope.model.build import classifier_of
from pneumoscope.model.trained import trained_classifier
from pneumoscope.training.finish import save_weights


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    torch.manual_seed(5)
    model = classifier_of("tiny", "linear", weights="random", dropout=0.2, drop_path=0.0)
    path: Path = tmp_path_factory.mktemp("run") / "weights.safetensors"
    save_weights(model, path)
    return model.eval(), path


def test_the_network_answers_as_it_did_when_it_was_saved(saved):
    model, path = saved
    pictures = torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    again = trained_classifier(path, backbone="tiny")
    assert not again.training
    with torch.no_grad():
        assert torch.equal(again(pictures).logit, model(pictures).logit)


def test_weights_of_another_network_are_refused(saved):
    with pytest.raises(UnusableOption) as caught:
        trained_classifier(saved[1], backbone="tiny", head="dense")
    assert caught.value.code == "weights-of-another-network"


def test_a_file_that_is_no_weights_is_refused(tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(UnusableOption) as caught:
        trained_classifier(tmp_path / "weights.safetensors", backbone="tiny")
    assert caught.value.code == "weights-damaged"
