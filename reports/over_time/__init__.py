"""Many results folders on one page: what each holds, and how rows moved from one to the next."""
