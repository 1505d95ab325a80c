# Each target is a few lines of shell in tools/, so that it can be read, linted and run without make.
.DEFAULT_GOAL := help
.PHONY: help setup run example test lint lock messages bench chaos clean

help: ## Show this list.
	@echo "Kybern: AI governance whose status is computed from dated, signed evidence."
	@echo
	@sed -n 's/^\([a-z]*\): ## \(.*\)/  make \1	\2/p' Makefile | expand -t 16
	@echo
	@echo "PYTHON=... names an interpreter (3.11 to 3.13); without it the newest that is found is used."

setup: ## Make .venv with the pinned packages that running needs.
	@sh tools/setup.sh run

run: ## Start the server with the example organisation (PORT=8042); it prints its address and how to sign in.
	@sh tools/run.sh

example: ## Measure the example, assess it, write its report, without a server (AT=2026-11-20: as on the story's day).
	@sh tools/example.sh

test: ## Lint, check types and import contracts, run all tests.
	@sh tools/check.sh test

lint: ## The same without the tests.
	@sh tools/check.sh lint

lock: ## Pin the packages anew from pyproject.toml (needs uv; UPGRADE=1 for newer versions).
	@sh tools/lock.sh

messages: ## Gather the pages' texts into their catalogues (src/kybern/server/locale) and compile them.
	@sh tools/messages.sh

bench: ## Time assessment, lint, the evidence log, rules and the server, beside other tools where there are any (an hour).
	@sh tools/setup.sh dev
	.venv/bin/python benchmarks/assess.py
	.venv/bin/python benchmarks/lint.py
	.venv/bin/python benchmarks/log.py
	.venv/bin/python benchmarks/catalog.py --full
	sh tools/peers.sh benchmarks/policy.py
	.venv/bin/python benchmarks/policy.py --growth
	.venv/bin/python benchmarks/policy.py --solver
	.venv/bin/python benchmarks/server_ingest.py
	.venv/bin/python tools/with_postgres.py .venv/bin/python benchmarks/server_ingest.py
	.venv/bin/python benchmarks/server_pages.py

chaos: ## Crash log, witness and server hundreds of times at every step there is, fill the disk, cut the database; check it each time.
	@sh tools/setup.sh dev
	.venv/bin/python tests/evidence/log/chaos.py --rounds 500 --writers 16
	.venv/bin/python tests/cli/witness_chaos.py --rounds 200
	.venv/bin/python tests/server/chaos.py --rounds 50
	.venv/bin/python tools/with_postgres.py .venv/bin/python tests/server/chaos.py --rounds 50

clean: ## Remove .venv, build/ and the tools' caches; records, evidence and keys stay.
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests examples benchmarks tools -name __pycache__ -type d -prune -exec rm -rf {} +
