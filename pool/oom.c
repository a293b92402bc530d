// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - what pools have, beside the kernel's report that memory is out
 *
 * A line for each of the pools that have most. Nothing here allocates, waits or
 * takes a lock.
 */
#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": oom: " fmt

#include <linux/printk.h>

#include "pool.h"

/* So many pools have a line of their own. */
#define OOM_LINES 16

/**
 * struct oom_line - what there is to say of a pool
 * @pool: the pool
 * @in_use: bytes of capacity in use, oversize included
 * @idle: bytes that are idle
 * @reserve: bytes that the reserve has now
 * @fail: gets that failed
 */
struct oom_line {
	struct bytepool *pool;
	size_t in_use;
	size_t idle;
	size_t reserve;
	u64 fail;
};

/*
 * The pools that have most, largest first, and what the others have. Not on the
 * stack, which may be deep by now; protected by the lock of the list of pools.
 */
static struct oom_line lines[OOM_LINES];
static unsigned int nr_lines, nr_others;
static size_t others;

static size_t line_bytes(const struct oom_line *line)
{
	return line->in_use + line->idle + line->reserve;
}

static void line_read(struct oom_line *line, struct bytepool *pool)
{
	struct bytepool_tier_stats tier;
	unsigned int i;

	line->pool = pool;
	line->in_use = atomic64_read(&pool->oversize_bytes);
	line->idle = READ_ONCE(pool->resting_bytes);
	line->reserve = 0;
	line->fail = atomic64_read(&pool->fail);
	for (i = 0; i < pool->nr_tiers; i++) {
		bytepool_get_tier_stats(pool, i, &tier);
		line->in_use += tier.in_use * tier.size;
		line->idle += tier.idle * tier.size;
		line->reserve += tier.reserve * tier.size;
		line->fail += tier.fail;
	}
}

/**
 * oom_begin() - begin a report
 *
 * Context: with the lock of the list of pools held, as the next two.
 */
void oom_begin(void)
{
	nr_lines = 0;
	nr_others = 0;
	others = 0;
}

/**
 * oom_add() - add a pool to the report
 * @pool: the pool
 */
void oom_add(struct bytepool *pool)
{
	struct oom_line line, *last;
	unsigned int i;

	line_read(&line, pool);
	if (!line_bytes(&line))
		return;
	last = &lines[OOM_LINES - 1];
	if (nr_lines == OOM_LINES) {
		nr_others++;
		others += min(line_bytes(&line), line_bytes(last));
		if (line_bytes(&line) <= line_bytes(last))
			return;
		nr_lines--;
	}
	/* Those that have less move up. */
	for (i = nr_lines++; i && line_bytes(&lines[i - 1]) < line_bytes(&line);
	     i--)
		lines[i] = lines[i - 1];
	lines[i] = line;
}

/**
 * oom_print() - print the report
 */
void oom_print(void)
{
	const struct oom_line *line;

	for (line = lines; line < lines + nr_lines; line++)
		pr_warn("%s: in_use %zu idle %zu reserve %zu limit %zu fail %llu\n",
			line->pool->name, line->in_use, line->idle,
			line->reserve, line->pool->limit, line->fail);
	if (nr_others)
		pr_warn("%u other pools have %zu bytes\n", nr_others, others);
}
