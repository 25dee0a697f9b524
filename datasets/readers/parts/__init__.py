"""Parts that readers share: listings, images, HDF5, lists."""
