"""`python -m hate_speech_ai`: see docs/command-line.md."""

import sys

from hate_speech_ai.cli import main

if __name__ == "__main__":
    sys.exit(main())
