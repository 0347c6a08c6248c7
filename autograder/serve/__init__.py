"""A web page on which learners hand in notebooks and read their feedback, and teachers follow their class."""
