"""``python -m trainer_operator``."""

import sys

from trainer_operator.cli import main

sys.exit(main())
