# SPDX-License-Identifier: BSL-1.0
from typing import NamedTuple


class Mistake(NamedTuple):
    name: str
    header: str  # below include/pawl
    at: str  # see ../planting.py
    by: str
    unit: tuple = ()  # patterns of the unit tests that are to see it, as Catch has them
    stress: tuple = ()  # of the stress tests
