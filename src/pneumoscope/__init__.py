"""Pneumoscope reads a chest radiograph: how probable is pneumonia, where does that come from, how far to trust it.

For research and education; not a medical device.
"""

__version__ = "0.1.0"
