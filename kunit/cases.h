/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the test cases share. The cases use the public interface alone, in the
 * part of KUnit that Linux 6.1 has: kernels with and without KUnit run them,
 * and userspace does.
 *
 * The fixture of every suite keeps the case's thread on one CPU, so that
 * per-CPU state is as deterministic as the contract says; owns the pools; and
 * sees to it that a case gives back what it gets, and that no more misuse was
 * reported than it announced.
 */
#ifndef _BYTEPOOL_KUNIT_CASES_H
#define _BYTEPOOL_KUNIT_CASES_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/types.h>

#include <kunit/test.h>

#include "../bytepool.h"

/* Rounds of a case that looks for races: more of them find more, and last. */
#define BPT_ROUNDS 500

/* The most threads that bpt_run() starts. */
#define BPT_MAX_THREADS 4

extern struct kunit_suite bpt_create_suite;
extern struct kunit_suite bpt_raw_suite;
extern struct kunit_suite bpt_gfp_suite;
extern struct kunit_suite bpt_buf_suite;
extern struct kunit_suite bpt_view_suite;
extern struct kunit_suite bpt_bulk_suite;
extern struct kunit_suite bpt_idle_suite;
extern struct kunit_suite bpt_limit_suite;
extern struct kunit_suite bpt_stats_suite;
extern struct kunit_suite bpt_misuse_suite;
extern struct kunit_suite bpt_check_suite;
extern struct kunit_suite bpt_context_suite;
extern struct kunit_suite bpt_cpus_suite;
extern struct kunit_suite bpt_load_suite;
extern struct kunit_suite bpt_rcu_suite;
extern struct kunit_suite bpt_destroy_suite;
extern struct kunit_suite bpt_objects_suite;
extern struct kunit_suite bpt_wrap_suite;
extern struct kunit_suite bpt_reserve_suite;
extern struct kunit_suite bpt_wait_suite;

/* === Fixture === */

int bpt_init(struct kunit *test);
void bpt_exit(struct kunit *test);

struct bytepool_config bpt_config(void);
struct bytepool *bpt_pool(struct kunit *test,
			  const struct bytepool_config *config);
struct bytepool *bpt_pow2_pool(struct kunit *test, unsigned int flags);
struct bytepool *bpt_tier_pool(struct kunit *test, size_t size,
			       unsigned int flags);
void bpt_destroy(struct kunit *test, struct bytepool *pool);
void bpt_expect_misuse(struct kunit *test, struct bytepool *pool, u64 nr);
void bpt_expect_quiet(struct kunit *test, struct bytepool *pool);
bool bpt_is_checked(struct bytepool *pool);
void bpt_expect_shrink(struct kunit *test, struct bytepool *pool, size_t idle);
void bpt_expect_whole(struct kunit *test, struct bytepool *pool,
		      size_t max_idle, bool recycles);
bool bpt_recycles(struct kunit *test, unsigned int flags);

size_t bpt_capacity(struct bytepool *pool, size_t len, size_t size);

struct bytepool_stats bpt_stats(struct bytepool *pool);
struct bytepool_tier_stats bpt_tier(struct kunit *test, struct bytepool *pool,
				    unsigned int tier);
u64 bpt_in_use(struct kunit *test, struct bytepool *pool);

/* === Memory === */

struct bytepool_buf *bpt_get_buf(struct kunit *test, struct bytepool *pool,
				 size_t len);
void bpt_get_bufs(struct kunit *test, struct bytepool *pool, size_t len,
		  unsigned int nr, struct bytepool_buf **bufs);
void *bpt_get(struct kunit *test, struct bytepool *pool, size_t len);
void bpt_stamp(void *mem, size_t len, u8 tag);
bool bpt_stamped(const void *mem, size_t len, u8 tag);
bool bpt_buf_stamped(const struct bytepool_buf *buf, u8 tag);
void bpt_stamp_buf(struct bytepool_buf *buf, u8 tag);

/**
 * struct bpt_preset - tier sizes that bytepool.h supplies
 * @name: what they are called
 * @sizes: the sizes
 * @nr: how many
 */
struct bpt_preset {
	const char *name;
	const size_t *sizes;
	unsigned int nr;
};

extern const struct bpt_preset bpt_presets[2];

void bpt_preset_desc(const struct bpt_preset *preset, char *desc);
struct bytepool *bpt_preset_pool(struct kunit *test);

/* === Several CPUs === */

struct bpt_crew;

/**
 * struct bpt_thread - one thread of a crew
 * @crew: the crew
 * @nr: which one it is
 * @cpu: where it ran
 * @task: the thread
 * @done: completed as it ends
 */
struct bpt_thread {
	struct bpt_crew *crew;
	unsigned int nr;
	unsigned int cpu;
	struct task_struct *task;
	struct completion done;
};

/**
 * struct bpt_crew - threads that do something at once, each on its own CPU
 * @test: the case
 * @run: what they do
 * @arg: for @run
 * @nr: how many threads
 * @thread: they
 * @start: lets them begin
 * @waiting: how many are waiting in bpt_meet()
 * @meetings: how many there have been
 * @step: by thread: how far it has come, for bpt_step()
 */
struct bpt_crew {
	struct kunit *test;
	void (*run)(struct bpt_crew *crew, unsigned int thread);
	void *arg;
	unsigned int nr;
	struct bpt_thread thread[BPT_MAX_THREADS];
	struct completion start;
	atomic_t waiting;
	atomic_t meetings;
	atomic_t step[BPT_MAX_THREADS];
};

void bpt_start(struct kunit *test, struct bpt_crew *crew, unsigned int nr,
	       void (*run)(struct bpt_crew *crew, unsigned int thread),
	       void *arg);
void bpt_wait(struct bpt_crew *crew);
void bpt_run(struct kunit *test, unsigned int nr,
	     void (*run)(struct bpt_crew *crew, unsigned int thread),
	     void *arg);
void bpt_go_home(struct bpt_crew *crew, unsigned int thread);
void bpt_meet(struct bpt_crew *crew);
void bpt_step(struct bpt_crew *crew, unsigned int thread);
unsigned int bpt_nr_threads(void);

/* === Random numbers === */

u64 bpt_seed(struct kunit *test);
u32 bpt_random(u64 *state, u32 below);

#endif /* _BYTEPOOL_KUNIT_CASES_H */
