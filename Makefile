# make run        the whole stack on this machine, with nothing to install first but Python; MODEL=full make run: with the encoder
# make test       everything that must hold
# make chaos      two hundred random kills of its processes under load, for a quarter of an hour; CHAOS_SEED=... repeats an order
# make fuzz       schemathesis against the service on SQLite and on Postgres, with a key of each scope; ten minutes.
#                 EXAMPLES=2 make fuzz: two random requests for each operation, not fifteen; takes half as long
# make bench      figures on this machine, beside other servers: docs/benchmarks.md
# make screenshots    the pictures of the pages in docs/screenshots, over a story that a stack of its own plays; needs Chromium
# make lock       docker/*.lock again: requirements*.txt of the image with the hash of each file, which the image insists on
# make test-fast  what is done in a minute or so: no real processes, no tests that train many models or read whole corpora, no types
PYTHON ?= python3
PIP = .venv/bin/python -m pip --disable-pip-version-check --require-virtualenv
# Where it is set, each of the tests' many processes compiles all that it imports anew: most of their processor time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-units test-stack test-fast check format chaos fuzz lock bench screenshots clean

run: .venv/installed $(if $(filter full,$(MODEL)),.venv/installed-full)
	@exec .venv/bin/python manage.py up

test: check test-units test-stack

test-units: .venv/installed-dev
	.venv/bin/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder -m "not stack"

# Three files at a time: they wait more than they work, and are alone, for how soon an answer comes is part of them.
test-stack: check test-units
	.venv/bin/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder -m stack

test-fast: .venv/installed-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/python -m pytest --quiet --numprocesses auto --dist loadfile --no-loadscope-reorder -m "not stack and not slow"

check: .venv/installed-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy .
	DATA_DIR=$$(mktemp -d) .venv/bin/python manage.py makemigrations --check --dry-run

format: .venv/installed-dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

chaos: .venv/installed-dev
	CHAOS_KILLS=200 .venv/bin/python -m pytest --capture no tests/stack/test_chaos.py

fuzz: .venv/installed-dev .schemathesis/bin/st
	.venv/bin/python -m tests.fuzzing --examples $(or $(EXAMPLES),15)

.schemathesis/bin/st:
	$(PYTHON) -m venv .schemathesis
	.schemathesis/bin/python -m pip --disable-pip-version-check install --quiet schemathesis==4.32.5

lock: .venv/bin/python
	$(PIP) install uv==0.13.9
	for name in requirements requirements-full requirements-kafka; do \
		.venv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-annotate --no-header \
			$$name.txt --output-file docker/$$name.lock || exit 1; done

bench: .venv/installed-dev
	.venv/bin/python benchmarks/serving.py --model-servers
	.venv/bin/python -m benchmarks.attack
	.venv/bin/python -m benchmarks.scoring
	.venv/bin/python benchmarks/perspective.py

screenshots: .venv/installed-dev
	.venv/bin/python -m docs.screenshots

clean:
	rm -rf .venv .model-servers .schemathesis .mypy_cache .ruff_cache .pytest_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try: make run PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

# What is not imported need not be compiled: half of the time that an installation takes.
.venv/installed: requirements.txt | .venv/bin/python
	$(PIP) install --no-compile --requirement requirements.txt
	@touch $@

.venv/installed-full: requirements-full.txt | .venv/installed
	$(PIP) install --no-compile --requirement requirements-full.txt
	@touch $@

.venv/installed-dev: requirements.txt requirements-full.txt requirements-kafka.txt requirements-dev.txt | .venv/bin/python
	$(PIP) install --no-compile --requirement requirements-dev.txt
	@touch .venv/installed $@
