"""What the writer process runs: `python -m tapewire.writer_main --data DIR`.

The store's own process, with the logs of the service: same level, same format, same masks.
"""

from storage import process
from storage.child import settings_from_environment
from tapewire.logs import configure


def main() -> None:
    """Configure the logs as our parent has them, and run the writer until told to end."""
    configure(settings_from_environment().log)
    process.main()


if __name__ == "__main__":
    main()
