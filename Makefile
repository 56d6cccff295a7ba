# The commands that people and CI run. `make help` lists them.

PYTHON = python3
# Sees to it that .venv is whole, then runs it with DEVICE and SCALE, and with no settings of the user's.
RUN = $(DEVICE:%=D2LUTIL_DEVICE=%) $(SCALE:%=D2LUTIL_SCALE=%) $(PYTHON) -I _ext/environment.py
# The site is as new as the youngest of what it is made of. A folder is younger when a file has gone.
SITE = _build/html/.built
SOURCES = $(shell find index.md _config.yml _toc.yml references.bib requirements.txt chapters d2lutil \
  _ext _static _build/.jupyter_cache/chapters -not -path '*/__pycache__*' 2>/dev/null)

.PHONY: help book test notebooks lab chapter robust weights bench proof-on-gpu clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1 \2/p' Makefile | awk '{ \
	  command = $$1 " " $$2; $$1 = $$2 = ""; printf "%-18s%s\n", command, $$0 }'

# CHAPTER=sequences/rnn DEVICE=cuda SCALE=full. A site needs all chapters, so of some there is none.
book: ## execute the chapters that changed and build the site [CHAPTER= DEVICE= SCALE=]
	@$(RUN) -m _ext.execute $(CHAPTER)
	@test -n "$(CHAPTER)" || $(MAKE) --no-print-directory $(SITE)
	@test -n "$(CHAPTER)" || echo "The book is built. Open _build/html/index.html, or serve it with:"
	@test -n "$(CHAPTER)" || echo "  .venv/bin/python -m http.server --directory _build/html"

$(SITE): $(SOURCES)
	@$(RUN) jupyter-book build . --warningiserror --nitpick --keep-going --quiet
	@touch $@

test: ## run every test
	@$(RUN) -m pytest -n auto

notebooks: book ## write the students' notebooks to _build/notebooks
	@echo "The students' notebooks:"
	@find _build/notebooks -name '*.ipynb' | sort

lab: notebooks ## open copies of them in JupyterLab; what you write there is kept
	@$(RUN) -m _ext.lab
	@$(RUN) --user-settings -m jupyter lab --notebook-dir=my-notebooks

chapter: ## begin a new chapter: NAME=sequences/speech
	@$(RUN) -m _ext.new_chapter $(NAME)

robust: ## execute chapters under other seeds and code paths [CHAPTER= SEEDS=5 WRITE=1]
	@$(RUN) -m _ext.robust $(SEEDS:%=--seeds %) $(WRITE:1=--write) $(CHAPTER)

weights: ## train the weights that travel with the book again: CHAPTER=
	@$(RUN) -m _ext.weights $(CHAPTER)

bench: ## compare fit with a hand-written loop, d2l and Lightning
	@$(RUN) -m tests.bench

# With whatever Python has PyTorch there: a machine lent for minutes has no registry.
proof-on-gpu: ## what fits of the book at full scale into eight minutes on a GPU, and make bench
	@$(PYTHON) -m _ext.proof_on_gpu

clean: ## remove what was built, but not .venv
	rm -rf _build
