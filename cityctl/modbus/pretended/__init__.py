"""Devices that answer, for the simulator and the tests."""
