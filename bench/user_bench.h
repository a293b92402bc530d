/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a candidate of the userspace benchmark is, and the patterns, which are
 * compiled into each candidate: an indirect call for each operation would cost
 * as much as some of the candidates do.
 */
#ifndef _USER_BENCH_H
#define _USER_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_MAX_HELD 128
#define BENCH_BATCH    32
#define BENCH_SLOTS    64
#define BENCH_TRACE    4096

#define bench_inline static inline __attribute__((always_inline))

/* One step of the trace: what the slot holds goes back, and it gets this. */
struct bench_step {
	unsigned int slot;
	size_t len;
};

extern struct bench_step bench_trace[BENCH_TRACE];

/**
 * struct bench_candidate - something that allocates
 * @name: what the tables call it
 * @max_size: the largest size it serves
 * @setup: prepares for buffers of a size in so many threads, false if it cannot
 * @teardown: undoes that; false if not all came back
 * @enter: a thread begins
 * @leave: a thread ends
 * @settle: how long to wait after each run before a count, in milliseconds, so
 *	that what such a run has set going has come to its end
 * @hold: gets nr buffers and puts them in the same order, so many times
 * @trace: runs the trace so many times
 * @get: gets BENCH_BATCH buffers
 * @put: puts them
 */
struct bench_candidate {
	const char *name;
	size_t max_size;
	bool (*setup)(size_t size, unsigned int threads);
	bool (*teardown)(void);
	void (*enter)(void);
	void (*leave)(void);
	unsigned int settle;
	void (*hold)(size_t size, unsigned int nr, unsigned long times);
	void (*trace)(unsigned long times);
	void (*get)(size_t size, void **batch);
	void (*put)(void **batch);
};

extern const struct bench_candidate bench_candidates[];
extern const unsigned int bench_nr_candidates;

/* Says what was wrong and ends: half a figure is none. */
__attribute__((noreturn)) void bench_die(const char *what);

typedef void *(*bench_get_fn)(size_t len);
typedef void (*bench_put_fn)(void *mem);

bench_inline void bench_hold(bench_get_fn get, bench_put_fn put, size_t size,
			     unsigned int nr, unsigned long times)
{
	void *held[BENCH_MAX_HELD];

	while (times--) {
		for (unsigned int i = 0; i < nr; i++) {
			held[i] = get(size);
			if (__builtin_expect(!held[i], 0))
				bench_die("out of memory");
			/* A pair must not be optimised away. */
			__asm__ volatile("" : : "r"(held[i]) : "memory");
		}
		for (unsigned int i = 0; i < nr; i++)
			put(held[i]);
	}
}

bench_inline void bench_replay(bench_get_fn get, bench_put_fn put,
			       unsigned long times)
{
	void *slots[BENCH_SLOTS] = { NULL };

	while (times--) {
		for (unsigned int i = 0; i < BENCH_TRACE; i++) {
			void **slot = &slots[bench_trace[i].slot];

			if (*slot)
				put(*slot);
			*slot = get(bench_trace[i].len);
			if (__builtin_expect(!*slot, 0))
				bench_die("out of memory");
		}
	}
	for (unsigned int i = 0; i < BENCH_SLOTS; i++)
		if (slots[i])
			put(slots[i]);
}

/* The patterns over one pair of functions. */
#define BENCH_PATTERNS(prefix)                                           \
	static void prefix##_hold(size_t size, unsigned int nr,          \
				  unsigned long times)                   \
	{                                                                \
		if (nr == 1)                                             \
			bench_hold(prefix##_get, prefix##_put, size, 1,  \
				   times);                               \
		else                                                     \
			bench_hold(prefix##_get, prefix##_put, size, nr, \
				   times);                               \
	}                                                                \
                                                                         \
	static void prefix##_trace(unsigned long times)                  \
	{                                                                \
		bench_replay(prefix##_get, prefix##_put, times);         \
	}                                                                \
                                                                         \
	static void prefix##_get_batch(size_t size, void **batch)        \
	{                                                                \
		for (unsigned int i = 0; i < BENCH_BATCH; i++) {         \
			batch[i] = prefix##_get(size);                   \
			if (!batch[i])                                   \
				bench_die("out of memory");              \
		}                                                        \
	}                                                                \
                                                                         \
	static void prefix##_put_batch(void **batch)                     \
	{                                                                \
		for (unsigned int i = 0; i < BENCH_BATCH; i++)           \
			prefix##_put(batch[i]);                          \
	}

#define BENCH_OPS(prefix)                               \
	.hold = prefix##_hold, .trace = prefix##_trace, \
	.get = prefix##_get_batch, .put = prefix##_put_batch

#endif /* _USER_BENCH_H */
