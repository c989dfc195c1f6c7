"""The command, as `python -m sen2.cli`."""

from .watched import main

main()
