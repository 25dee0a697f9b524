"""`python -m crossres`."""

import sys

from crossres import main

if __name__ == "__main__":
    sys.exit(main())
