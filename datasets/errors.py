"""The one exception that means "your input cannot be used".

Its text is one line that names the file or value and the remedy; the command line prints just that.
"""


class InputError(Exception):
    """Unusable input: a folder, file, name or option of the user's."""
