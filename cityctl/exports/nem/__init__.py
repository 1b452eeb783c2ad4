"""AEMO's Meter Data File Format (MDFF Specification NEM12 and NEM13, version 2.5): records, days, codes."""
