PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ENCRYPTED := $(VENV)/encrypted
YEAR := 2026
PUBLISHED ?= ../shared/published
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: run test check docs bench generate bands proof bundle clean

run: $(VENV)/.installed  ## the shipped sample extract becomes a submission in out/
	$(BIN)/sen2 run sample --year $(YEAR)

test: check $(ENCRYPTED)/.installed  ## every check and every test
	$(BIN)/pytest -n 2

check: $(VENV)/.installed  ## style, types, SQL and project conventions
	$(BIN)/ruff format --check scripts tests
	$(BIN)/ruff check scripts tests
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 2 models tests analyses macros
	$(BIN)/dbt parse --quiet --profiles-dir profiles --log-level-file none
	$(BIN)/dbt-bouncer run --config-file dbt-bouncer.yml

docs: $(VENV)/.installed | warehouse/sen2_$(YEAR).duckdb  ## the warehouse described: target/static_index.html
	$(BIN)/dbt --quiet docs generate --static --profiles-dir profiles --log-level-file none \
		--vars '{collection_year: $(YEAR)}'

warehouse/sen2_$(YEAR).duckdb:
	$(MAKE) run

bench: $(VENV)/.installed  ## the main job at growing sizes beside a floor; RECORD=--record writes docs/benchmarks.md
	$(BIN)/python -m sen2.bench $(RECORD)

.PHONY: soak
soak: $(VENV)/.installed  ## 200 runs killed at random moments: nothing may be lost (an hour)
	nice $(BIN)/python -m tests.python.soak 200

.PHONY: fuzz
INPUTS := 100000
fuzz: $(VENV)/.installed  ## hostile and broken input, 100,000 of them (an hour or two; goes on where it stopped)
	nice $(BIN)/python -m tests.python.fuzz $(INPUTS)

generate: $(VENV)/.installed  ## what is generated from the seeds and shipped: schemas, suites, README's table
	$(BIN)/python -m sen2.generate

bands: $(VENV)/.installed  ## the national bands that are shipped, from DfE's CSV files in PUBLISHED
	$(BIN)/python -m sen2.bands $(PUBLISHED)

proof: $(VENV)/.installed  ## docs/proof.md: DfE's published figures in PUBLISHED against the models'
	$(BIN)/python -m sen2.proof --published $(PUBLISHED) --year 2025 --year 2022 \
		--report docs/proof.md

# What is installed, with the hash of every file; the same lock file gives the same bytes.
SBOM := $(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml \
	--output-reproducible --spec-version 1.6 --output-format JSON

.PHONY: audit
audit: $(VENV)/.installed  ## known vulnerabilities of every pinned dependency (needs network)
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.lock
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements-encrypted.lock

bundle: $(VENV)/.installed  ## bundle/: wheels that install sen2 with no network, compiler or admin rights
	rm -rf bundle build
	$(BIN)/python -m pip download --quiet --require-hashes --only-binary :all: \
		--dest bundle -r requirements-run.lock
	$(BIN)/python -m pip download --quiet --require-hashes --no-deps --only-binary :all: \
		--dest bundle -r requirements-encrypted.lock
	$(SBOM) -o bundle/sbom.cdx.json requirements-run.lock
	$(SBOM) -o bundle/sbom-encrypted.cdx.json requirements-encrypted.lock
	cp docs/licences.md bundle/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir bundle .
	rm -rf build

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

.PHONY: encrypted
encrypted: $(VENV)/.installed  ## in place of the newest DuckDB the one that can encrypt a warehouse
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-encrypted.lock

$(ENCRYPTED)/.installed: requirements-encrypted.lock | $(VENV)/.installed  # the same, for the tests alone
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --upgrade --target $(ENCRYPTED) -r $<
	touch $@

clean:
	rm -rf $(VENV) target logs warehouse out build bundle
