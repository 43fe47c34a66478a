"""`python -m contract.openapi`: writes `docs/openapi.json` anew. Rule: it only calls `document`."""

import sys

from contract.openapi.document import main

sys.exit(main())
