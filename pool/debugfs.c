// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - debugfs files of the pools, for people and for scripts
 *
 * bytepool/<pool>/stats, stats.json, recent_lengths and outstanding, readable
 * by root; Documentation/ABI/testing/debugfs-bytepool describes them. A file
 * is written as a whole at the first read, so that a slow reader sees one
 * moment.
 */
#include <linux/debugfs.h>
#include <linux/module.h>

#include "pool.h"

static struct dentry *debugfs_root;

static void print_tier(struct seq_file *m, const char *name,
		       const struct bytepool_tier_stats *tier)
{
	seq_printf(m, "%10s %14llu %14llu %10llu %10llu ", name, tier->get,
		   tier->put, tier->in_use, tier->idle);
	seq_printf(m, "%14llu %14llu %10llu %18llu ", tier->hit, tier->miss,
		   tier->fail, tier->requested);
	seq_printf(m, "%8llu %12llu %12llu\n", tier->reserve,
		   tier->reserve_want, tier->reserve_get);
}

static void add_tier(struct bytepool_tier_stats *total,
		     const struct bytepool_tier_stats *tier)
{
	total->get += tier->get;
	total->put += tier->put;
	total->in_use += tier->in_use;
	total->idle += tier->idle;
	total->hit += tier->hit;
	total->miss += tier->miss;
	total->fail += tier->fail;
	total->requested += tier->requested;
	total->reserve += tier->reserve;
	total->reserve_want += tier->reserve_want;
	total->reserve_get += tier->reserve_get;
}

static int stats_show(struct seq_file *m, void *unused)
{
	struct bytepool_tier_stats tier, total = {};
	struct bytepool *pool = m->private;
	struct bytepool_stats stats;
	char size[24];
	unsigned int i;

	seq_printf(m, "%10s %14s %14s %10s %10s %14s %14s %10s %18s ", "size",
		   "get", "put", "in_use", "idle", "hit", "miss", "fail",
		   "requested");
	seq_printf(m, "%8s %12s %12s\n", "reserve", "reserve_want",
		   "reserve_get");
	for (i = 0; i < pool->nr_tiers; i++) {
		bytepool_get_tier_stats(pool, i, &tier);
		add_tier(&total, &tier);
		snprintf(size, sizeof(size), "%zu", tier.size);
		print_tier(m, size, &tier);
	}
	print_tier(m, "total", &total);

	bytepool_get_stats(pool, &stats);
	seq_printf(m, "discarded %llu\n", stats.discarded);
	seq_printf(m, "oversize_in_use %llu\n", stats.oversize_in_use);
	seq_printf(m, "oversize_bytes %llu\n", stats.oversize_bytes);
	seq_printf(m, "wrapped %llu\n", stats.wrapped);
	seq_printf(m, "fail %llu\n", stats.fail);
	seq_printf(m, "misuse %llu\n", stats.misuse);
	seq_printf(m, "quarantined %llu\n", stats.quarantined);
	seq_printf(m, "idle_bytes %zu\n", objcache_idle_bytes(&pool->objects));
	seq_printf(m, "max_idle %zu%s\n", pool->objects.budget->max,
		   pool->objects.budget == &pool->own_budget ? "" : " shared");
	seq_printf(m, "limit %zu\n", pool->limit);
	seq_printf(m, "waiting %llu\n", stats.waiting);
	seq_printf(m, "slept %llu\n", stats.slept);
	seq_printf(m, "owner %s\n", pool->owner);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

/* Read the recent lengths. Returns their number; the caller frees *lens. */
static unsigned int recent_get(struct bytepool *pool, size_t **lens)
{
	*lens = kcalloc(BYTEPOOL_RECENT, sizeof(**lens), GFP_KERNEL);
	if (!*lens)
		return 0;
	return bytepool_recent_lengths(pool, *lens, BYTEPOOL_RECENT);
}

static void json_tier(struct seq_file *m,
		      const struct bytepool_tier_stats *tier)
{
	seq_printf(m, "\"%zu\":{\"get\":%llu,\"put\":%llu,\"in_use\":%llu,",
		   tier->size, tier->get, tier->put, tier->in_use);
	seq_printf(m, "\"idle\":%llu,\"hit\":%llu,\"miss\":%llu,\"fail\":%llu,",
		   tier->idle, tier->hit, tier->miss, tier->fail);
	seq_printf(m, "\"requested\":%llu,\"reserve\":%llu,", tier->requested,
		   tier->reserve);
	seq_printf(m, "\"reserve_want\":%llu,\"reserve_get\":%llu}",
		   tier->reserve_want, tier->reserve_get);
}

static void json_recent(struct seq_file *m, struct bytepool *pool)
{
	unsigned int i, nr;
	size_t *lens;

	nr = recent_get(pool, &lens);
	seq_puts(m, "\"recent_lengths\":[");
	for (i = 0; i < nr; i++)
		seq_printf(m, "%s%zu", i ? "," : "", lens[i]);
	seq_puts(m, "]");
	kfree(lens);
}

static int stats_json_show(struct seq_file *m, void *unused)
{
	struct bytepool *pool = m->private;
	struct bytepool_tier_stats tier;
	struct bytepool_stats stats;
	unsigned int i;

	/* No escapes: pool_check_name() allows no character that needs one. */
	seq_printf(m, "{\"name\":\"%s\",\"pools\":{", pool->name);
	for (i = 0; i < pool->nr_tiers; i++) {
		if (i)
			seq_putc(m, ',');
		bytepool_get_tier_stats(pool, i, &tier);
		json_tier(m, &tier);
	}
	bytepool_get_stats(pool, &stats);
	seq_printf(m, "},\"total_get\":%llu,\"total_put\":%llu,",
		   stats.total_get, stats.total_put);
	seq_printf(m, "\"discarded\":%llu,\"oversize_in_use\":%llu,",
		   stats.discarded, stats.oversize_in_use);
	seq_printf(m, "\"oversize_bytes\":%llu,\"fail\":%llu,",
		   stats.oversize_bytes, stats.fail);
	seq_printf(m, "\"wrapped\":%llu,\"waiting\":%llu,\"slept\":%llu,",
		   stats.wrapped, stats.waiting, stats.slept);
	seq_printf(m, "\"misuse\":%llu,\"quarantined\":%llu,", stats.misuse,
		   stats.quarantined);
	seq_printf(m, "\"idle_bytes\":%zu,\"max_idle\":%zu,\"limit\":%zu,",
		   objcache_idle_bytes(&pool->objects),
		   pool->objects.budget->max, pool->limit);
	json_recent(m, pool);
	seq_puts(m, "}\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats_json);

static int recent_lengths_show(struct seq_file *m, void *unused)
{
	unsigned int i, nr;
	size_t *lens;

	nr = recent_get(m->private, &lens);
	for (i = 0; i < nr; i++)
		seq_printf(m, "%zu\n", lens[i]);
	kfree(lens);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(recent_lengths);

static int pool_outstanding_show(struct seq_file *m, void *unused)
{
	return outstanding_show(m->private, m);
}
DEFINE_SHOW_ATTRIBUTE(pool_outstanding);

/**
 * pool_debugfs_add() - make a pool's files
 * @pool: the pool, its name unique
 *
 * A kernel without debugfs makes no files, which is no error.
 */
void pool_debugfs_add(struct bytepool *pool)
{
	pool->dir = debugfs_create_dir(pool->name, debugfs_root);
	debugfs_create_file("stats", 0400, pool->dir, pool, &stats_fops);
	debugfs_create_file("stats.json", 0400, pool->dir, pool,
			    &stats_json_fops);
	debugfs_create_file("recent_lengths", 0400, pool->dir, pool,
			    &recent_lengths_fops);
	debugfs_create_file("outstanding", 0400, pool->dir, pool,
			    &pool_outstanding_fops);
}

/**
 * pool_debugfs_remove() - remove a pool's files
 * @pool: the pool
 *
 * Waits for readers of the files, and so without a lock: a reader may stand still.
 */
void pool_debugfs_remove(struct bytepool *pool)
{
	debugfs_remove(pool->dir);
	pool->dir = NULL;
}

void debugfs_module_init(void)
{
	debugfs_root = debugfs_create_dir("bytepool", NULL);
}

void debugfs_module_exit(void)
{
	debugfs_remove(debugfs_root);
}
