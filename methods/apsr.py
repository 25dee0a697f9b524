"""APSR: adaptive person super-resolution (Han, Huang, Song, Wang, Tan, Pattern Recognition 2021).

PRI's recovery branches R_k and shared re-ID network, fused by weights that are learned with all the
rest, from the identity loss alone:

    f(x) = sum_k alpha_k(x) f(R_k(x))        L = sum_k ||R_k(x_1/k) - x_h||_1 + CE + triplet of f(x)

Our reading throughout: of the paper no more than this idea was at hand (docs/methods/apsr.md).
"""

from crossres.methods.declarations.apsr import ApsrDeclaration
from crossres.methods.pri import Pri


class Apsr(ApsrDeclaration, Pri):
    """Recovery branches for several factors, fused by attention to the image."""
