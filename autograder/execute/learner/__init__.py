"""The learner's process: runs everything else in the notebook. Nothing that it says is trusted."""
