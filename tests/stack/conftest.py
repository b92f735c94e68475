"""One stack for a file's tests."""

from collections.abc import Iterator

import pytest

from tests.stack.harness import Stack


@pytest.fixture(scope="module")
def only_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), WEB_PROCESSES="2") as stack:
        yield stack


@pytest.fixture
def stack(only_stack: Stack) -> Stack:
    """A stack that runs, also after a test that ended it."""
    if not only_stack.is_running:
        only_stack.start()
    return only_stack
