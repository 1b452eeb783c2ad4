"""Guarded writes and maintenance runbooks: plan, run, resume, approve, and an audit that comes before the write.

Everything that may change a plant goes through this room, and on one path: `walk` takes a recipe's steps, for a
plan as for a run, and `act` alone sends. It knows recipes and device models, no report and no command.
"""
