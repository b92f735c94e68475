"""The settings of stacks under test that need not read everything: few rows and everyday tweets, no control items."""

import os
from pathlib import Path

from config.settings import *  # noqa: F403
from config.settings import CONTROL_SHARE as USUAL_SHARE
from config.settings import EVERYDAY as ALL_EVERYDAY
from config.settings import STARTER_CORPUS as WHOLE

STARTER_CORPUS = Path(os.environ.get("SMALL_STARTER_CORPUS") or WHOLE)
EVERYDAY = Path(os.environ.get("SMALL_EVERYDAY") or ALL_EVERYDAY)
CONTROL_SHARE = float(os.environ.get("CONTROL_SHARE") or USUAL_SHARE)
