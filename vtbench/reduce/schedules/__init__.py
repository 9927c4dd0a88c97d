"""The analytic twin of token reduction: what a method costs, from its rule alone.

Nothing here knows the networks in ``vtbench.reduce``, and they do not know this: a rule that is
written twice, independently, is what makes their agreement evidence. No torch.
"""

from vtbench.reduce.schedules.body import HOSTS, Body, Shape
from vtbench.reduce.schedules.layer import Layer, Overhead, Schedule
from vtbench.reduce.schedules.table import METHODS, Method, schedule

__all__ = [
    "HOSTS",
    "METHODS",
    "Body",
    "Layer",
    "Method",
    "Overhead",
    "Schedule",
    "Shape",
    "schedule",
]
