"""`python -m contract.openapi`: writes `docs/openapi.json` anew."""

import sys

from contract.openapi.document import main

sys.exit(main())
