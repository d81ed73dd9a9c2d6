"""`python -m pneumoscope.cli` is `pneumoscope`."""

from pneumoscope.cli.main import main

main()
