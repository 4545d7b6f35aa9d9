"""`python -m tapewire`."""

import subprocess
import sys


def test_the_module_is_the_command() -> None:
    """The same output and exit code as the command itself."""
    done = subprocess.run(
        [sys.executable, "-m", "tapewire", "version"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.count(".") == 2
    done = subprocess.run(
        [sys.executable, "-m", "tapewire", "nothing"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
