"""Making, running and clearing away the numbered cases."""

import os
import resource
import shutil
import time
from pathlib import Path
from typing import Any

import conftest
from case import Case, Dice
from judge import SECONDS, Baseline, Hang, Outcome, judge, run, time_limit
from matlab import FILE, MATLAB
from tree import MUTATIONS, mutate

Layout = tuple[str, Any]
LAYOUTS: dict[str, Layout] = {
    **conftest.MAKERS,
    "mlr-sysu nested": ("SYSU", conftest.make_sysu_nested),
    "mlr-sysu table": ("SYSU", conftest.make_sysu_table),
    "mlr-cuhk03 np": ("cuhk03-np", conftest.make_cuhk03_np),
    "mlr-msmt17 v2": ("MSMT17_V2", conftest.make_msmt17_v2),
}
SHARE_OF_STORES = 4  # one case in so many, and every other one with damaged pictures


class Cases:
    """All cases below one scratch folder, made by linking to one template of each layout."""

    def __init__(self, scratch: Path, layouts: list[str]) -> None:
        self.scratch = scratch
        self.layouts = layouts
        self.templates = scratch / "templates"
        self.opened: list[str] = []
        self.baselines: dict[str, Baseline] = {}
        shutil.rmtree(self.templates, ignore_errors=True)  # of a child that died
        for layout, (name, maker) in LAYOUTS.items():
            maker(self.templates / layout / name)
            self.baselines[layout] = self._baseline(layout)

    def _baseline(self, layout: str) -> Baseline:
        cache = self.templates / "cache"
        outcome = run(layout.split()[0], self._template(layout), cache, with_store=True)
        assert outcome.raw is not None, outcome.error
        assert outcome.manifest is not None, outcome.error
        return Baseline(outcome.raw, outcome.manifest.digest, outcome.store)

    def _template(self, layout: str) -> Path:
        return self.templates / layout / LAYOUTS[layout][0]

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note every file that Python opens below a folder called secret."""
        if event == "open" and "/secret/" in str(arguments[0]):
            self.opened.append(str(arguments[0]))

    def run(self, number: int) -> dict[str, Any]:
        """One case, whole: what it was, what came of it, what is wrong with that."""
        case, root, with_store = self._make(number)
        started = time.perf_counter()
        result: dict[str, Any] = {"case": number, "layout": case.layout, "outcome": "failure"}
        result["mutations"] = [effect.mutation for effect in case.effects]
        try:
            with time_limit(SECONDS):
                outcome = run(case.dataset, root, case.home / "cache", with_store)
                result |= self._judged(case, outcome, with_store)
        except Hang:
            result["problem"] = f"still running after {SECONDS} s"
        except Exception as error:  # any other exception is what is looked for
            result["problem"] = f"{type(error).__name__}: {error}"[:500]
        result["seconds"] = round(time.perf_counter() - started, 4)
        result["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        shutil.rmtree(os.fsencode(case.home))
        return result

    def _judged(self, case: Case, outcome: Outcome, with_store: bool) -> dict[str, Any]:
        problem = judge(case, outcome, self.baselines[case.layout], with_store)
        if self.opened or (case.home / "unpickled").exists():
            problem = problem or f"what is outside was touched: {self.opened}"
            self.opened.clear()
        built = "manifest and store" if with_store else "manifest"
        kind = f"error at {outcome.stage}" if outcome.error else built
        return {"outcome": kind, "problem": problem, "error": outcome.error}

    def _make(self, number: int) -> tuple[Case, Path, bool]:
        """A case with its mutations made, the root to give, and whether to build a store."""
        dice = Dice(number)
        layout = dice.pick(self.layouts)
        home = self.scratch / f"case {number}"
        case = Case(number, layout, home, home / "top" / "inner" / LAYOUTS[layout][0], dice)
        self._lay_out(case)
        for _ in range(dice.pick((1, 1, 2, 3, 4))):
            hdf5 = (case.folder / FILE).exists() and dice.below(4)
            mutate(case, MATLAB if hdf5 else MUTATIONS)
        root = self._root(case)
        pictures = any(effect.kind in ("pixels", "broken") for effect in case.effects)
        return case, root, dice.below(2 if pictures else SHARE_OF_STORES) == 0

    def _lay_out(self, case: Case) -> None:
        case.inner.mkdir(parents=True)
        for name in ("secret", "elsewhere"):
            (case.home / name).mkdir()
        (case.home / "secret" / FILE).symlink_to(self._secret())
        shutil.copytree(self._template(case.layout), case.folder, copy_function=os.link)

    def _secret(self) -> Path:
        return self._template("mlr-cuhk03") / FILE

    def _root(self, case: Case) -> Path:
        usual = sorted(path.name for path in self._template(case.layout).iterdir() if path.is_dir())
        below = [case.folder / name for name in usual if (case.folder / name).is_dir()]
        above = [case.folder.parent, case.inner, case.home / "top"]
        roots = [case.folder, case.folder, *above, *below[:2]]
        deep = case.folder.parent != case.inner
        return case.dice.pick(roots[:4] if deep or case.copied else roots)
