"""Arrays that record what is computed with them, from which `agrad.compile` makes a program.

A `TracedArray` holds an array of the library below and computes with it at once, so that code gives the same results as
on the arrays themselves. Each call of a function of the library is also recorded in a `Trace`. `arrays` defines the
class, `numbers` the traced numbers, `recording` the trace, `namespace` the functions and `backend` what the array API
standard lacks.
"""
