"""`python -m cityctl`."""

from cityctl.cli import program

program()
