"""One collector for each test; starting it takes some hundredths of a second."""

import pytest

from tests.traces.collector.served import served


@pytest.fixture
def collector(tmp_path):
    with served(tmp_path) as ours:
        yield ours
