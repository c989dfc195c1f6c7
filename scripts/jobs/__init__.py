"""The verbs that join stages: run, check, sign off, the night's run."""
