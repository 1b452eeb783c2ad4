"""The simulated city: the same devices and services as a real one, pretended.

Every value is a pure function of (time, scenario): any instant can be asked for directly, and asked again it
is the same. Built from the connector files, so a device that can be read can be simulated. Must not know the
store, collecting, analyses or reports.
"""
