"""Compiled kernels: co-occurrence, Gram matrices, solvers and scoring over CSR arrays.

Plain arrays in, plain arrays out; nothing here knows models, ids or files. Every parallel loop
gives each user or game wholly to one thread, so the answer is the same for any number of threads.

Compiled code is cached beside the sources. numba notices a change in a kernel's own file only:
after changing `select`, `gram` or `ranked` while developing, remove this folder's __pycache__.
"""
