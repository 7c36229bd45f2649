# Thin lines over pulumi, pytest and python -m …; nothing essential lives here.
#   make up|down|status|test|check|preview|destroy|rollback|bench [SYSTEM=liveinsight] [STACK=liveinsight.local] [TAG=v1]
SYSTEM ?= liveinsight
STACK ?= $(SYSTEM).local
TAG ?=
LOCAL := python3 -m localcloud
SHELL := /bin/sh
# The local cloud's addresses, keys and plugins, where `make up` has written them. A stack anywhere else keeps the
# credentials and the state of the shell, also on a machine that has them.
SOURCE = if [ -f .local/env.sh ]; then . ./.local/env.sh; fi
ENV = $(if $(filter %local,$(STACK)),$(SOURCE),:)

.PHONY: up down status test check preview destroy rollback bench

ifneq ($(filter %local,$(STACK)),)
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
	@$(SOURCE); python -m pytest --numprocesses 2 -m '$(if $(THOROUGH),,not thorough)'

bench:
	@$(LOCAL) up --goal test
	@$(SOURCE); python -m pytest -s tests/bench/bench_*.py

check:
	@$(LOCAL) up --goal check
	@.local/venv/bin/ruff check .
	@.local/venv/bin/ruff format --check .
	@.local/venv/bin/mypy .
	@PATH=".local/bin:$$PATH" actionlint
	@.local/venv/bin/zizmor --offline --quiet .github
