"""The optional libraries of the methods without a network, as the extra `classic` installs them."""

LOADS = (
    "scipy.linalg",
    "skimage.color",
    "skimage.feature",
    "sklearn.cluster",
    "sklearn.decomposition",
    "sklearn.kernel_approximation",
    "sklearn.linear_model",
    "sklearn.metrics.pairwise",
)
"""What they import, which takes a second."""
