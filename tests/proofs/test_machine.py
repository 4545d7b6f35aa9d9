import platform

import pytest

from proofs.machine import machine, processor


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
