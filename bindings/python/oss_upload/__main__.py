"""`python -m oss_upload`."""

import sys

from oss_upload._command import main

if __name__ == "__main__":
    sys.exit(main())
