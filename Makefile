# Recipes for a checkout. They use .venv where there is one and no other environment is active.
ifndef VIRTUAL_ENV
export PATH := $(CURDIR)/.venv/bin:$(PATH)
endif

.PHONY: check test long fuzz real encoders ray browser service reconciliation kgx advisories settings docs dist wheel

# What the second command of README.md runs, after installing.
check:
	ruff check . && ruff format --check . && mypy && lint-imports && mkdocs build --strict && pytest --cov

test:
	pytest

# Every test, each law on 300 examples; every verb killed hundreds of times (CROSSGRAPH_KILLS=n for n and n),
# fuzzing by the thousand, shapes that nobody draws: hours on two cores.
long:
	pytest -m "" --hypothesis-profile=long

# make fuzz [RUNS=n]: so many files for each reader, bred by what they reach. Needs the extra `fuzz`.
RUNS ?= 20000
fuzz:
	python tests/faults/fuzz.py $(RUNS)

# make real DATA=folder [JUDGE=judge.py]: the checks on real data sets, which the default run skips.
real:
	@test -d "$(DATA)" || { echo 'usage: make real DATA=folder [JUDGE=judge.py]' >&2; exit 2; }
	CROSSGRAPH_DATA="$$(realpath "$(DATA)")" $(if $(JUDGE),CROSSGRAPH_JUDGE="$$(realpath "$(JUDGE)")") pytest -m real -rs

# Models of random weights in each form that is read, and those of packages that are installed. Needs the extra
# `encoders`, and onnx to make a model.
encoders:
	pytest -m encoders -n0 -rs tests/encoding

# A real cluster of two workers on this machine, which loses one of them; minutes. Needs the extra `ray`.
ray:
	pytest -m ray -n0 tests/cluster

# The review in a real browser: BROWSER=path, or the first of these that is installed. Needs the extra `browser`.
BROWSER ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))
browser:
	@test -n "$(BROWSER)" || { echo 'no browser: apt install chromium, or make browser BROWSER=path' >&2; exit 2; }
	CROSSGRAPH_BROWSER="$(BROWSER)" pytest -m browser -rs tests/reviewing

# make service RESULT=folder: the service asked at random by what it says of itself. Needs the extra `service`.
service:
	@test -d "$(RESULT)" || { echo 'usage: make service RESULT=folder' >&2; exit 2; }
	python scripts/ask_at_random.py "$(RESULT)"

# make reconciliation RESULT=folder SPECS=folder: the service's answers held to the JSON schemas of the API. SPECS is a
# checkout of https://github.com/reconciliation-api/specs.
reconciliation:
	@test -d "$(RESULT)" -a -d "$(SPECS)" || { echo 'usage: make reconciliation RESULT=folder SPECS=folder' >&2; exit 2; }
	python scripts/check_reconciliation.py "$(RESULT)" --schemas "$(SPECS)"

# make kgx EXPORT=folder: what `crossgraph export --format kgx` made, validated by kgx. Needs
# `pip install kgx biolink-model`; no network.
kgx:
	@test -d "$(EXPORT)" || { echo 'usage: make kgx EXPORT=folder' >&2; exit 2; }
	python scripts/check_kgx.py "$(EXPORT)"

# Known holes in the pinned versions; needs `pip install pip-audit`, and the network.
advisories:
	pip-audit -r constraints.txt --no-deps --disable-pip

# Writes docs/settings.md anew after an options class has changed.
settings:
	python tests/test_docs.py

# The documentation as a site in site/; any warning fails, such as a link that leads nowhere. Needs the extra `docs`.
docs:
	mkdocs build --strict

# Wheel and sdist in dist/. Needs `pip install build`.
dist:
	python -m build

# make wheel [PYTHONS="python3.12 /a/path/python"]: builds, and tries the wheel in an empty environment of each Python;
# some minutes for each. Needs `pip install build`, and a package index.
PYTHONS ?= python3.11 python3.12 python3.13
wheel: dist
	python scripts/try_wheel.py "$$(ls -t dist/*.whl | head -n 1)" $(PYTHONS)
