from .benchmark.config.profiles import load_profile as load_profile
from .benchmark.config.tables import load_table as load_table
from .benchmark.gate.folders import check_folder as check_folder
from .benchmark.gate.limits import Limits as Limits
from .benchmark.metrics.evaluate import evaluate as evaluate
from .benchmark.records.record import Record as Record
from .benchmark.records.record import read_records as read_records
from .benchmark.runs.driver import run_table as run_table
from .benchmark.runs.request import RunRequest as RunRequest
from .datasets.base.errors import InputError as InputError
from .datasets.pixels.store import PixelStore as PixelStore
from .datasets.pixels.store import open_store as open_store
from .datasets.protocols import build_manifest as build_manifest
from .datasets.raw.source import Source as Source
from .datasets.raw.source import open_raw as open_raw
from .datasets.splits.manifest import Manifest as Manifest
from .datasets.twins import draw_twin as draw_twin
from .methods.interface.conformance import check_method as check_method
from .methods.interface.method import Method as Method
from .methods.interface.profile import Profile as Profile
from .methods.interface.registry import method_class as method_class
from .methods.interface.registry import method_names as method_names
from .methods.interface.run import Run as Run
from .methods.interface.saved import load_method as load_method
from .methods.interface.training_data import TrainSet as TrainSet
from .reports.write import write_report as write_report

def main(arguments: list[str] | tuple[str, ...] | None = None) -> int: ...
