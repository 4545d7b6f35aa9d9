import os
import platform
import subprocess
import sys
import time

import pytest

from proofs.machine import age_seconds, machine, peak_memory_mib, processor, processor_seconds


def test_the_machine_is_named_by_processor_kernel_and_python() -> None:
    """Figures can be compared only when one sees what they were measured on."""
    assert platform.python_version() in machine()
    assert platform.system() in machine()


@pytest.mark.parametrize(
    ("cpu_info", "name"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC 9R45\nflags\t: x: y\n", "AMD EPYC 9R45"),
        ("model name\t: \n", platform.machine()),
        ("", platform.machine()),
    ],
)
def test_the_processor_is_the_first_model_name(cpu_info: str, name: str) -> None:
    """Without a model name the architecture stands for it."""
    assert processor(cpu_info) == name


def test_the_peak_of_a_process_s_memory_is_known() -> None:
    """It is not below what was held once, even when that has been given back."""
    before = peak_memory_mib(os.getpid())
    held = bytearray(b"x" * (before + 64 << 20))
    del held
    assert peak_memory_mib(os.getpid()) >= before + 64


def test_the_age_of_a_process_is_known_to_a_hundredth() -> None:
    """Counted from its start, not from when somebody looked first."""
    began = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        first = age_seconds(process.pid)
        second = age_seconds(process.pid)
        passed = time.monotonic() - began
        process.communicate(b"\n")
    assert -0.02 <= first <= second <= passed + 0.02
    with pytest.raises(OSError, match="No such"):
        age_seconds(process.pid)


def test_the_time_on_a_processor_is_known() -> None:
    """It grows with what is computed, and is that of this process."""
    before, here = processor_seconds(os.getpid()), time.process_time()
    while time.process_time() < here + 0.05:
        pass
    assert processor_seconds(os.getpid()) >= before + 0.03
    assert abs(processor_seconds(os.getpid()) - time.process_time()) < 0.05
