"""The reference that the maps in the graphs are compared with: automatic differentiation in PyTorch, through Captum.

Grad-CAM at any layer (Selvaraju 2017, arXiv:1610.02391) and Integrated Gradients (Sundararajan 2017, arXiv:1703.01365).
Slower than the graph by a whole backward pass, and in need of the extra `reference`: for tests and for
looking into layers that the graph does not show.
"""

from __future__ import annotations

from difflib import get_close_matches

from captum.attr import IntegratedGradients, LayerGradCam
from jaxtyping import Float
from torch import Tensor, nn

from pneumoscope.errors import UnusableOption
from pneumoscope.model.classifier import Classifier
from pneumoscope.model.export import evaluating

LAST_FEATURE_MAP = "backbone"

Pictures = Float[Tensor, "batch 1 rows columns"]


class LogitAlone(nn.Module):
    """A classifier of which Captum sees only the logit: (batch)."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, radiograph: Pictures) -> Float[Tensor, " batch"]:
        logit: Tensor = self.classifier(radiograph).logit
        return logit


def autograd_grad_cam(
    classifier: Classifier, radiographs: Pictures, *, layer: str = LAST_FEATURE_MAP
) -> Float[Tensor, "batch map_rows map_columns"]:
    """Grad-CAM without its ReLU, so signed, at a layer by its name (`named_modules`); the last feature map by default.

    Each channel weighs the mean of the logit's gradient over the layer's map. `UnusableOption` where there is no such
    layer, or it gives no map.
    """
    module = layer_named(classifier, layer)
    with evaluating(classifier):
        found: Tensor = LayerGradCam(LogitAlone(classifier), module).attribute(radiographs, relu_attributions=False)
    if found.ndim != radiographs.ndim:
        raise UnusableOption(
            "layer-without-map", f"The layer {layer} gives no map.", remedy="Name a layer of the backbone."
        )
    return found.detach().squeeze(1)


def integrated_gradients(
    classifier: Classifier, radiographs: Pictures, *, baseline: float | Pictures = 0.5, steps: int = 64
) -> Float[Tensor, "batch rows columns"]:
    """What each pixel adds to the logit on the straight way from the baseline (mid gray) to the radiograph.

    The pixels' sum is the logit less that of the baseline, but for the error of `steps` steps.
    """
    path = IntegratedGradients(LogitAlone(classifier))
    with evaluating(classifier):
        found: Tensor = path.attribute(radiographs, baselines=baseline, n_steps=steps)
    return found.detach().squeeze(1)


def layer_named(classifier: Classifier, name: str) -> nn.Module:
    """A module by its name; `UnusableOption` names those that are spelled alike."""
    modules: dict[str, nn.Module] = {known: module for known, module in classifier.named_modules() if known}
    if name not in modules:
        alike = get_close_matches(name, modules, n=3) or [LAST_FEATURE_MAP]
        raise UnusableOption(
            "layer-unknown", f"There is no layer {name[:60]!r}.", remedy=f"Did you mean {', '.join(alike)}?"
        )
    return modules[name]
