"""A check for CI: annotations and JUnit XML."""

from collections.abc import Sequence
from xml.etree import ElementTree

from crossres.benchmark.gate.check import Check, GateFinding
from crossres.benchmark.gate.folders import FolderCheck
from crossres.reports.gate.lines import ADVICE, BLIND, SIGHT
from crossres.reports.wording import metric_title

CHECKED = {
    "data": "same data",
    "missing": "no cell missing",
    "setup": "same options",
    "size": "same sizes",
    "training": "training begins alike",
    "exact": "equal to the bit",
    "time": "time",
    "memory": "memory",
}


def to_annotations(gate: FolderCheck) -> list[str]:
    """Return a workflow command of GitHub Actions per finding: they show at the run."""
    blind = gate.check.blind if gate.check.answer == "unusable" else ()
    return [
        *(_annotation(finding.kind, finding.text) for finding in gate.check.findings),
        *(_annotation("unusable", test.text) for test in blind),
    ]


def _annotation(kind: str, text: str) -> str:
    return f"::error title=crossres {kind}::{_command(text)}"


def _command(text: str) -> str:
    for sign, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(sign, code)
    return text


def to_junit(gate: FolderCheck) -> str:
    """Return the answer as JUnit XML: a test case for each thing checked, failed where found."""
    cases = [*_plain_cases(gate.check), *_test_cases(gate.check)]
    failures = sum(bool(findings) for _, findings in cases)
    blind = gate.check.blind
    counts = {
        "tests": str(len(cases) + 1),
        "failures": str(failures),
        "errors": str(int(bool(blind))),
        "skipped": "0",
    }
    suite = ElementTree.Element("testsuite", {"name": "crossres check", **counts})
    for name, findings in cases:
        case = _case(suite, name)
        if findings:
            _fault(
                case,
                "failure",
                findings[0].kind,
                [f.text for f in findings],
                ADVICE[findings[0].kind],
            )
    case = _case(suite, SIGHT)
    if blind:
        _fault(case, "error", "unusable", [test.text for test in blind], BLIND)
    root = ElementTree.Element("testsuites", counts)
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", {"classname": "crossres", "name": name})


def _fault(
    case: ElementTree.Element, tag: str, kind: str, texts: Sequence[str], advice: str
) -> None:
    """Return a failure: something was found; or an error: it could not have been."""
    attributes = {"type": kind, "message": "; ".join(texts)}
    ElementTree.SubElement(case, tag, attributes).text = "\n".join([*texts, advice])


Case = tuple[str, list[GateFinding]]


def _plain_cases(check: Check) -> list[Case]:
    is_asked = {
        "training": check.beginnings,
        "exact": check.limits.exact,
        "time": check.limits.time,
        "memory": check.limits.memory,
    }
    return [
        (name, [finding for finding in check.findings if finding.kind == kind])
        for kind, name in CHECKED.items()
        if is_asked.get(kind, True)
    ]


def _test_cases(check: Check) -> list[Case]:
    return [
        (
            f"{metric_title(test.metric)} of {test.row or 'all rows'} ({test.gallery})",
            [finding for finding in check.findings if finding.test == test],
        )
        for test in check.tests
    ]
