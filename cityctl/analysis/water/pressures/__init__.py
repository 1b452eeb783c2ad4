"""Heads that sensors show, and the changes that come by schedule. Numbers only."""
