"""The spike detector: does a brand get more negative voices than its own pattern explains?

``Detector.step`` takes one bin after the other and uses nothing later than it. Three questions are asked of each:
K (``cusum``): has evidence of a raised rate piled up? Z (``windows``): is the count of the last hours far out, given
how much is said about the brand today? F (``farrington``): is it far from the same hours of the last fortnight?
An alert needs K and Z; volumes that cannot be grouped or told negative (``raw``) need K and F.
"""

from __future__ import annotations

from monitor.spikes.detector import Detector, detect, fingerprint
from monitor.spikes.measurement import Measurement, Span
from monitor.spikes.settings import Bin, Settings
from monitor.spikes.table import detect_lines, read_counts

__all__ = ["Bin", "Detector", "Measurement", "Settings", "Span", "detect", "detect_lines", "fingerprint", "read_counts"]
