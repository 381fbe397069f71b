"""How the kernels share work among threads, and why they cast numbers.

A parallel kernel is one loop, `for t in prange(n_threads): share(int64(t), n_threads, ...)`, over
an ordinary compiled function that does every n_threads-th game or user from t on, wholly, in
buffers of its own. The answer is then the same for any number of threads, and compiling is quick
(t is unsigned in a parallel loop: without the cast each share would be compiled twice).

Column numbers read from an array are cast to uint32 before they index another one: numba then
leaves out its test for negative indices, which is a third of the time of a scatter-add.
"""

import threading

# numba's fallback threading layer must not be entered by two threads at once
ONE_AT_A_TIME = threading.Lock()
