"""Looking around at devices: who answers, which connector fits, what is wrong. Reads only."""
