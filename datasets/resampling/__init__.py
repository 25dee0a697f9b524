"""Resampling: the integer kernels, and those of OpenCV."""
