"""Sessions of real devices and services: recorded, kept as files that people can read, and answered from."""
