"""What the gate said of the changes: whether that is good enough, and as a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.mutations.changes import Change

ENOUGH = 0.9  # of the bugs and leaks must raise an alarm


@dataclass(frozen=True)
class Outcome:
    """What the gate said of a change: what it found ({} where it passed), and the answer itself."""

    change: Change
    alarms: dict[str, int]
    answer: dict[str, Any]

    @property
    def right(self) -> bool:
        """Whether it is what it should be: that a check was unusable is no alarm."""
        return bool(self.alarms) == self.change.harmful

    @property
    def unusable(self) -> bool:
        """Whether the gate could not have found what it must."""
        return self.answer.get("answer") == "unusable"


def good_enough(outcomes: Sequence[Outcome]) -> bool:
    """Whether enough harm is found, and no clean change."""
    harmful = [outcome.right for outcome in outcomes if outcome.change.harmful]
    clean = [outcome.right for outcome in outcomes if not outcome.change.harmful]
    return sum(harmful) >= ENOUGH * len(harmful) and all(clean)


def to_markdown(outcomes: Sequence[Outcome]) -> str:
    """A sentence and a table for each kind."""
    parts = []
    for kind, said in (
        ("bug", "raise an alarm"),
        ("leak", "raise an alarm"),
        ("clean", "raise none"),
    ):
        mine = [outcome for outcome in outcomes if outcome.change.kind == kind]
        if mine:
            right = sum(outcome.right for outcome in mine)
            blind = sum(outcome.unusable for outcome in mine)
            more = f", {blind} checks are unusable" if blind else ""
            parts.append(f"**{kind}: {right} of {len(mine)} {said}{more}**\n\n{_table(mine)}")
    return "\n".join(parts)


def _table(outcomes: Iterable[Outcome]) -> str:
    lines = [
        "| change | alarms | mAP | most changed | first losses off by |",
        "|---|---|--:|---|---|",
    ]
    for outcome in outcomes:
        mean, most = _moved(outcome.answer)
        alarms = ", ".join(outcome.alarms) or ("unusable" if outcome.unusable else "none")
        said = alarms if outcome.right else f"**{alarms}**"
        first = _begun(outcome.answer)
        lines.append(f"| {outcome.change.name} | {said} | {mean} | {most} | {first} |")
    return "\n".join(lines) + "\n"


def _moved(answer: dict[str, Any]) -> tuple[str, str]:
    """By how many points mAP moved, in the mean over all rows and in the row where it did most."""
    tests = [test for test in answer.get("tests", []) if test["metric"] == "mAP"]
    rows = [test for test in tests if test["row"]]
    if not rows:
        return "–", answer.get("error", "–")
    effects = {test["row"]: 100 * test["difference"]["effect"] for test in rows}
    most = max(effects, key=lambda row: abs(effects[row]))
    means = [100 * test["difference"]["effect"] for test in tests if not test["row"]]
    mean = f"{means[0]:+.1f}" if means else "–"
    return mean, f"{most} {effects[most]:+.1f}" if effects[most] else "equal to the bit"


def _begun(answer: dict[str, Any]) -> str:
    """The loss that is off the most in the first steps of training, and by how much of it."""
    found = answer.get("beginnings", [])
    if not found:
        return "–"
    most = max(found, key=lambda one: float(one["relative"]))
    if all(one["p"] is None for one in found):
        return "equal to the bit"
    percent = 100 * float(most["relative"])
    return f"{most['row']}, {most['loss']} {percent:,.{0 if percent >= 10 else 1}f} %"
