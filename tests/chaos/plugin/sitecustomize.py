"""Python imports this module as it starts, so that faults reach workers, too."""

import os
import sys

if "CROSSRES_FAULT" in os.environ:
    import chaos_faults

    chaos_faults.install_asked_for()

# A Ray worker of a node that is to be like another machine, where no folder is the driver's.
if "CROSSRES_ELSEWHERE" in os.environ and any("default_worker" in a for a in sys.orig_argv):
    from crossres.benchmark.runs import supplies

    supplies.fingerprint = "of another machine: {}".format
