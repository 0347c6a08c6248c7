"""What the build writes into notebooks. Imports nothing else from this package; each piece works alone there."""
