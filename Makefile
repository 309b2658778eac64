# Two commands matter: `make demo` runs the product, `make test` runs every test. Both set up what they need.
SHELL := /bin/bash
PY := .venv/bin/python
PORT ?= 8000
# Scripts run with the walls that this machine offers; a server without this refuses to run them unless it has all.
export TRELLIS_DEVELOPMENT ?= 1
# A start without compiled files compiles the whole product.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check lint docs bench soak fuzz mutate screenshots clean

demo: .venv/.demo-ready
	$(PY) -m trellis --home var/demo demo --port $(PORT)

test: .venv/.test-ready
	tools/test

# The loop, under 90 seconds on two cores: lint, types, and the quick tests of each capability on SQLite; on PostgreSQL those of
# the core (write path, query, tables). `make test` runs all.
check: .venv/.test-ready lint
	. tools/test-environment && $(PY) -m pytest -q -x -n 2 --dist worksteal \
	  -m "not slow and not browser and (not postgresql or core)" tests

lint: .venv/.test-ready
	.venv/bin/ruff check .
	.venv/bin/mypy

docs: .venv/.test-ready
	$(PY) tools/reference.py

bench: .venv/.test-ready
	$(PY) bench/run.py
	$(PY) bench/formulas.py $(FORMULA_BENCH)

soak: .venv/.test-ready
	TRELLIS_ROUNDS=50 TRELLIS_KILLS=20 $(PY) -m pytest -q tests/durability

fuzz: .venv/.test-ready
	TRELLIS_FUZZ_SECONDS=$(or $(SECONDS),600) $(PY) -m pytest -q -s tests/formula tests/merge tests/access -k "fuzz or random_organisations"

# Two hundred faults put into a copy of the pure modules, one at a time: at least 85 % must be noticed. Takes an hour or two.
mutate: .venv/.test-ready
	.venv/bin/python -c 'import cosmic_ray' 2>/dev/null || $(PY) -m pip install -q -e '.[mutate]'
	$(PY) tools/mutate.py --count $(or $(COUNT),200)

screenshots: .venv/.test-ready
	$(PY) tools/screenshots.py

.venv/.demo-ready: pyproject.toml hatch_build.py tools/prepare $(shell find admin_ui/frontend -type f -not -path '*/node_modules/*' 2>/dev/null)
	tools/prepare demo

.venv/.test-ready: .venv/.demo-ready
	tools/prepare test

clean:
	rm -rf .venv var admin_ui/trellis_admin/static/dist admin_ui/frontend/node_modules
