"""The names of protocols with their options: "mlr-sing[balanced=true,kernel=box]"."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossres.datasets.base.arguments import as_text
from crossres.datasets.base.errors import InputError


@dataclass(frozen=True)
class Spec:
    """A name and its options, in the order of their keys."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the canonical text: equal specs have equal texts, `parse_spec(str(s)) == s`."""
        pairs = ",".join(f"{key}={self.options[key]}" for key in sorted(self.options))
        return f"{self.name}[{pairs}]" if pairs else self.name


def parse_spec(text: str) -> Spec:
    """Read "name" or "name[key=value,key=value]"; InputError when it is neither."""
    name, bracket, bracketed = as_text(text, "protocol").partition("[")
    pairs = (
        [pair.partition("=") for pair in bracketed.removesuffix("]").split(",")] if bracket else []
    )
    well_formed = not bracket or bracketed.endswith("]")
    if not name or not well_formed or not all(key and eq and value for key, eq, value in pairs):
        raise InputError(f"protocol {text!r}: options are written name[key=value,key=value]")
    options = {key.strip(): value.strip() for key, _, value in pairs}
    if len(options) != len(pairs):
        raise InputError(f"protocol {text!r}: an option is given twice")
    return Spec(name.strip(), {key: options[key] for key in sorted(options)})
