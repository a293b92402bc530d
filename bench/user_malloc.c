// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever malloc() is: the C library's own, or one that was preloaded.
 */
#include <stdint.h>
#include <stdlib.h>

#include "user_bench.h"

static void *heap_get(size_t len)
{
	return malloc(len);
}

static void heap_put(void *mem)
{
	free(mem);
}

BENCH_PATTERNS(heap)

const struct bench_candidate bench_candidates[] = {
	{ .name = "malloc", .max_size = SIZE_MAX, BENCH_OPS(heap) },
};

const unsigned int bench_nr_candidates = 1;
