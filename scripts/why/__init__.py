"""One person's page: what was decided about them, and why."""
