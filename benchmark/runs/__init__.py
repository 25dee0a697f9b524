"""Run cells: plan, data, engine, workers, progress."""
