"""What ends a command from outside."""

import os
import signal
import sys
import time

import pytest

from crossres.interrupts import ended_like_control_c

pytestmark = pytest.mark.skipif(os.name != "posix", reason="asks for a POSIX system")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_that_a_destructor_swallows_comes_again(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted:
        def __del__(self) -> None:
            signal.raise_signal(number)

    def go_on() -> None:
        del [Interrupted()][0]
        time.sleep(60)

    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: pytest.fail(str(unraisable)))
    before = [signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)]
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt), ended_like_control_c():
            go_on()
        assert time.monotonic() - start < 30
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGHUP, before[1])


def test_what_else_a_destructor_fails_with_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("broken")

    faults: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda fault: faults.append(str(fault.exc_value)))
    with ended_like_control_c():
        del [Broken()][0]
    assert faults == ["broken"]
