# make app | test | check: each installs what it needs into .venv once; after that no network is needed.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
HOST ?= 127.0.0.1
PORT ?= 7860
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
# A stamp is named after what the requirements say, so a checkout that changes only dates installs nothing.
APP_READY := $(VENV)/.app-$(shell cksum < requirements.txt | tr ' ' -)
DEV_READY := $(VENV)/.dev-$(shell cat requirements.txt requirements-ray.txt requirements-dev.txt | cksum | tr ' ' -)

export GRADIO_ANALYTICS_ENABLED := False
export HF_HUB_DISABLE_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: app test check format tables measurements rivals

app: $(APP_READY)
	$(BIN)/python app.py --host $(HOST) --port $(PORT)

# Threads that wait must sleep: spinning, those of two test processes take the cores from each other.
test: $(DEV_READY)
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(DEV_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(DEV_READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Write the tables of README.md anew from what is registered.
tables: $(DEV_READY)
	PYTHONPATH=. $(BIN)/python tests/readme_tables.py

# Measure the shipped rows again, and what is new in the lists of recipes: make measurements ARGS="--data DIR".
measurements: $(APP_READY)
	$(BIN)/python -m mma_core sweep --budget standard $(ARGS)
	$(BIN)/python -m mma_core sweep --budget standard --recipes precomputed/recipes-more.txt $(ARGS)
	$(BIN)/python -m mma_core sweep --budget standard --recipes precomputed/recipes-en.txt --teacher en $(ARGS)
	$(BIN)/python -m mma_core sweep --budget standard --recipes precomputed/recipes-of-sw.txt --languages sw $(ARGS)
	$(BIN)/python -m mma_core sweep --budget standard --recipes precomputed/recipes-of-de.txt --languages de $(ARGS)
	$(BIN)/python -m mma_core sweep --budget standard --recipes precomputed/recipes-of-en.txt --languages en $(ARGS)
	$(BIN)/python -m mma_core sweep --budget standard --recipes precomputed/recipes-of-en-sw.txt --languages en,sw --teacher multi,en $(ARGS)
	$(BIN)/python -m mma_core sweep --recipes precomputed/recipes-of-africa.txt --languages ha,ig,rw,sw,wo,xh,yo,zu $(ARGS)
	$(BIN)/python -m mma_core sweep --recipes precomputed/recipes-one-thread.txt --threads 1 --languages de,sw $(ARGS)
	$(BIN)/python -m benchmarks.agreement

# Measure other taggers beside our recipes: make rivals ARGS="--data DIR"; close other programs first.
rivals: $(DEV_READY)
	$(BIN)/python -m benchmarks.rivals $(ARGS)

$(BIN)/python:
	@command -v "$(PYTHON)" > /dev/null || { \
	  echo "$(PYTHON) is not installed. On Debian or Ubuntu: apt install python3.11 python3.11-venv;" \
	       "elsewhere: make app PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is older than Python 3.11. Install 3.11 (Debian or Ubuntu: apt install python3.11 python3.11-venv)" \
	       "or name another: make app PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2> /dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt install python3.11-venv" >&2; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV)

$(APP_READY): | $(BIN)/python
	@echo "Installing requirements.txt into $(VENV): about 2 GB, once."
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@rm -f $(VENV)/.app-* && touch $@

$(DEV_READY): | $(APP_READY)
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@rm -f $(VENV)/.dev-* && touch $@
