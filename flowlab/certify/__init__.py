"""Proofs by ball arithmetic: that a critical point exists, is unique in a box, and what it is; and
the signs that Conjecture 1 claims."""

import sys
import types
from typing import Any

try:
    import flint as _flint
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "flowlab.certify needs python-flint: pip install 'flowlab[certify]'", name="flint"
    ) from error
else:
    del _flint

from ._certificate import Certificate as Certificate
from ._certify import certify as certify
from ._closed import loss_candidate as loss_candidate
from ._lyapunov import LyapunovProof as LyapunovProof
from ._lyapunov import prove_lyapunov as prove_lyapunov
from ._records import certify_record as certify_record
from ._records import check_record as check_record
from ._not_critical import not_critical as not_critical
from ._not_critical import NotCritical as NotCritical
from ._refusal import CertificationError as CertificationError
from ._sublevel import largest_sublevel as largest_sublevel
from ._sublevel import SublevelProof as SublevelProof
from ._theorem4 import check_theorem4 as check_theorem4
from ._theorem4 import theorem4 as theorem4
from ._theorem4 import Theorem4 as Theorem4
from ._theorem5 import one_student_convergence as one_student_convergence
from ._theorem5 import OneStudentConvergence as OneStudentConvergence
from ._theorem5 import Theorem5 as Theorem5
from ._theorem5 import theorem5 as theorem5
from .conjecture1 import check_conjecture1 as check_conjecture1
from .conjecture1 import CheckedLog as CheckedLog
from .conjecture1 import Conjecture1Proof as Conjecture1Proof
from .conjecture1 import prove_conjecture1 as prove_conjecture1
from .k2_complete import check_k2_complete as check_k2_complete
from .k2_complete import CheckedK2 as CheckedK2
from .k2_complete import CriticalSet as CriticalSet
from .k2_complete import K2Proof as K2Proof
from .k2_complete import prove_k2_complete as prove_k2_complete
from .k2_complete import Witness as Witness


class _Room(types.ModuleType):
    # Importing a submodule binds it as an attribute of its parent: `flowlab.certify` is this room
    # or the function, depending on what was used first. Called, both do the same.
    def __call__(self, *args: Any, **kwargs: Any) -> Certificate:
        return certify(*args, **kwargs)


sys.modules[__name__].__class__ = _Room
