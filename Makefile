# make demo   everything set up, then folds -> out-of-fold AUC -> submission and report on a small made-up sample
# make test   everything set up, then the tests
# make lint   style, format, the layers of the packages, types
# make lock   the locked versions anew, after requirements.txt has changed; make lock UPGRADE=--upgrade: the newest
.PHONY: demo test lint lock clean
.DEFAULT_GOAL := demo

PYTHON := .venv/bin/python
DEMO := build/demo
DEMO_OPTIONS := --data $(DEMO)/data --workspace $(DEMO)

demo: .venv/product
	$(PYTHON) src/make_sample.py $(DEMO)/data
	$(PYTHON) src/train_folds.py $(DEMO_OPTIONS) --overwrite --model linear
	$(PYTHON) src/train_folds.py $(DEMO_OPTIONS) --overwrite --encoder tiny --epochs 8 --learning-rate 5e-3
	$(PYTHON) src/make_submission.py $(DEMO_OPTIONS) --run bert linear --blend logit --name demo
	$(PYTHON) src/report.py $(DEMO_OPTIONS) --run bert linear

test: .venv/tests
	$(PYTHON) -m pytest -n 2 --dist worksteal

lint: .venv/tests
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	PYTHONPATH=src .venv/bin/lint-imports
	.venv/bin/basedpyright

# Every package with its hashes, for every platform: of the product, of kernels with a GPU, of the tests. Needs uv.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --custom-compile-command 'make lock' $(UPGRADE)
lock:
	$(LOCK) requirements.txt tests/requirements.txt -o tests/requirements.lock
	$(LOCK) requirements.txt -c tests/requirements.lock -o requirements.lock
	$(LOCK) requirements.txt requirements-cuda.txt -c tests/requirements.lock -o requirements-cuda.lock

clean:
	rm -rf .venv build

# TensorFlow 2.15 exists for Python 3.11 at most, and kaggle needs 3.11 at least. A stamp newer than
# the locked versions means that there is nothing to install.
.venv/product: requirements.lock
	@if command -v python3.11 >/dev/null && python3.11 -c 'import venv, ensurepip' 2>/dev/null; then \
	   python3.11 -m venv --clear .venv; \
	 elif command -v uv >/dev/null; then \
	   uv venv --quiet --clear --seed --python 3.11 .venv; \
	 else \
	   echo 'Needs Python 3.11 with venv (Debian: python3.11-venv), or uv, which can fetch it: see https://docs.astral.sh/uv' >&2; exit 2; \
	 fi
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

.venv/tests: .venv/product tests/requirements.lock
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r tests/requirements.lock
	@touch $@
