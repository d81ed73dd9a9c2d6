"""What every backbone can do: run part by part, be frozen up to a part, and go on from the features of a part.

A backbone takes gray values in [0, 1] to its last feature map through parts in a fixed order, each named by what it gives
out, as the published network names it. A frozen part is a fixed function: its parameters stop learning, its batch-norm
statistics stand still and its stochastic depth is off, even in training. That is what makes its activations worth caching.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn

from pneumoscope.errors import UnusableOption, UnusableRecipe


class Backbone(nn.Module, ABC):
    """Abstract. A subclass names its parts in order and says how each runs and which modules belong to it."""

    name: str
    """As recipes name it."""

    feature_channels: int
    """Channels of the last feature map."""

    map_strides: tuple[int, ...]
    """Pixels of the radiograph's side to a place of the last feature map that it can be built for; the published first."""

    part_names: tuple[str, ...]
    """From input to output; the last one gives the feature map."""

    frozen_parts: tuple[str, ...] = ()

    @abstractmethod
    def run_part(
        self, name: str, features: Float[Tensor, "batch in_channels rows columns"]
    ) -> Float[Tensor, "batch out_channels new_rows new_columns"]:
        """From the features before a part (the radiograph before the first) to those after it."""

    @abstractmethod
    def modules_of(self, name: str) -> list[nn.Module]:
        """The modules whose parameters and statistics belong to a part; each parameter belongs to exactly one part."""

    @abstractmethod
    def own_names(self, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The published weights as this module's `state_dict` holds them; a layer of classes is left out."""

    def forward(
        self, radiograph: Float[Tensor, "batch 1 rows columns"]
    ) -> Float[Tensor, "batch channels map_rows map_columns"]:
        return self.run_parts(self.part_names, radiograph)

    def forward_until(
        self, radiograph: Float[Tensor, "batch 1 rows columns"], part: str
    ) -> Float[Tensor, "batch channels part_rows part_columns"]:
        """The features after `part`; `UnusableRecipe` where there is no such part."""
        return self.run_parts(self.parts_through(part), radiograph)

    def forward_after(
        self, features: Float[Tensor, "batch channels part_rows part_columns"], part: str
    ) -> Float[Tensor, "batch out_channels map_rows map_columns"]:
        """From the features after `part` to the last feature map: with `forward_until`, the same as `forward`."""
        return self.run_parts(self.part_names[len(self.parts_through(part)) :], features)

    def run_parts(
        self, names: tuple[str, ...], features: Float[Tensor, "batch in_channels rows columns"]
    ) -> Float[Tensor, "batch out_channels new_rows new_columns"]:
        """Several parts, one after the other."""
        for name in names:
            features = self.run_part(name, features)
        return features

    def freeze_through(self, part: str | None) -> None:
        """Freeze the parts up to and including `part`, free all others; `None` frees all.

        May be called again at any time, with an earlier part (gradual unfreezing) or a later one.
        """
        self.frozen_parts = () if part is None else self.parts_through(part)
        for name in self.part_names:
            for module in self.modules_of(name):
                for parameter in module.parameters():
                    parameter.requires_grad_(name not in self.frozen_parts)
                    if name in self.frozen_parts:
                        parameter.grad = None  # an optimizer would still apply what is left over
        self.train(self.training)

    def train(self, mode: bool = True) -> Backbone:
        """As `nn.Module` has it, but frozen parts keep evaluating."""
        super().train(mode)
        for name in self.frozen_parts:
            for module in self.modules_of(name):
                module.eval()
        return self

    def parts_through(self, part: str) -> tuple[str, ...]:
        """The parts up to and including `part`; `UnusableRecipe` where there is none of that name."""
        if part not in self.part_names:
            raise UnusableRecipe(
                "part-unknown",
                f"The backbone {self.name} has no part {part!r}.",
                remedy=f"Its parts are, from input to output: {', '.join(self.part_names)}.",
            )
        return self.part_names[: self.part_names.index(part) + 1]

    def load_published(self, weights: Mapping[str, Tensor]) -> None:
        """Take published weights, or this module's own, by name and completely.

        `UnusableOption` where they are of another network: it names a parameter that is missing, unknown or of another
        shape.
        """
        own, found = self.state_dict(), self.own_names(weights)
        counters = {
            name for name in own if name.endswith("num_batches_tracked")
        }  # files before PyTorch 0.4.1 lack them
        difference = first_difference({name: own[name] for name in own if name not in counters - found.keys()}, found)
        if difference:
            raise UnusableOption(
                "weights-of-another-network",
                f"These are not weights of {self.name}: {difference}.",
                remedy=f"Give the file of {self.name} to --weights, or train without: --set weights=random.",
            )
        self.load_state_dict(found, strict=False)  # all that may be missing here are the counters


def first_difference(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    """What does not fit between two sets of named parameters, in words; empty where all fits."""
    missing = [name for name in expected if name not in found]
    unknown = [name for name in found if name not in expected]
    if missing:
        return f"{missing[0]} is missing" + (f", and {len(missing) - 1} more" if len(missing) > 1 else "")
    if unknown:
        return f"{unknown[0]} is unknown" + (f", and {len(unknown) - 1} more" if len(unknown) > 1 else "")
    for name, value in expected.items():
        if value.shape != found[name].shape:
            return f"{name} has shape {tuple(found[name].shape)}, not {tuple(value.shape)}"
    return ""
