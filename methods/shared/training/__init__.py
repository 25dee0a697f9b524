"""Training: schedule, batches, loop."""
