"""`sen2 sample`: a synthetic extract of any size, with the expected answers beside it.

No real child is in it. Every share comes from figures.csv (most of them from DfE's published
tables), every fact of the survey from seeds/spec. Each case is made to fall in one category of the
design's section 4, so expected/ is an answer the pipeline did not compute. The same arguments give
the same bytes. Whole columns are drawn at once with numpy.
"""

from .write import SampleCounts, write_like, write_sample

__all__ = ["SampleCounts", "write_like", "write_sample"]
