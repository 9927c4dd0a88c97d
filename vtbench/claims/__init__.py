"""What papers printed, and whether it holds: suites, verdicts, audits, baselines; no torch."""
