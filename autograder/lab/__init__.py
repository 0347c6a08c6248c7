"""JupyterLab for this course: a learner's folder of notebooks, its start page, and how JupyterLab is started."""
