// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - memory that is out of a pool, by call site
 *
 * The debugfs file "outstanding" shows it, and so does the report of a pool
 * that is destroyed with memory out.
 */
#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sort.h>

#include "pool.h"

enum kind {
	KIND_BUF,
	KIND_RAW,
	NR_KINDS,
};

/*
 * Rows of a table at first and at most, powers of two. A table grows, so that
 * the sites with the most bytes are in it, whatever else is out: a kernel has
 * fewer call sites than the most. Further sites would be summed up in one row.
 */
#define SITE_ROWS_MIN 256
#define SITE_ROWS_MAX 65536

/* Most lines in the report of a destroyed pool. */
#define REPORT_ROWS 16

struct site_row {
	unsigned long site;
	u64 nr;
	u64 bytes;
	int tier; /* -1: larger than the largest */
	enum kind kind;
};

/* In place of a tier's index. */
#define TIER_OVERSIZE (-1)
#define TIER_WRAPPED  (-2)

/**
 * struct site_table - memory in use by call site: a hash table
 * @pool: the pool
 * @rows: the rows; unused ones have an nr of 0
 * @room: number of rows that there is room for
 * @nr_rows: number of rows in use
 * @beyond: pieces and bytes of sites for which there was no row
 * @no_memory: the walk ended early, because the table could not grow
 */
struct site_table {
	struct bytepool *pool;
	struct site_row *rows;
	unsigned int room;
	unsigned int nr_rows;
	struct site_row beyond;
	bool no_memory;
};

/* Find the row of a site, or an unused one. Half of the rows are unused. */
static struct site_row *site_row(const struct site_table *table,
				 const struct site_row *like)
{
	unsigned long key = like->site + like->tier * NR_KINDS + like->kind;
	unsigned int i = hash_long(key, ilog2(table->room));
	struct site_row *row;

	for (;; i++) {
		row = &table->rows[i & (table->room - 1)];
		if (!row->nr ||
		    (row->site == like->site && row->tier == like->tier &&
		     row->kind == like->kind))
			return row;
	}
}

static void site_count(struct site_table *table, enum kind kind, int tier,
		       unsigned long site, u64 nr, u64 bytes)
{
	struct site_row like = { .site = site, .tier = tier, .kind = kind };
	struct site_row *row = site_row(table, &like);

	if (!row->nr && table->nr_rows >= table->room / 2) {
		row = &table->beyond;
	} else if (!row->nr) {
		*row = like;
		table->nr_rows++;
	}
	row->nr += nr;
	row->bytes += bytes;
}

/* Change the number of rows. Returns false without memory. */
static bool site_table_resize(struct site_table *table, unsigned int room)
{
	struct site_row *old = table->rows;
	unsigned int nr = table->room, i;

	table->rows = kvcalloc(room, sizeof(*table->rows), GFP_KERNEL);
	if (!table->rows) {
		table->rows = old;
		table->no_memory = true;
		return false;
	}
	table->room = room;
	for (i = 0; i < nr; i++)
		if (old[i].nr)
			*site_row(table, &old[i]) = old[i];
	kvfree(old);
	return true;
}

/*
 * Make room for the sites of another batch, between batches, where it may
 * sleep. Returns false if the walk has to end.
 */
static bool site_table_grow(void *arg)
{
	struct site_table *table = arg;

	cond_resched();
	if (table->nr_rows + WALK_BATCH <= table->room / 2 ||
	    table->room == SITE_ROWS_MAX)
		return true;
	return site_table_resize(table, 2 * table->room);
}

/*
 * Count a buffer, if it is alive. It may die at any time, and the fields of a
 * spare handle that is parked then are those of struct parked: they are used
 * only if the count was not 0 before and after they were read.
 */
static void count_buf(struct bytepool_buf *buf, void *arg)
{
	struct site_table *table = arg;
	unsigned long site;
	size_t size;
	u16 class;
	int tier;

	if (!refcount_read(&buf->ref))
		return;
	/* Pairs with smp_wmb() in buf_begin(). */
	smp_rmb();
	class = READ_ONCE(buf->class);
	site = READ_ONCE(buf->site);
	size = READ_ONCE(buf->capacity);
	/* Pairs with smp_wmb() in pool_park(). */
	smp_rmb();
	if (!refcount_read(&buf->ref))
		return;
	tier = class == CLASS_OVERSIZE ? TIER_OVERSIZE :
	       class == CLASS_WRAPPED  ? TIER_WRAPPED :
					 class / 2;
	/* In a checked pool the capacity is the length asked for. */
	if (tier == TIER_OVERSIZE)
		size = oversize_capacity(size);
	else if (tier != TIER_WRAPPED)
		size = table->pool->tier[tier].size;
	site_count(table, KIND_BUF, tier, site, 1, size);
}

/* Look at a batch of handles. Returns false at the end of the list. */
static bool walk_batch(struct bytepool *pool, struct bytepool_buf *cursor,
		       void (*look)(struct bytepool_buf *buf, void *arg),
		       void *arg)
{
	struct list_head *pos = &cursor->link;
	struct bytepool_buf *buf;
	unsigned int i;

	lockdep_assert_held(&pool->handles_lock);
	for (i = 0; i < WALK_BATCH; i++) {
		pos = pos->next;
		if (pos == &pool->live_list)
			return false;
		buf = list_entry(pos, struct bytepool_buf, link);
		look(buf, arg);
	}
	list_move(&cursor->link, pos);
	return true;
}

/**
 * handles_for_each() - look at all handles in bytepool.live_list
 * @pool: the pool
 * @look: called with each handle, in whatever state it is: see buf.c; under
 *	handles_lock
 * @next: called between batches, where it may sleep; returns false to stop
 * @arg: for both
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM, and nothing is looked at.
 */
int handles_for_each(struct bytepool *pool,
		     void (*look)(struct bytepool_buf *buf, void *arg),
		     bool (*next)(void *arg), void *arg)
{
	struct bytepool_buf *cursor = kzalloc(sizeof(*cursor), GFP_KERNEL);
	unsigned long flags;
	bool more;

	if (!cursor)
		return -ENOMEM;
	/* The cursor is a handle with a count of 0: other walkers skip it. */
	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	list_add(&cursor->link, &pool->live_list);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	do {
		raw_spin_lock_irqsave(&pool->handles_lock, flags);
		more = walk_batch(pool, cursor, look, arg);
		if (!more)
			list_del(&cursor->link);
		raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
		if (more && !next(arg))
			break;
	} while (more);
	if (more) {
		raw_spin_lock_irqsave(&pool->handles_lock, flags);
		list_del(&cursor->link);
		raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	}
	kfree(cursor);
	return 0;
}

/**
 * struct tracked_count - counts of a walk over tracked memory
 * @table: rows by call site
 * @tracked: by tier: how many pieces are tracked
 */
struct tracked_count {
	struct site_table *table;
	u64 tracked[BYTEPOOL_MAX_TIERS];
};

static void count_track(struct track *track, void *arg)
{
	struct tracked_count *count = arg;

	site_count(count->table, KIND_RAW, track->tier, track->site, 1,
		   track->size);
	if (track->tier >= 0)
		count->tracked[track->tier]++;
}

static bool count_next(void *arg)
{
	struct tracked_count *count = arg;

	return site_table_grow(count->table);
}

/* Count raw memory: by call site if it is tracked, else by tier alone. */
static void count_raw(struct bytepool *pool, struct site_table *table)
{
	struct tracked_count count = { .table = table };
	struct class_sum sum;
	unsigned int i;
	u64 in_use;

	track_for_each(pool, count_track, count_next, &count);
	for (i = 0; i < pool->nr_tiers; i++) {
		objcache_sum(&pool->objects, class_raw(i), &sum);
		in_use = sum_in_use(&sum);
		if (in_use <= count.tracked[i])
			continue;
		in_use -= count.tracked[i];
		site_count(table, KIND_RAW, i, 0, in_use,
			   in_use * pool->tier[i].size);
	}
}

/* Sort by bytes, most first; unused rows have 0 bytes. */
static int compare_rows(const void *a, const void *b)
{
	const struct site_row *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? 1 : -1;
	return 0;
}

/* Count what is out, and sort it. Returns false without memory for all of it. */
static bool site_table_make(struct bytepool *pool, struct site_table *table)
{
	memset(table, 0, sizeof(*table));
	table->pool = pool;
	if (!site_table_resize(table, SITE_ROWS_MIN))
		return false;
	if (handles_for_each(pool, count_buf, site_table_grow, table))
		table->no_memory = true;
	count_raw(pool, table);
	sort(table->rows, table->room, sizeof(*table->rows), compare_rows,
	     NULL);
	return !table->no_memory;
}

static const char *row_kind(const struct bytepool *pool,
			    const struct site_row *row)
{
	if (row->kind == KIND_BUF)
		return "buf";
	return pool_is_typed(pool) ? "object" : "raw";
}

static void row_format(const struct bytepool *pool, const struct site_row *row,
		       char *size, size_t room)
{
	if (row->tier == TIER_OVERSIZE)
		snprintf(size, room, "oversize");
	else if (row->tier == TIER_WRAPPED)
		snprintf(size, room, "wrapped");
	else
		snprintf(size, room, "%zu", pool->tier[row->tier].size);
}

/**
 * outstanding_show() - show the debugfs file "outstanding"
 * @pool: the pool
 * @m: the file
 *
 * Return: 0 or -ENOMEM.
 */
int outstanding_show(struct bytepool *pool, struct seq_file *m)
{
	char size[24], name[SITE_NAME_LEN];
	struct site_table table;
	unsigned int i;

	if (!site_table_make(pool, &table)) {
		kvfree(table.rows);
		return -ENOMEM;
	}
	seq_printf(m, "%-6s %10s %10s %14s site\n", "kind", "size", "count",
		   "bytes");
	for (i = 0; i < table.nr_rows; i++) {
		struct site_row *row = &table.rows[i];

		row_format(pool, row, size, sizeof(size));
		seq_printf(m, "%-6s %10s %10llu %14llu ", row_kind(pool, row),
			   size, row->nr, row->bytes);
		if (row->site)
			seq_printf(m, "%s\n", site_text(row->site, name));
		else
			seq_puts(m, "-\n");
	}
	if (table.beyond.nr)
		seq_printf(m, "other  %10s %10llu %14llu -\n", "-",
			   table.beyond.nr, table.beyond.bytes);
	kvfree(table.rows);
	return 0;
}

/**
 * report_outstanding() - log the memory that is out of a destroyed pool
 * @pool: the pool
 */
void report_outstanding(struct bytepool *pool)
{
	char size[24], name[SITE_NAME_LEN];
	struct site_table table;
	struct site_row rest = {};
	unsigned int i;

	pr_warn("%s: destroyed with memory in use, valid until given back:\n",
		pool->name);
	if (!site_table_make(pool, &table))
		pr_warn("%s: no memory to count all of it\n", pool->name);
	for (i = 0; i < min(table.nr_rows, REPORT_ROWS + 0U); i++) {
		struct site_row *row = &table.rows[i];

		row_format(pool, row, size, sizeof(size));
		if (row->site)
			pr_warn("%s: %llu %s of %s got by %s\n", pool->name,
				row->nr, row_kind(pool, row), size,
				site_text(row->site, name));
		else
			pr_warn("%s: %llu %s of %s\n", pool->name, row->nr,
				row_kind(pool, row), size);
	}
	rest = table.beyond;
	for (; i < table.nr_rows; i++) {
		rest.nr += table.rows[i].nr;
		rest.bytes += table.rows[i].bytes;
	}
	if (rest.nr)
		pr_warn("%s: and %llu more, %llu bytes, got elsewhere\n",
			pool->name, rest.nr, rest.bytes);
	kvfree(table.rows);
}

/**
 * pool_outstanding() - count the memory that is out of a killed pool
 * @pool: the pool
 *
 * Return: buffers, pieces of raw memory and objects, all together.
 */
long pool_outstanding(struct bytepool *pool)
{
	long out = atomic64_read(&pool->oversize) +
		   atomic_long_read(&pool->wrapped);
	struct class_sum sum;
	unsigned int i;

	for (i = 0; i < 2 * pool->nr_tiers; i++) {
		objcache_sum(&pool->objects, i, &sum);
		out += sum_in_use(&sum);
	}
	return out;
}
