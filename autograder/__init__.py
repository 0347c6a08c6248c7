"""Builds the course's notebooks from their sources and grades what learners hand in."""

import sys

# nbformat imports jsonschema, which, if it finds this package, compiles 38 grammars for kinds of addresses that no
# notebook has. That takes 3 s at each start of the command line and of the warm process. If the package is missing,
# jsonschema does without it.
sys.modules.setdefault("rfc3987_syntax", None)
