"""Pure questions over readings: parameters and readings in, a Result with units and completeness out.

Nothing here prints, opens a file or a connection, or asks the clock. Adding an analysis is adding two files,
`<area>/<name>.py` and `<area>/<name>.sql`: see `catalog`.
"""
