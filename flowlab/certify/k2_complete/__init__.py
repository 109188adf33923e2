"""The critical points of two students in the plane of two teachers: all of them, proved."""

from ._check import check_k2_complete as check_k2_complete
from ._check import CheckedK2 as CheckedK2
from ._proof import CriticalSet as CriticalSet
from ._proof import describe as describe
from ._proof import K2Proof as K2Proof
from ._proof import Witness as Witness
from ._prove import prove_k2_complete as prove_k2_complete
