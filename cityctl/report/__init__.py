"""The report room: a recipe asks an analysis, and a result becomes what people and machines read.

Knows results and recipes; no formula of the field, no device, no terminal.
"""
