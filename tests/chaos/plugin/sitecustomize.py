"""Python imports this module as it starts, so that faults reach workers, too."""

import os

if "CROSSRES_FAULT" in os.environ:
    import chaos_faults

    chaos_faults.install_asked_for()
