"""Conjecture 1 of Tian (2017), proved box by box, and a checker of the proof's log."""

from ._check import check_conjecture1 as check_conjecture1
from ._check import CheckedLog as CheckedLog
from ._proof import Conjecture1Proof as Conjecture1Proof
from ._prove import prove_conjecture1 as prove_conjecture1
