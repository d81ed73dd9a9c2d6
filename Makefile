# Everything that is installed goes into .venv. Without make: see README.md, "By hand".
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
DEV_STAMP := .venv/.installed-dev

.PHONY: help demo serve test check pictures screenshots format clean
.DEFAULT_GOAL := help

help:  ## show this
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

demo: $(STAMP)  ## read the shipped radiographs; results in out/demo
	$(BIN)/pneumoscope predict examples/radiographs --output out/demo

serve: $(STAMP)  ## open the web page on http://localhost:5000
	$(BIN)/pneumoscope serve

test: $(DEV_STAMP)  ## run the tests
	$(BIN)/python -m pytest -n 2

check: $(DEV_STAMP)  ## style, types, import contracts, links in the docs, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2

pictures: $(STAMP)  ## draw the pictures of the documents anew
	$(BIN)/pneumoscope predict --overwrite --output out/pictures examples/radiographs/NORMAL/IM-0199-0001.jpeg examples/radiographs/PNEUMONIA/person1952_bacteria_4883.jpeg
	cp out/pictures/IM-0199-0001.jpeg.overlay.png docs/pictures/overlay-normal.png
	cp out/pictures/person1952_bacteria_4883.jpeg.overlay.png docs/pictures/overlay-pneumonia.png

screenshots: $(DEV_STAMP)  ## photograph the page for the documents (needs Chromium)
	$(BIN)/python benchmarks/screenshots.py

format: $(DEV_STAMP)  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove what make made
	rm -rf .venv out

.venv/bin/python:
	$(PYTHON) -m venv .venv

$(STAMP): pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(DEV_STAMP): pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dicom,dev]'
	touch $(STAMP) $@
