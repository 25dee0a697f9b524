"""Users' own data sets: their definitions, what they hold, and the guess that begins one."""
