"""What can be played: one file for each scenario, one function each, from a stage to an outcome."""
