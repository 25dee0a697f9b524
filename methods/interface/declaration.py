"""What a method says of itself: what lists, plans and reports need of one that they do not run."""

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, ClassVar, Literal, get_args

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.texts import check_name

Grade = Literal["faithful", "faithful structure", "our reading", "control"]


class Declaration:
    """The class variables of a method; a `Method` has them of its own or of such a class.

    One with `needs_rate` is told the rates of test images; without `uses_backbone` it has nothing
    to do with the backbone of a profile. `loads` are modules that take long to import and that few
    methods use: workers have them from the start of a run that uses this one. `Options` is a frozen
    dataclass; `small_options` make the method as small as it gets, by name. A subclass inherits all
    that it does not set.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    grade: ClassVar[Grade]
    needs_rate: ClassVar[bool] = False
    uses_backbone: ClassVar[bool] = True
    loads: ClassVar[tuple[str, ...]] = ()
    reference: ClassVar[str]
    Options: ClassVar[type]
    small_options: ClassVar[dict[str, Any]] = {}


@dataclass(frozen=True)
class DeclarationFault:
    """What is wrong with a declaration: the variable, and a text about it."""

    variable: str
    text: str


def declaration_faults(cls: type) -> Iterator[DeclarationFault]:
    """Yield what is wrong with the class variables of a class that is to be a method."""
    for variable in ("name", "title", "reference"):
        value = getattr(cls, variable, None)
        if not (isinstance(value, str) and value):
            yield DeclarationFault(variable, f"{variable} must be a text")
    try:
        check_name("name", getattr(cls, "name", None) or "unnamed")
    except (InputError, TypeError) as error:
        yield DeclarationFault("name", str(error))
    if getattr(cls, "grade", None) not in get_args(Grade):
        yield DeclarationFault("grade", f"grade must be one of {', '.join(get_args(Grade))}")
    for variable in ("needs_rate", "uses_backbone"):
        if not isinstance(getattr(cls, variable, None), bool):
            yield DeclarationFault(variable, f"{variable} must be True or False")
    if not isinstance(getattr(cls, "small_options", None), dict):
        text = "small_options must be a dict of options by name"
        yield DeclarationFault("small_options", text)
    options: Any = getattr(cls, "Options", None)
    frozen = is_dataclass(options) and getattr(options, "__dataclass_params__").frozen  # noqa: B009
    if not frozen or any(
        field.default is MISSING and field.default_factory is MISSING for field in fields(options)
    ):
        text = "Options must be a frozen dataclass with defaults for all fields"
        yield DeclarationFault("Options", text)
    elif "__dataclass_fields__" not in vars(options) and vars(options).get("__annotations__"):
        names = ", ".join(vars(options)["__annotations__"])
        text = (
            f"Options has no @dataclass(frozen=True) of its own, so these are no options: {names}"
        )
        yield DeclarationFault("Options", text)
