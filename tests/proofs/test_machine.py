import os
import platform

import pytest

from proofs.machine import machine, peak_memory_mib, processor


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
