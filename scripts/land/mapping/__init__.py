"""Mappings: what a source's files, headings, words and dates mean in the contract."""
