"""The page's pure modules, compiled once for each test module."""

from collections.abc import Iterator

import pytest

from tests.web.script import Script, running


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    """The modules, running."""
    with running(tmp_path_factory.mktemp("modules")) as script:
        yield script
