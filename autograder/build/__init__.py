"""From source to executed solution to released notebook."""
