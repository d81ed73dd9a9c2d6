"""Augmentation without chance: every picture comes out as it went in."""

from dataclasses import replace

from pneumoscope.training.recipe import Augmentation


def still(augmentation: Augmentation) -> Augmentation:
    """The settings with every random step off."""
    return replace(
        augmentation,
        crop_area=(1.0, 1.0),
        crop_aspect=(1.0, 1.0),
        rotation_degrees=0.0,
        shear=0.0,
        flip_share=0.0,
        brightness=0.0,
        contrast=(1.0, 1.0),
        gamma=(1.0, 1.0),
        resolution_share=0.0,
        sharpness_share=0.0,
        noise_share=0.0,
        jpeg_share=0.0,
        erased_corner_share=0.0,
    )
