"""Raw data: folders, archives, twins, and what is admitted as which."""
