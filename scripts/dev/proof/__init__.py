"""The proof on published figures: extracts made to authorities' rows, run through the models.

For each authority an extract is made to its published row (`sen2 sample --like`), landed, and put
through the SQL that `dbt build` runs; then every published count of the authority is compared with
what the models say. `make proof` does it for all and writes docs/proof.md.
"""
