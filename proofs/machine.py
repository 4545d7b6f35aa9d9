"""The machine that a figure was measured on, in a few words."""

import os
import platform
import time
from pathlib import Path
from typing import Final

CPU_INFO: Final = Path("/proc/cpuinfo")


def machine() -> str:
    """Processor, cores, kernel and Python: `2 × AMD EPYC, Linux 6.18, Python 3.11.7`."""
    return ", ".join(
        (
            f"{os.cpu_count()} × {processor(_cpu_info())}",
            f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
            f"Python {platform.python_version()}",
        )
    )


def processor(cpu_info: str) -> str:
    """The name of the processor in the text of `/proc/cpuinfo`, else the architecture."""
    for line in cpu_info.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return value.strip()
    return platform.machine()


def _cpu_info() -> str:
    try:
        return CPU_INFO.read_text()
    except OSError:
        return ""


def peak_memory_mib(pid: int) -> int:
    """The most memory that a running process has had resident, MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def age_seconds(pid: int) -> float:
    """How long ago a process was started, s, to a hundredth.

    Raises:
        OSError: there is no such process.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME) - _stat_seconds(pid, 22)


def processor_seconds(pid: int) -> float:
    """How long a process itself has had a processor, s, to a hundredth.

    Raises:
        OSError: there is no such process.
    """
    return _stat_seconds(pid, 14) + _stat_seconds(pid, 15)


def _stat_seconds(pid: int, field: int) -> float:
    """A field of `/proc/PID/stat` that is a time, by its place in the manual."""
    # The name, in brackets, may itself hold brackets and blanks; the third field follows it.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[field - 3]) / os.sysconf("SC_CLK_TCK")
