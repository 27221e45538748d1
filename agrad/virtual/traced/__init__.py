"""Arrays that record what is computed with them, from which `agrad.compile` makes a program.

A `TracedArray` holds an array of the library below, and computes with it at once: what runs on traced arrays gives the
result that it gives on the arrays themselves. Besides, each call of a function of the library is written down in a
`Trace`. `arrays` defines the class, `numbers` the traced numbers, `recording` the trace, `namespace` the functions and
`backend` what the array API standard lacks.
"""
