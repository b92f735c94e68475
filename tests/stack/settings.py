"""The settings of stacks under test that need not learn everything: a small starter corpus."""

import os
from pathlib import Path

from config.settings import *  # noqa: F403
from config.settings import STARTER_CORPUS as WHOLE

STARTER_CORPUS = Path(os.environ.get("SMALL_STARTER_CORPUS") or WHOLE)
