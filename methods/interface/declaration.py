"""What a method says of itself: what lists, plans and reports need of one that they do not run."""

from typing import Any, ClassVar, Literal

Grade = Literal["faithful", "faithful structure", "our reading", "control"]


class Declaration:
    """The class variables of a method; a `Method` has them of its own or of such a class.

    One with `needs_rate` is told the rates of test images; without `uses_backbone` it has nothing
    to do with the backbone of a profile. `Options` is a frozen dataclass;
    `small_options` make the method as small as it gets, by name. A subclass inherits all that it
    does not set.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    grade: ClassVar[Grade]
    needs_rate: ClassVar[bool] = False
    uses_backbone: ClassVar[bool] = True
    reference: ClassVar[str]
    Options: ClassVar[type]
    small_options: ClassVar[dict[str, Any]] = {}
