"""A project folder: making one, checking one, and showing a simulated one."""
