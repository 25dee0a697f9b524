def add_command(c): pass
