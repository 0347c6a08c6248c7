"""What the build writes into notebooks. Imports nothing else of this package; each piece works alone in a notebook."""
