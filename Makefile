# Everything happens in .venv; variables (PORT, DATA_DIR, …) come from the environment or follow the target:
#   make run PORT=0
# Recipes end in `exec` so that a SIGTERM sent to make reaches the program itself.

SHELL := /bin/sh
# Not with make's own functions, which split at spaces.
ROOT := $(shell cd "$$(dirname "$(strip $(MAKEFILE_LIST))")" && pwd)
RUN = @cd "$(ROOT)" && sh .ci/venv
PYTHON_IN_VENV = .venv/bin/python
# Tools load the settings, which need a key.
TOOL = SECRET_KEY=lint $(PYTHON_IN_VENV) -m
INDENT = $(PYTHON_IN_VENV) -m djhtml --tabwidth 2
# The addresses of the running stack, for a shell.
STACK_ENV = cd "$(ROOT)" && file="$${DATA_DIR:-.data}/stack.env" && \
	{ [ -f "$$file" ] || { echo "Nothing runs on $${DATA_DIR:-.data}: start it with make run." >&2; exit 1; }; } && \
	set -a && case "$$file" in /*) . "$$file" ;; *) . "./$$file" ;; esac && set +a

.PHONY: help demo run test soak bench lint audit format psql manage clean

help:
	@echo "make demo    run Tablekeep with 336,776 flights in it"
	@echo "make run     run Tablekeep"
	@echo "make test    run the tests            (make test args='-k csv')"
	@echo "make soak    kill something in the middle of 200 imports"
	@echo "make lint    check style, types, templates, scripts, migrations"
	@echo "make audit   look for known vulnerabilities in what is installed"
	@echo "make format  put the style right"
	@echo "make bench   measure against psql and other ways in"
	@echo "make psql    a shell on the database of the running stack"
	@echo "make manage  a command on it          (make manage args='changepassword admin')"
	@echo "make clean   remove .venv and caches, and no data"

demo:
	$(RUN) base && exec $(PYTHON_IN_VENV) manage.py stack --demo

run:
	$(RUN) base && exec $(PYTHON_IN_VENV) manage.py stack

test:
	$(RUN) test && exec $(PYTHON_IN_VENV) -m pytest -n auto --maxprocesses=8 $(args)

soak:
	$(RUN) test && exec $(PYTHON_IN_VENV) -m harness $(args)

bench:
	$(RUN) base && sh .ci/venv bench && exec .venv-bench/bin/python -m bench $(args)

lint:
	$(RUN) test
	@cd "$(ROOT)" && $(TOOL) ruff check .
	@cd "$(ROOT)" && $(TOOL) ruff format --check .
	@cd "$(ROOT)" && $(TOOL) mypy .
	@cd "$(ROOT)" && $(TOOL) djlint --lint --quiet templates
	@cd "$(ROOT)" && $(INDENT) --check templates
	@cd "$(ROOT)" && .venv/bin/oxlint --quiet static
	@cd "$(ROOT)" && SECRET_KEY=lint $(PYTHON_IN_VENV) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

audit:
	$(RUN) test && exec sh .ci/audit

format:
	$(RUN) test
	@cd "$(ROOT)" && $(TOOL) ruff check --fix . && $(TOOL) ruff format .
	@cd "$(ROOT)" && $(INDENT) templates

psql:
	$(RUN) base
	@$(STACK_ENV) && \
	exec "$$($(PYTHON_IN_VENV) -c 'from config.stack.embedded import postgres_binary; print(postgres_binary("psql"))')" "$$DATABASE_URL"

manage:
	$(RUN) base
	@$(STACK_ENV) && exec $(PYTHON_IN_VENV) manage.py $(args)

clean:
	@cd "$(ROOT)" && rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@cd "$(ROOT)" && find . -name __pycache__ -not -path './.data/*' -prune -exec rm -rf {} +
