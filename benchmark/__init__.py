"""The benchmark room of crossres: cells, records, metrics, tables, profiles, engine and driver.

Its public door; what needs torch is imported only when cells are run.
"""

import importlib
from typing import TYPE_CHECKING, Any

from benchmark.cells import Cell
from benchmark.features import evaluate, evaluate_features
from benchmark.profiles import load_profile, profile_names
from benchmark.records import Record, read_record, read_records
from benchmark.rules import Rules
from benchmark.tables import Row, Table, built_in_tables, load_table, table_names

if TYPE_CHECKING:
    from benchmark.planning import Plan, plan_table
    from benchmark.runner import Summary, run_table

_LATER = {
    "Plan": "benchmark.planning",
    "plan_table": "benchmark.planning",
    "Summary": "benchmark.runner",
    "run_table": "benchmark.runner",
}
__all__ = [
    "Cell",
    "Plan",
    "Record",
    "Row",
    "Rules",
    "Summary",
    "Table",
    "built_in_tables",
    "evaluate",
    "evaluate_features",
    "load_profile",
    "load_table",
    "plan_table",
    "profile_names",
    "read_record",
    "read_records",
    "run_table",
    "table_names",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'benchmark' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
