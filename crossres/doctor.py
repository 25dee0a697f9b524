"""Whether this machine is ready: what is installed, what computes, where data is kept.

Every part is looked at by itself, so that one that is broken does not hide another.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Literal

State = Literal["ok", "note", "broken"]
PARTS = ("software", "installation", "extras", "device", "cache", "LaTeX", "shell")
ROOMS = ("datasets", "methods", "benchmark", "reports")
# What is likely to be there and not to work: it needs libraries of the system, or of each other.
COMPILED = ("numpy", "scipy", "pandas", "h5py", "matplotlib", "torch", "torchvision")
LOW_DISK = 5 * 2**30  # bytes: pixel stores of the larger sets take about as much
LATEX_FILES = ("booktabs.sty", "graphicx.sty")  # of what reports write for papers
LATEX_INSTALL = "apt-get install texlive-latex-base texlive-latex-recommended"
VARIABLES = (
    "CROSSRES_CACHE",
    "CROSSRES_KERNELS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
    "PYTHONPATH",
)
_NAME = re.compile(r"[\w.-]+")
_LEAST = re.compile(r">=\s*([\d.]+)")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w-]+)['\"]")


@dataclass(frozen=True)
class Finding:
    """What one look has shown; `remedy` says what to do where it is not "ok"."""

    part: str
    name: str
    state: State
    text: str
    remedy: str = ""

    def __post_init__(self) -> None:
        """Escape what no terminal can show, in paths, say."""
        from crossres.datasets.base.errors import printable

        object.__setattr__(self, "text", printable(self.text))


def findings(cache: Path) -> list[Finding]:
    """Look at everything; the parts are in the order of PARTS."""
    looks: dict[str, Callable[[], Iterator[Finding]]] = {
        "software": software,
        "installation": installation,
        "extras": extras,
        "device": device,
        "cache": partial(cache_folder, cache),
        "LaTeX": latex,
        "shell": variables,
    }
    return [finding for part in PARTS for finding in _looked(part, looks[part])]


def _looked(part: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what a look shows; a look that fails is a finding, too."""
    try:
        yield from look()
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        yield Finding(part, part, "broken", said, "install crossres anew in a new environment")


def findings_json(all_findings: Sequence[Finding]) -> dict[str, Any]:
    """Return findings as JSON values, with `ready`: nothing that is needed is broken."""
    return {
        "ready": is_ready(all_findings),
        "findings": [asdict(finding) for finding in all_findings],
    }


def is_ready(all_findings: Sequence[Finding]) -> bool:
    """Say whether nothing that is needed is broken."""
    return not any(finding.state == "broken" for finding in all_findings)


# --- software -------------------------------------------------------------------------------------


def software() -> Iterator[Finding]:
    """Look at Python and at what crossres needs: there, new enough, and in working order."""
    yield Finding("software", "python", "ok", f"{platform.python_version()} ({sys.executable})")
    for requirement in _requirements():
        yield _needed(requirement)
    for name in COMPILED:
        if _version(name) is not None:
            load = _load_torchvision if name == "torchvision" else partial(import_module, name)
            yield from _loaded(name, load)


def _requirements(extra: str = "") -> list[str]:
    """Return what crossres needs, or what one of its extras does: "numpy>=2.0"."""
    texts = metadata.requires("crossres") or []
    of_extra = ((text, _EXTRA.search(text)) for text in texts)
    return [
        text.partition(";")[0].strip()
        for text, match in of_extra
        if (match[1] if match else "") == extra
    ]


def _needed(requirement: str) -> Finding:
    name, version, fault = _fault(requirement)
    remedy = f"pip install '{requirement}'"
    if fault:
        return Finding("software", name, "broken", fault, remedy)
    return Finding("software", name, "ok", str(version))


def _fault(requirement: str) -> tuple[str, str | None, str]:
    """Return the name of a package, its version here, and what is wrong with it, if anything."""
    match, least = _NAME.match(requirement), _LEAST.search(requirement)
    name = match[0] if match else requirement
    version = _version(name)
    if version is None:
        return name, None, "not installed"
    if least and _numbers(version) < _numbers(least[1]):
        return name, version, f"{version} is older than {least[1]}"
    return name, version, ""


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a release: (2, 13, 0) of "2.13.0+cpu"."""
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[+a-z]", version)[0]))


def _loaded(name: str, load: Callable[[], object]) -> Iterator[Finding]:
    """Yield a finding where a package is installed and cannot be loaded."""
    try:
        load()
    except Exception as error:  # a library of the system that is missing, say
        said = " ".join(str(error).split())
        remedy = f"pip install --force-reinstall {name}"
        yield Finding("software", f"loading {name}", "broken", said, remedy)


def _load_torchvision() -> None:
    from crossres.methods.shared.networks.optional_libraries import torchvision_models

    torchvision_models()  # works where its compiled operators do not fit torch, too


# --- installation ---------------------------------------------------------------------------------


def installation() -> Iterator[Finding]:
    """Look whether the crossres that runs is the installed one, and that of this clone."""
    version, place = metadata.version("crossres"), Path(__file__).resolve().parent
    yield Finding("installation", "crossres", "ok", f"{version} at {place}")
    installed = _installed_at()
    if installed is not None and installed != place:
        yield Finding(
            "installation",
            "shadowed",
            "broken",
            f"another package runs than {installed}, which is installed",
            f"work in another folder, or take {place.parent} out of PYTHONPATH",
        )
    others = {_folder_of(copy) for copy in metadata.distributions(name="crossres")}
    if len(others) > 1:
        folders = ", ".join(sorted(map(str, others)))
        remedy = "pip uninstall crossres until none is left, then install it once"
        yield Finding("installation", "twice", "note", f"installed in {folders}", remedy)
    for room in ROOMS:
        yield from _room(room, place)
    yield from _clone_here(place)


def _folder_of(distribution: metadata.Distribution) -> Path:
    return Path(str(distribution.locate_file("")))


def _installed_at() -> Path | None:
    """Return the folder of the package that is installed; of an editable one, that of the clone."""
    import json

    distribution = metadata.distribution("crossres")
    address = json.loads(distribution.read_text("direct_url.json") or "{}")
    if address.get("dir_info", {}).get("editable"):
        from urllib.parse import urlparse
        from urllib.request import url2pathname

        return Path(url2pathname(urlparse(address["url"]).path), "crossres").resolve()
    package = Path(str(distribution.locate_file("crossres/__init__.py")))
    return package.resolve().parent if package.exists() else None


def _room(room: str, place: Path) -> Iterator[Finding]:
    """Yield a finding where a room is not beside the rest of the package."""
    module = import_module(f"crossres.{room}")
    folder = Path(str(module.__file__)).resolve().parent
    if folder not in (place / room, place.parent / room):
        remedy = f"remove {folder}, or install crossres anew"
        text = f"comes from {folder}, and crossres from {place}"
        yield Finding("installation", f"crossres.{room}", "broken", text, remedy)


def _clone_here(place: Path) -> Iterator[Finding]:
    """Yield a note where the working folder is a clone, and another crossres runs."""
    here = Path.cwd().resolve()
    is_clone = (here / "crossres" / "cli.py").is_file() and (here / "pyproject.toml").is_file()
    if is_clone and here / "crossres" != place:
        text = f"{here} is a clone of crossres, and what runs is at {place}"
        yield Finding("installation", "clone", "note", text, "pip install -e . to run this one")


# --- extras ---------------------------------------------------------------------------------------


def extras() -> Iterator[Finding]:
    """Look which extras are installed."""
    names = metadata.metadata("crossres").get_all("Provides-Extra") or []
    for extra in sorted(names):
        faults = [(name, fault) for name, _, fault in map(_fault, _requirements(extra)) if fault]
        if faults:
            text = ", ".join(f"{name}: {fault}" for name, fault in faults)
            yield Finding("extras", extra, "note", text, f"pip install 'crossres[{extra}]'")
        else:
            versions = (f"{n} {version}" for n, version, _ in map(_fault, _requirements(extra)))
            yield Finding("extras", extra, "ok", ", ".join(versions))


# --- device ---------------------------------------------------------------------------------------


def device() -> Iterator[Finding]:
    """Look at CPU, kernels, threads and GPUs."""
    from crossres.datasets.base.cores import usable_cores

    cores = f"{usable_cores()} of {os.cpu_count()} cores may be used"
    yield Finding("device", "CPU", "ok", f"{_cpu()}, {platform.machine()}; {cores}")
    try:
        import torch
    except Exception:  # of which the software has told
        return

    yield Finding("device", "threads", "ok", f"torch computes with {torch.get_num_threads()}")
    yield _kernels(torch.backends.cpu.get_cpu_capability())
    yield from _gpus(torch)


def _kernels(capability: str) -> Finding:
    """Return what computes cells on this CPU: the same bits come from portable kernels alone."""
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    text = f"this CPU has {capability}; cells are computed with portable ones (--kernels)"
    if x86 and capability.startswith("AVX"):
        return Finding("device", "kernels", "ok", text)
    remedy = "compare with results of such machines only: docs/kernels.md"
    if x86:
        return Finding("device", "kernels", "note", f"{text}, which want AVX2", remedy)
    return Finding("device", "kernels", "note", f"{capability}: no portable ones here", remedy)


def _gpus(torch: Any) -> Iterator[Finding]:
    from crossres.datasets.base.words import byte_words

    if not torch.cuda.is_available():
        built = f"torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else ""
        text = "none that torch can use" + (f"; {built}" if built else "")
        remedy = "profiles quick and smoke need none; profile paper wants one"
        yield Finding("device", "GPU", "note", text, remedy)
        return
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        memory = byte_words(properties.total_memory)
        text = f"{properties.name}, {memory}, CUDA {torch.version.cuda}"
        yield Finding("device", f"cuda:{index}", "ok", text)


def _cpu() -> str:
    """Return what kind the CPU is."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


# --- cache ----------------------------------------------------------------------------------------


def cache_folder(cache: Path) -> Iterator[Finding]:
    """Look whether the cache can be written, how large it is, and how much room there is."""
    from crossres.datasets.base.errors import InputError
    from crossres.datasets.base.files import check_place
    from crossres.datasets.base.words import byte_words
    from crossres.datasets.cache.contents import cache_contents

    elsewhere = "set CROSSRES_CACHE, or give --cache"
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            cache.lstat()  # a name that no folder can have is an error
        there = next(path for path in (cache, *cache.absolute().parents) if os.path.lexists(path))
        check_place(there / "result")  # writes a file there, and removes it
        size = byte_words(cache_contents(cache).size) if there == cache else "not there yet"
    except (InputError, OSError) as error:
        said = f"{cache}: {error.strerror}" if isinstance(error, OSError) else str(error)
        yield Finding("cache", "folder", "broken", said, elsewhere)
        return
    yield Finding("cache", "folder", "ok", f"{cache}, {size}")
    free = shutil.disk_usage(there).free
    text = f"{byte_words(free)} free"
    if free < LOW_DISK:
        yield Finding("cache", "disk", "note", text, f"crossres cache prune, or {elsewhere}")
    else:
        yield Finding("cache", "disk", "ok", text)


# --- LaTeX and the environment --------------------------------------------------------------------


def latex() -> Iterator[Finding]:
    """Look whether the tables of reports can be set here; writing them needs no LaTeX."""
    program = shutil.which("pdflatex")
    if program is None:
        text = "pdflatex is not here; reports are written without it, and set elsewhere"
        yield Finding("LaTeX", "pdflatex", "note", text, LATEX_INSTALL)
        return
    yield Finding("LaTeX", "pdflatex", "ok", program)
    missing = [file for file in LATEX_FILES if not _has_file(file)]
    if missing:
        text = f"{', '.join(missing)} not found"
        yield Finding("LaTeX", "packages", "note", text, LATEX_INSTALL)
    else:
        yield Finding("LaTeX", "packages", "ok", ", ".join(LATEX_FILES))


def _has_file(name: str) -> bool:
    """Say whether LaTeX finds a file of its own."""
    program = shutil.which("kpsewhich")
    if program is None:
        return False
    try:
        asked = subprocess.run([program, name], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def variables() -> Iterator[Finding]:
    """Look which variables of the environment are set that matter."""
    for name in VARIABLES:
        if name in os.environ:
            yield Finding("shell", name, "ok", os.environ[name])
