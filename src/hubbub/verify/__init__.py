"""Whether a store is whole: a walk through all of it, and a report."""

from hubbub.verify.report import Anchor, Counts, Done, Earlier, Findings, Problem, Progress, Report
from hubbub.verify.walk import Walk

__all__ = ["Anchor", "Counts", "Done", "Earlier", "Findings", "Problem", "Progress", "Report", "Walk"]
