"""Energy from counters that a test turns: of a folder as Linux has it, and of a made-up GPU."""

import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from crossres.benchmark.measures import energy as module
from crossres.benchmark.measures.energy import EnergyMeter


class Machine:
    """A folder of RAPL zones and a /proc/stat."""

    def __init__(self, folder: Path) -> None:
        self.zones, self.stat = folder / "powercap", folder / "stat"
        self.busy(0)

    def zone(self, name: str, title: str, joules: float, most: float = 1000.0) -> None:
        (self.zones / name).mkdir(parents=True, exist_ok=True)
        texts = {
            "name": title,
            "energy_uj": int(1e6 * joules),
            "max_energy_range_uj": int(1e6 * most),
        }
        for file, text in texts.items():
            (self.zones / name / file).write_text(f"{text}\n")

    def busy(self, ticks: int) -> None:
        self.stat.write_text(f"cpu  {ticks} 0 0 999 999 0 0 0 777 0\ncpu0 1 2 3\n")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine(tmp_path)
    monkeypatch.setattr(module, "POWERCAP", made.zones)
    monkeypatch.setattr(module, "STAT", made.stat)
    before = threading.active_count()
    yield made
    assert threading.active_count() == before


def test_packages_are_added_up_and_nothing_is_counted_twice(machine: Machine) -> None:
    def used(first: float, second: float) -> None:
        machine.zone("intel-rapl:0", "package-0", first)
        machine.zone("intel-rapl:1", "package-1", second)
        again = {"intel-rapl:0:0": "core", "intel-rapl:2": "psys", "intel-rapl-mmio:0": "package-0"}
        for name, title in again.items():
            machine.zone(name, title, first + second)

    used(10, 20)
    meter = EnergyMeter("cpu")
    with meter.phase("fit"):
        used(15, 22.5)
    with meter.phase("embed"):
        used(16, 22.5)
    assert meter.energy()["cpu"] == {"fit": 7.5, "embed": 1.0}
    meter.forget("fit")
    assert meter.energy()["cpu"] == {"embed": 1.0}


def test_a_counter_that_starts_anew_is_followed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 0.001)
    machine.zone("intel-rapl:0", "package-0", 900)
    meter = EnergyMeter("cpu")
    read = threading.Event()
    update = module.Counter.update

    def noted(counter: Any) -> None:
        update(counter)
        read.set()

    monkeypatch.setattr(module.Counter, "update", noted)
    with meter.phase("fit"):
        for joules in (300, 800, 200):  # 400, 900 and 1,300 since the start
            # The file is written at once, as a reading must not see half of it.
            path = machine.zones / "intel-rapl:0" / "energy_uj"
            new = path.with_suffix(".new")
            new.write_text(str(joules * 10**6))
            new.replace(path)
            for _ in range(2):
                read.clear()
                assert read.wait(5)
    assert meter.energy()["cpu"]["fit"] == pytest.approx(1300)


def test_the_share_of_the_cpu_time_is_that_of_the_process(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.zone("intel-rapl:0", "package-0", 1)
    monkeypatch.setattr(module.os, "sysconf", lambda _: 100)
    times = iter([5.0, 8.0])
    monkeypatch.setattr(module.time, "process_time", lambda: next(times))
    meter = EnergyMeter("cpu")
    with meter.phase("fit"):
        machine.busy(400)
    assert meter.energy() == {"cpu": {"fit": 0.0}, "own_share": {"fit": 0.75}}


def test_what_cannot_be_read_is_not_measured(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured() -> Any:
        meter = EnergyMeter("cpu")
        with meter.phase("fit"):
            pass
        return meter.energy()

    assert measured() == {}  # no counters at all
    machine.zone("intel-rapl:0", "package-0", 1)
    assert "cpu" in measured()
    with monkeypatch.context() as patched:
        # So long without a reading that the counter may have started anew more than once.
        patched.setattr(module, "MOST_WATTS", 1e12)
        assert measured() == {}
    file = machine.zones / "intel-rapl:0" / "energy_uj"
    file.unlink()
    file.mkdir()  # which nobody can read as a file, not even root
    assert measured() == {}
    machine.zone("intel-rapl:1", "package-0-die-0", 1)
    file.rmdir()
    machine.zone("intel-rapl:0", "package-0-die-1", 1)
    assert measured() == {}  # some CPUs show the counter of the package at each die


def test_a_counter_that_fails_on_the_way_leaves_nothing(machine: Machine) -> None:
    machine.zone("intel-rapl:0", "package-0", 1)
    meter = EnergyMeter("cpu")
    with meter.phase("fit"):
        (machine.zones / "intel-rapl:0" / "energy_uj").write_text("none")
    assert meter.energy() == {}


@pytest.mark.usefixtures("machine")
def test_a_gpu_is_read_where_nvml_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    millijoules = iter([5000, 5000, 9000])
    nvml = types.SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: {b"GPU-12-34": "handle"}[uuid],
        nvmlDeviceGetTotalEnergyConsumption=lambda _: next(millijoules),
    )
    monkeypatch.setitem(module.importlib.sys.modules, "pynvml", nvml)
    properties = types.SimpleNamespace(uuid="12-34")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
    meter = EnergyMeter("cuda:0")
    with meter.phase("fit"):
        pass
    assert meter.energy() == {"gpu": {"fit": 4.0}}
    properties.uuid = "another"
    assert EnergyMeter("cuda:0").energy() == {}
