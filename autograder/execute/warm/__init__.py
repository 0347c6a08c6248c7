"""The warm process, which imports torch once and forks for each notebook, and the walls around it."""
