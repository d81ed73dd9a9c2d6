"""The names of what a run folder holds."""

from typing import Final

SETTINGS_FILE: Final = "recipe.json"
MANIFEST_FILE: Final = "manifest.csv"
WEIGHTS_FILE: Final = "weights.safetensors"
CURVES_FILE: Final = "curves.png"
BUNDLE_FOLDER: Final = "bundle"
