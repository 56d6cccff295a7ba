# The commands that people and CI run. `make help` lists them.

PYTHON ?= python3
RUN := .venv/bin/python -m

.PHONY: help book test notebooks lab bench clean
.DEFAULT_GOAL := help

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

.venv/.ready: requirements.txt pyproject.toml
	@$(PYTHON) _ext/environment.py

book: .venv/.ready ## execute the chapters that changed and build the site
	@$(RUN) _ext.execute
	@.venv/bin/jupyter-book build . --warningiserror --nitpick --keep-going --quiet
	@echo "The book is built. Open _build/html/index.html, or serve it with:"
	@echo "  .venv/bin/python -m http.server --directory _build/html"

test: .venv/.ready ## run every test
	@$(RUN) pytest -n auto --dist loadgroup

notebooks: book ## write the students' notebooks to _build/notebooks
	@echo "The students' notebooks:"
	@find _build/notebooks -name '*.ipynb' | sort

lab: notebooks ## open copies of them in JupyterLab; what you write there is kept
	@mkdir -p my-notebooks && cp -rn _build/notebooks/. my-notebooks
	@$(RUN) jupyter lab --notebook-dir=my-notebooks

bench: .venv/.ready ## compare fit with a hand-written loop, d2l and Lightning
	@$(RUN) tests.bench

clean: ## remove what was built, but not .venv
	rm -rf _build
