# `make demo` and `make test` do all the set-up themselves: they need Python 3.11 or later and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ifeq ($(OS),Windows_NT)
BIN    := $(VENV)/Scripts
endif
READY  := $(VENV)/.ready

.PHONY: demo test lint bench crash soak clean completions schemas constraints

demo: $(READY)
	$(BIN)/cityctl demo

# The tests start the program hundreds of times: it is compiled once, also where Python is told to keep no bytecode.
# So are the tests, which each worker would read and rewrite anew: 23 s of CPU each, 11 s from the second run on.
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY)
	$(BIN)/python -m compileall -q cityctl
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(PYTEST)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32

bench: $(READY)
	$(BIN)/python -m tests.bench $(BENCH)

# kill -9 at 10 000 random points over everything that writes: about half an hour. `make crash KILLS=500`
crash: $(READY)
	$(BIN)/python -m tests.crash.harness $(or $(KILLS),10000)

# 16 pollers, 4 reports and a compactor at once, for ten minutes. `make soak MINUTES=3`
soak: $(READY)
	$(BIN)/python -m tests.crash.soak $(or $(MINUTES),10)

completions: $(READY)
	$(BIN)/python -m tests.generated completions

schemas: $(READY)
	$(BIN)/python -m tests.generated schemas

# The newest releases that pyproject.toml allows, tried in a folder of their own and written down.
constraints:
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	build/constraints/bin/python -m pip install --quiet --editable . --group dev
	{ head -n 2 constraints.txt; build/constraints/bin/python -m pip freeze --exclude-editable; } > build/constraints.txt
	mv build/constraints.txt constraints.txt

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

# uv where it is there, pip where it is not. The dev group is PEP 735: pip knows it from 25.1 on.
$(READY): pyproject.toml constraints.txt
	@if command -v uv >/dev/null 2>&1; then \
	  test -x $(BIN)/python || uv venv --quiet --python 3.11 $(VENV) || uv venv --quiet $(VENV); \
	  uv pip install --quiet --compile-bytecode --python $(BIN)/python --editable . --group dev --constraint constraints.txt; \
	else \
	  test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev --constraint constraints.txt; \
	fi
	@touch $(READY)
