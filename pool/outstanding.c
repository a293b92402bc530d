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

/* Rows by call site, a power of two. Further sites are summed up in one row. */
#define SITE_ROWS 512

/* Handles looked at with the lock held at a time. */
#define WALK_BATCH 64

/* Most lines in the report of a destroyed pool. */
#define REPORT_ROWS 16

struct site_row {
	unsigned long site;
	u64 nr;
	u64 bytes;
	int tier; /* -1: larger than the largest */
	enum kind kind;
};

struct site_table {
	unsigned int nr_rows;
	u64 beyond;
	struct site_row row[SITE_ROWS];
};

static void site_count(struct site_table *table, enum kind kind, int tier,
		       unsigned long site, u64 nr, u64 bytes)
{
	unsigned int i = hash_long(site + tier * NR_KINDS + kind, 9);
	struct site_row *row;
	unsigned int probes;

	for (probes = 0; probes < SITE_ROWS; probes++, i++) {
		row = &table->row[i % SITE_ROWS];
		if (!row->nr) {
			row->site = site;
			row->tier = tier;
			row->kind = kind;
			table->nr_rows++;
		} else if (row->site != site || row->tier != tier ||
			   row->kind != kind) {
			continue;
		}
		row->nr += nr;
		row->bytes += bytes;
		return;
	}
	table->beyond += nr;
}

static int buf_tier(const struct bytepool_buf *buf)
{
	u16 class = READ_ONCE(buf->class);

	return class == CLASS_OVERSIZE ? -1 : class / 2;
}

/*
 * Count a buffer, if it is alive. It may die at any time, and the fields of a
 * spare handle that is parked then are those of struct parked: they are used
 * only if the count was not 0 before and after they were read.
 */
static void count_buf(struct site_table *table, const struct bytepool_buf *buf)
{
	unsigned long site;
	size_t capacity;
	int tier;

	if (!refcount_read(&buf->ref))
		return;
	/* Pairs with smp_wmb() in buf_begin(). */
	smp_rmb();
	tier = buf_tier(buf);
	site = READ_ONCE(buf->site);
	capacity = READ_ONCE(buf->capacity);
	/* Pairs with smp_wmb() in pool_park(). */
	smp_rmb();
	if (refcount_read(&buf->ref))
		site_count(table, KIND_BUF, tier, site, 1, capacity);
}

/* Count a batch of live buffers. Returns false at the end of the list. */
static bool count_batch(struct bytepool *pool, struct bytepool_buf *cursor,
			struct site_table *table)
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
		count_buf(table, buf);
	}
	list_move(&cursor->link, pos);
	return true;
}

static void count_bufs(struct bytepool *pool, struct site_table *table)
{
	struct bytepool_buf *cursor = kzalloc(sizeof(*cursor), GFP_KERNEL);
	unsigned long flags;
	bool more;

	if (!cursor)
		return;
	/* The cursor is a handle with a count of 0: other walkers skip it. */
	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	list_add(&cursor->link, &pool->live_list);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	do {
		raw_spin_lock_irqsave(&pool->handles_lock, flags);
		more = count_batch(pool, cursor, table);
		if (!more)
			list_del(&cursor->link);
		raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
		cond_resched();
	} while (more);
	kfree(cursor);
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

static void count_track(const struct track *track, void *arg)
{
	struct tracked_count *count = arg;

	site_count(count->table, KIND_RAW, track->tier, track->site, 1,
		   track->size);
	if (track->tier >= 0)
		count->tracked[track->tier]++;
}

/* Count raw memory: by call site if it is tracked, else by tier alone. */
static void count_raw(struct bytepool *pool, struct site_table *table)
{
	struct tracked_count count = { .table = table };
	struct class_sum sum;
	unsigned int i;
	u64 in_use;

	track_for_each(pool, count_track, &count);
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

static struct site_table *site_table_make(struct bytepool *pool)
{
	struct site_table *table = kvzalloc(sizeof(*table), GFP_KERNEL);

	if (!table)
		return NULL;
	count_bufs(pool, table);
	count_raw(pool, table);
	sort(table->row, SITE_ROWS, sizeof(table->row[0]), compare_rows, NULL);
	return table;
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
	if (row->tier < 0)
		snprintf(size, room, "oversize");
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
	struct site_table *table = site_table_make(pool);
	char size[24];
	unsigned int i;

	if (!table)
		return -ENOMEM;
	seq_printf(m, "%-6s %10s %10s %14s site\n", "kind", "size", "count",
		   "bytes");
	for (i = 0; i < table->nr_rows; i++) {
		struct site_row *row = &table->row[i];

		row_format(pool, row, size, sizeof(size));
		seq_printf(m, "%-6s %10s %10llu %14llu ", row_kind(pool, row),
			   size, row->nr, row->bytes);
		if (row->site)
			seq_printf(m, "%pS\n", (void *)row->site);
		else
			seq_puts(m, "-\n");
	}
	if (table->beyond)
		seq_printf(m, "other  %10s %10llu %14s -\n", "-", table->beyond,
			   "-");
	kvfree(table);
	return 0;
}

/**
 * report_outstanding() - log the memory that is out of a destroyed pool
 * @pool: the pool
 */
void report_outstanding(struct bytepool *pool)
{
	struct site_table *table = site_table_make(pool);
	char size[24];
	unsigned int i;

	pr_warn("%s: destroyed with memory in use, valid until given back:\n",
		pool->name);
	if (!table)
		return;
	for (i = 0; i < min(table->nr_rows, REPORT_ROWS + 0U); i++) {
		struct site_row *row = &table->row[i];

		row_format(pool, row, size, sizeof(size));
		if (row->site)
			pr_warn("%s: %llu %s of %s got by %pS\n", pool->name,
				row->nr, row_kind(pool, row), size,
				(void *)row->site);
		else
			pr_warn("%s: %llu %s of %s\n", pool->name, row->nr,
				row_kind(pool, row), size);
	}
	if (table->nr_rows > i)
		pr_warn("%s: and from %u more call sites\n", pool->name,
			table->nr_rows - i);
	kvfree(table);
}

/**
 * pool_outstanding() - count the memory that is out of a killed pool
 * @pool: the pool
 *
 * Return: buffers, pieces of raw memory and objects, all together.
 */
long pool_outstanding(struct bytepool *pool)
{
	long out = atomic64_read(&pool->oversize);
	struct class_sum sum;
	unsigned int i;

	for (i = 0; i < 2 * pool->nr_tiers; i++) {
		objcache_sum(&pool->objects, i, &sum);
		out += sum_in_use(&sum);
	}
	return out;
}
