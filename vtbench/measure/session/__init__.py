"""From workloads to measured times: models that take turns in one session, and what they share."""
