PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ENCRYPTED := $(VENV)/encrypted
YEAR := 2026
# DfE's published tables as CSV files. Those of three authorities come with the tests.
SHIPPED := tests/python/published
PUBLISHED ?= $(SHIPPED)
IS_SHIPPED = $(filter $(SHIPPED),$(PUBLISHED))
DOWNLOAD := https://explore-education-statistics.service.gov.uk/find-statistics/education-health-and-care-plans
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: run test test-quick test-models search check docs bench generate bands proof published bundle clean

run: $(VENV)/.installed  ## the shipped sample extract becomes a submission in out/
	$(BIN)/sen2 run sample --year $(YEAR)

test: check $(ENCRYPTED)/.installed  ## every check and every test
	$(BIN)/pytest -n 2

test-quick: $(VENV)/.installed  ## what needs no whole run and no build: under two minutes
	$(BIN)/pytest -n 2 -m "not slow"

test-models: $(VENV)/.installed | warehouse/sen2_$(YEAR).duckdb  ## the models' unit tests by dbt itself
	$(BIN)/dbt test --select test_type:unit --profiles-dir profiles --log-level-file none \
		--vars '{collection_year: $(YEAR)}'

search: $(VENV)/.installed  ## the property tests on new examples each time: a failure is a finding
	HYPOTHESIS_PROFILE=search $(BIN)/pytest -n 2 -m property

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
	$(BIN)/python -m sen2.dev.bench $(RECORD)

.PHONY: soak
soak: $(VENV)/.installed  ## 200 runs killed at random moments: nothing may be lost (an hour)
	nice $(BIN)/python -m tests.python.soak 200

.PHONY: fuzz
INPUTS := 100000
fuzz: $(VENV)/.installed  ## hostile and broken input, 100,000 of them (an hour or two; goes on where it stopped)
	nice $(BIN)/python -m tests.python.fuzz $(INPUTS)

generate: $(VENV)/.installed  ## what is generated from the seeds and shipped: schemas, suites, README's table
	$(BIN)/python -m sen2.dev.generate

bands: $(VENV)/.installed | published  ## the national bands that are shipped, from DfE's CSV files in PUBLISHED
	$(BIN)/python -m sen2.dev.bands "$(PUBLISHED)" $(if $(IS_SHIPPED),out,seeds/spec)/national_bands.csv

proof: $(VENV)/.installed | published  ## DfE's published figures in PUBLISHED against the models'
	$(BIN)/python -m sen2.dev.proof --published "$(PUBLISHED)" --year 2025 --year 2022 \
		--report $(if $(IS_SHIPPED),out,docs)/proof.md

published:
	@mkdir -p out
	@test -z "$(IS_SHIPPED)" || echo "Using the figures of three authorities ($(SHIPPED)); results go to out/." \
		"For all authorities, download the release's data files from $(DOWNLOAD)," \
		"unzip them into a folder, and add PUBLISHED=FOLDER."

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
	$(BIN)/python -m sen2.build.compiled
	$(SBOM) -o bundle/sbom.cdx.json requirements-run.lock
	$(SBOM) -o bundle/sbom-encrypted.cdx.json requirements-encrypted.lock
	cp docs/licences.md bundle/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir bundle .
	rm -rf build

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m sen2.build.compiled
	touch $@

.PHONY: encrypted
encrypted: $(VENV)/.installed  ## in place of the newest DuckDB the one that can encrypt a warehouse
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-encrypted.lock

$(ENCRYPTED)/.installed: requirements-encrypted.lock | $(VENV)/.installed  # the same, for the tests alone
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --upgrade --target $(ENCRYPTED) -r $<
	touch $@

clean:
	rm -rf $(VENV) target logs warehouse out build bundle
