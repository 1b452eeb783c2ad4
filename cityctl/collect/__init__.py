"""From devices, services and files into the store, with the balance of what came.

The one floor that knows both sides: modbus/ and exports/ know no store, and the store knows neither.
"""
