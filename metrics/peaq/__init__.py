"""PEAQ, basic version: ITU-R BS.1387-1, and the quantities that its model of hearing gives beside the grade.

Where the Recommendation leaves a choice open, it is made as in Kabal, An Examination and Interpretation of ITU-R
BS.1387, McGill University, 2002 ("Kabal" beside the lines).
"""

from metrics.peaq.model import PeaqResult, basic
from metrics.peaq.movs import ModelOutput

__all__ = ["ModelOutput", "PeaqResult", "basic"]
