"""Reads the answers that officers typed in workbooks into the authority's files."""
