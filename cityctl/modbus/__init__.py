"""PLCs and meters that speak Modbus: their maps, the values in their registers, and asking for them.

The room knows devices and points, never the store, the analyses or the terminal. Only `wire` touches
pymodbus.
"""
