// What every kernel begins with: CUDA C, as far as CuPy's and agrad's kernels use it, in terms of C++ on the host.
//
// build.py compiles it once into a precompiled header.
#pragma once
#include <cassert>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include <host_defines.h>  // CUDA's own
#include <vector_types.h>

#include "language.h"
#include "indices.h"
#include "warps.h"
#include "bits.h"
#include "atomics.h"
#include "arithmetic.h"
#include "special_functions.h"
#include "entry.h"

#include <cuda_fp16.h>
#define __CUDACC_VER_MAJOR__ 12
#include <cupy/complex.cuh>
#include <cupy/carray.cuh>
#include <cupy/atomics.cuh>
#include <cupy/math_constants.h>
#include <cupy/float16.cuh>
