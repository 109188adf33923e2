"""Critical points of two-block families, K = d, orthonormal teacher: found and checked elsewhere.

Each was found by an independent program from a start of the given branch, polished to a gradient
norm below 1e-14, and its Hessian's spectrum reassembled from isotypic components to 1e-14.
"""

from typing import NamedTuple


class FamilyPoint(NamedTuple):
    """Students, size q of the second block, and what is known of the point.

    Branch F: the q students of the second block are flipped. Branch B: the second block is a type A
    point of its own (q = K: type A; q = K - 1: type I). F=B: both starts lead to one point.
    """

    students: int
    q: int
    branch: str
    loss: float
    index: int
    lowest: float
    isotropy_order: int
    images: int


FAMILY_POINTS = [
    FamilyPoint(3, 1, "F", 0.024123663704997522, 1, -0.04448216960346677, 6, 6),
    FamilyPoint(3, 3, "F=B", 0.024123663704997744, 1, -0.0444821696034669, 6, 6),
    FamilyPoint(4, 1, "F", 0.028024981310264208, 2, -0.024423761561409425, 6, 96),
    FamilyPoint(4, 3, "F=B", 0.023957718810891038, 1, -0.04512148723572951, 6, 96),
    FamilyPoint(4, 4, "F=B", 0.03765277069866979, 3, -0.017538950817037335, 24, 24),
    FamilyPoint(5, 1, "F", 0.026970469525600116, 3, -0.007701519134604915, 24, 600),
    FamilyPoint(5, 2, "F", 0.04373955463690038, 5, -0.021153952836174578, 12, 1200),
    FamilyPoint(5, 3, "F=B", 0.023842393874890178, 1, -0.045579411555629466, 12, 1200),
    FamilyPoint(5, 4, "F=B", 0.03738950628055937, 3, -0.01777671916230675, 24, 600),
    FamilyPoint(5, 5, "F=B", 0.04770837787955706, 6, -0.005831506274493097, 120, 120),
    FamilyPoint(6, 1, "F", 0.025080581002462576, 0, 0.004700354703587036, 120, 4320),
    FamilyPoint(6, 2, "F", 0.04388464416621307, 4, -0.013390354910118175, 48, 10800),
    FamilyPoint(6, 3, "F=B", 0.02375773895409461, 1, -0.045921594439726474, 36, 14400),
    FamilyPoint(6, 4, "F=B", 0.037195582547114636, 3, -0.01795232572319312, 48, 10800),
    FamilyPoint(6, 5, "F=B", 0.04739577534323036, 6, -0.005825349313151533, 120, 4320),
    FamilyPoint(6, 6, "F=B", 0.055668581322282584, 0, 0.0015036523729115617, 720, 720),
    FamilyPoint(7, 1, "F", 0.02320271491356607, 0, 0.014059013182293892, 720, 35280),
    FamilyPoint(7, 2, "F", 0.04208557202202101, 4, -0.004588288711412943, 240, 105840),
    FamilyPoint(7, 3, "F", 0.05625233362508819, 3, -0.01478248364343093, 144, 176400),
    FamilyPoint(7, 3, "B", 0.023692999791851577, 1, -0.04618629263015254, 144, 176400),
    FamilyPoint(7, 4, "F=B", 0.03704668689513824, 3, -0.018087024833868082, 144, 176400),
    FamilyPoint(7, 5, "F=B", 0.047155097983217154, 6, -0.005817179365949972, 240, 105840),
    FamilyPoint(7, 6, "F=B", 0.05532160754796234, 0, 0.0016619750870832562, 720, 35280),
    FamilyPoint(7, 7, "F=B", 0.06221098077258791, 0, 0.006847352203436, 5040, 5040),
]
