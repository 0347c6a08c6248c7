"""Builds the course's notebooks from their sources and grades what learners hand in."""

import sys

# nbformat imports jsonschema, and that, if it finds this package, 38 grammars for kinds of addresses that no notebook
# has, which it compiles: 3 s at each start of the command line and of the warm process. Where the package is missing,
# jsonschema goes without.
sys.modules.setdefault("rfc3987_syntax", None)
