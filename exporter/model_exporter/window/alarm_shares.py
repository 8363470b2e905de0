"""How the false alarms that a model may have are shared among the detectors that can alarm.

A detector with the share s of a level's budget gets the patience T/s. However the detectors depend on each other, their
false alarms together then come at most once in T in the mean. A share costs -log(s) nats of about 22: 2 % of the delay
for the features, 7 % for the pairs, 9 % for performance, 14 % for a business indicator.
"""

from typing import Final

FEATURES: Final = 0.6
PAIRS: Final = 0.2
PERFORMANCE: Final = 0.15
BUSINESS: Final = 0.05
