# Thin lines over pulumi, pytest and python -m …; nothing essential lives here.
#   make up|down|test|check|preview|destroy|rollback|bench [SYSTEM=liveinsight] [STACK=liveinsight.local] [TAG=v1]
SYSTEM ?= liveinsight
STACK ?= $(SYSTEM).local
TAG ?=
LOCAL := python3 -m localcloud
SHELL := /bin/sh
# The generated file when there is one; on a machine with real credentials and plugins nothing of it is needed.
ENV = if [ -f .local/env.sh ]; then . ./.local/env.sh; fi

.PHONY: up down status test check preview destroy rollback bench

ifeq ($(suffix $(STACK)),.local)
up:
	@$(LOCAL) up --stack $(STACK)
else
up:
	pulumi up --stack $(STACK)
endif

down:
	@$(LOCAL) down

status:
	@$(LOCAL) status --stack $(STACK)

preview:
	@$(ENV); pulumi preview --diff --stack $(STACK)

destroy:
	@$(ENV); pulumi destroy --stack $(STACK)

rollback:
	@$(ENV); python -m ops.rollback $(STACK) $(if $(TAG),--tag $(TAG))

test:
	@$(LOCAL) up --goal test
	@$(ENV); python -m pytest

bench:
	@$(LOCAL) up --goal test
	@$(ENV); python -m pytest -s tests/bench/bench_*.py

check:
	@$(LOCAL) up --goal check
	@.local/venv/bin/ruff check .
	@.local/venv/bin/ruff format --check .
	@.local/venv/bin/mypy .
	@if [ -d .github/workflows ]; then PATH=".local/bin:$$PATH" actionlint && .local/venv/bin/zizmor --offline --quiet .github; fi
