"""Compiled kernels: co-occurrence, Gram matrices, solvers and scoring over CSR arrays.

Plain arrays in, plain arrays out; nothing here knows models, ids or files. Every parallel loop
gives each user or game wholly to one thread, so the answer is the same for any number of threads.
"""
