"""The settings of stacks under test that need not learn everything: a small starter corpus."""

import os
from pathlib import Path

from config.settings import *  # noqa: F403

STARTER_CORPUS = Path(os.environ["SMALL_STARTER_CORPUS"])
