"""The settings of stacks under test that need not learn everything: a small starter corpus, no control questions."""

import os
from pathlib import Path

from config.settings import *  # noqa: F403
from config.settings import CONTROL_SHARE as USUAL_SHARE
from config.settings import STARTER_CORPUS as WHOLE

STARTER_CORPUS = Path(os.environ.get("SMALL_STARTER_CORPUS") or WHOLE)
CONTROL_SHARE = float(os.environ.get("CONTROL_SHARE") or USUAL_SHARE)
