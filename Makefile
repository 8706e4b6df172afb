VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PORT ?= 8000

export OMP_NUM_THREADS ?= 1

.PHONY: book test serve bench notebooks address editions slides archive clean

book: $(VENV)/.installed
	$(BIN)/jupyter-book build .
	@echo "Open file://$(CURDIR)/_build/html/index.html"

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 -q

serve: book
	@echo "http://127.0.0.1:$(PORT)/ (stop with Ctrl-C)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

bench: $(VENV)/.peers book
	$(BIN)/python -m benchmarks

notebooks: $(VENV)/.installed
	$(BIN)/python -m tools.notebooks

address: $(VENV)/.installed
	$(BIN)/python -m tools.address $(URL)

editions: $(VENV)/.installed
	$(BIN)/python -m tools.editions student --into _build/editions/student
	$(BIN)/python -m tools.editions instructor --into _build/editions/instructor

slides: book
	$(BIN)/python -m tools.slides
	$(BIN)/jupyter-book build .

archive: book
	$(BIN)/python -m tools.archive

clean:
	rm -rf _build .pytest_cache .hypothesis

$(VENV)/.installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "lsbook needs Python 3.11 or newer; run make PYTHON=/path/to/it"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -r requirements.txt
	$(BIN)/python -m pip install --no-deps -e .
	@touch $@

$(VENV)/.peers: $(VENV)/.installed
	$(BIN)/python -m pip install -c requirements.txt -e '.[bench]'
	@touch $@
