"""`python -m cityctl`."""

from cityctl.cli import main

main()
