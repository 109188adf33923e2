"""The figures of Tian (2017), drawn from numbers computed at that moment.

`figureN_data` computes what Figure N shows and returns it as arrays; `figureN` draws that, or
computes it first. Each figure is as wide as a column of the paper (3.25 inches) and states its
parameters. What is drawn at random is drawn from `key`, the same picture for the same key.
"""

from ._figure2 import figure2 as figure2
from ._figure2 import figure2_data as figure2_data
from ._figure2 import Figure2Data as Figure2Data
from ._figure7 import figure7 as figure7
from ._figure7 import figure7_data as figure7_data
from ._figure7 import Figure7Data as Figure7Data
from ._figure7 import sampling_error as sampling_error
from ._figure8 import figure8 as figure8
from ._figure8 import figure8_data as figure8_data
from ._figure8 import Figure8Data as Figure8Data
from ._figure5 import figure5 as figure5
from ._figure5 import figure5_data as figure5_data
from ._figure5 import Figure5Data as Figure5Data
from ._figure5 import Measured as Measured
from ._figure6 import figure6 as figure6
from ._figure6 import figure6_data as figure6_data
from ._figure6 import Figure6Data as Figure6Data
from ._figure6 import mexican_hat as mexican_hat
from ._figure4 import figure4 as figure4
from ._figure4 import figure4_data as figure4_data
from ._figure4 import Figure4Data as Figure4Data
from ._figure10 import figure10 as figure10
from ._figure10 import figure10_data as figure10_data
from ._figure10 import Figure10Data as Figure10Data
from ._figure9 import count_shares as count_shares
from ._figure9 import figure9 as figure9
from ._figure9 import figure9_data as figure9_data
from ._figure9 import Figure9Data as Figure9Data
from ._figure9 import Shares as Shares
