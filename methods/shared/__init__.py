"""Parts that several methods are made of: networks, losses, sampling, training.

Import the modules by name; this package itself loads nothing.
"""
