"""`python -m orc_cli` is `orc`."""

import sys

from orc_cli.main import main

sys.exit(main())
