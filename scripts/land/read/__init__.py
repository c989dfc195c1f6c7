"""Readers of an extract: delimited files, workbooks, databases."""
