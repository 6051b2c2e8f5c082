# Each target does all of its own set-up. PYTHON names another interpreter: make PYTHON=python3.13 test
PYTHON ?= python3
BIN = .venv/bin
STAMP = .venv/.installed
AXE = tests/axe/node_modules/.installed

.PHONY: install axe demo test lint bench soak fuzz clean

install: $(STAMP)

$(STAMP): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Qianli needs Python 3.11 or newer, and there is no $(PYTHON)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Qianli needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make a virtual environment: install its venv package (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)

# axe-core judges the pages' accessibility. Without npm, or without a registry, the tests that need it are skipped.
axe:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(AXE) || \
	  echo "npm could not bring axe-core: the tests that need it are skipped"; fi

$(AXE): tests/axe/package-lock.json
	npm ci --prefix tests/axe --ignore-scripts --no-audit --no-fund --silent
	@touch $(AXE)

demo: install
	$(BIN)/qianli demo --dir demo

test: install axe lint
	$(BIN)/python -m pytest -n 3 --dist worksteal

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m tests.bench

soak: install
	$(BIN)/python -m tests.soak
	$(BIN)/python -m tests.soak.months

fuzz: install
	QIANLI_FUZZ=10000 $(BIN)/python -m pytest -m fuzz

clean:
	rm -rf .venv tests/axe/node_modules build demo *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
