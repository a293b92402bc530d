// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - refusals, memory known by its address, what is outstanding
 *
 * Misuse is refused, counted, and reported with the call sites that are known
 * and the stack of the present one. Memory that does not tell where it comes
 * from - larger than any tier, from vmalloc(), all raw memory of checked pools -
 * is entered in a table by its address.
 */
#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bug.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sort.h>

#include "internal.h"

static bool warn_misuse;
module_param_named(warn, warn_misuse, bool, 0644);
/* clang-format off */
MODULE_PARM_DESC(warn,
		 "Report misuse as a kernel warning, which panic_on_warn turns into a panic (default: off)");
/* clang-format on */

/* === Misuse === */

/* Names what is refused, and what the other call site of a buffer did. */
static const struct {
	const char *what;
	const char *other;
} misuse_texts[] = {
	[MISUSE_POOL] = { "call with what is no such pool", NULL },
	[MISUSE_DEAD_POOL] = { "get from a destroyed pool", NULL },
	[MISUSE_GFP] = { "get with gfp flags that cannot be honoured", NULL },
	[MISUSE_RELEASE] = { "release of a dead buffer", "released last" },
	[MISUSE_RETAIN] = { "retain of a dead buffer", "released last" },
	[MISUSE_TRYRETAIN] = { "tryretain in a pool without BYTEPOOL_RCU",
			       "got or released" },
	[MISUSE_SATURATED] = { "retain past the largest count", "got" },
	[MISUSE_CORRUPT] = { "idle buffer is not as it was left",
			     "released last" },
	[MISUSE_PUT_FOREIGN] = { "put of memory that is no tier's", NULL },
	[MISUSE_PUT_UNKNOWN] = { "put of memory that is not out", NULL },
	[MISUSE_PUT_OTHER_POOL] = { "put of another pool's memory", "got" },
	[MISUSE_DEAD_BUFFER] = { "change of a dead buffer", "released last" },
};

static_assert(ARRAY_SIZE(misuse_texts) == NR_MISUSE);

static DEFINE_RATELIMIT_STATE(misuse_limit, 5 * HZ, 10);

/**
 * report_misuse() - count and report an operation that is refused
 * @pool: where; NULL if that is what is wrong
 * @what: the operation
 * @mem: what it was about
 * @site: who did it
 * @other_site: who did what made it misuse, or 0
 *
 * Context: any but NMI.
 */
void report_misuse(struct bytepool *pool, enum misuse what, const void *mem,
		   unsigned long site, unsigned long other_site)
{
	const char *name = pool ? pool->name : "-";

	if (pool)
		atomic64_inc(&pool->misuse);
	if (!__ratelimit(&misuse_limit))
		return;
	if (other_site && misuse_texts[what].other)
		pr_err("%s: %s: %p by %pS, %s by %pS\n", name,
		       misuse_texts[what].what, mem, (void *)site,
		       misuse_texts[what].other, (void *)other_site);
	else
		pr_err("%s: %s: %p by %pS\n", name, misuse_texts[what].what,
		       mem, (void *)site);
	if (READ_ONCE(warn_misuse))
		WARN(1, "bytepool: misuse\n");
	else
		dump_stack();
}

/* === What callers pass, and what fails === */

/**
 * pool_usable() - report what is no pool
 * @pool: the caller's pool
 * @site: the call site
 *
 * Return: whether it can be one.
 */
bool pool_usable(struct bytepool *pool, unsigned long site)
{
	if (!IS_ERR_OR_NULL(pool))
		return true;
	report_misuse(NULL, MISUSE_POOL, pool, site, 0);
	return false;
}

/**
 * get_failed() - count a get that failed
 * @pool: the pool
 * @class: the class it was for; past the last one: of no tier
 * @site: the call site
 *
 * Return: NULL, for the caller to return.
 */
void *get_failed(struct bytepool *pool, unsigned int class, unsigned long site)
{
	if (READ_ONCE(pool->objects.dead))
		report_misuse(pool, MISUSE_DEAD_POOL, NULL, site, 0);
	else if (class < pool->objects.nr_classes &&
		 objpool_start(&pool->objects, GFP_NOWAIT))
		atomic64_inc(&counts_of(&pool->objects, class)->fail);
	else
		atomic64_inc(&pool->fail);
	return NULL;
}

/**
 * get_failed_oversize() - count a failed get that was of no tier
 * @pool: the pool
 * @site: the call site
 *
 * Return: NULL, for the caller to return.
 */
void *get_failed_oversize(struct bytepool *pool, unsigned long site)
{
	return get_failed(pool, UINT_MAX, site);
}

/**
 * get_allowed() - report a get that no pool can serve
 * @pool: the caller's pool
 * @gfp: what the caller asks of the allocator
 * @site: the call site
 *
 * Return: whether the get may go on.
 */
bool get_allowed(struct bytepool *pool, gfp_t gfp, unsigned long site)
{
	if (unlikely(!ptr_valid(pool)))
		return pool_usable(pool, site);
	if (likely(!(gfp & ~BYTEPOOL_GFP_MASK)))
		return true;
	report_misuse(pool, MISUSE_GFP, NULL, site, 0);
	return false;
}

/* === Memory known by its address === */

#define RECORD_BITS 10

struct record_bucket {
	raw_spinlock_t lock; /* protects the list */
	struct hlist_head list;
};

static struct record_bucket records[1 << RECORD_BITS];

static struct record_bucket *record_bucket(const void *mem)
{
	return &records[hash_ptr(mem, RECORD_BITS)];
}

/**
 * record_new() - allocate an entry
 * @gfp: for the allocator
 *
 * Return: the entry, for record_add() or kfree(); or NULL.
 */
struct record *record_new(gfp_t gfp)
{
	if (!slab_allowed())
		return NULL;
	return kmalloc(sizeof(struct record), gfp & ~__GFP_ZERO);
}

/**
 * record_add() - enter memory by its address
 * @record: the entry, filled in
 *
 * Return: false if the table is out of reach from here.
 */
bool record_add(struct record *record)
{
	struct record_bucket *bucket = record_bucket(record->mem);
	unsigned long flags;

	if (!lock_unless_held(&bucket->lock, &flags))
		return false;
	hlist_add_head(&record->node, &bucket->list);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return true;
}

/**
 * record_remove() - take an entry out
 * @pool: where the caller takes it to belong
 * @mem: the memory
 * @copy: filled in with the entry, if there is one
 *
 * Return: whether it was there and has been removed, is not there, belongs to
 * another pool and stays, or could not be looked up from here.
 */
enum record_found record_remove(struct bytepool *pool, const void *mem,
				struct record *copy)
{
	struct record_bucket *bucket = record_bucket(mem);
	enum record_found found = RECORD_NONE;
	struct record *record;
	unsigned long flags;

	if (!lock_unless_held(&bucket->lock, &flags))
		return RECORD_BUSY;
	hlist_for_each_entry(record, &bucket->list, node) {
		if (record->mem != mem)
			continue;
		*copy = *record;
		found = RECORD_OTHER_POOL;
		if (record->pool == pool) {
			hlist_del(&record->node);
			found = RECORD_FOUND;
		}
		break;
	}
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	/* By the worker, where slab is off limits. */
	if (found == RECORD_FOUND)
		big_free(record);
	return found;
}

/* === What is outstanding === */

enum kind {
	KIND_BUF,
	KIND_RAW,
	NR_KINDS,
};

/* Call sites told apart; a power of two. What is beyond is summed up. */
#define SITE_ROWS 512

/* Handles looked at with the lock held, so that nobody waits for long. */
#define WALK_BATCH 64

/* Lines that a destroyed pool's report has at most. */
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

/* Counts a batch of live buffers; false at the end of the list. */
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
		if (refcount_read(&buf->ref))
			site_count(table, KIND_BUF, buf_tier(buf),
				   READ_ONCE(buf->site), 1,
				   READ_ONCE(buf->capacity));
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
	/* Not a buffer: its count is 0, and only the list is shared. */
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

static void count_records(struct bytepool *pool, struct site_table *table,
			  u64 *known)
{
	struct record *record;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(records); i++) {
		raw_spin_lock_irqsave(&records[i].lock, flags);
		hlist_for_each_entry(record, &records[i].list, node) {
			if (record->pool != pool)
				continue;
			site_count(table, KIND_RAW, record->tier, record->site,
				   1, record->size);
			if (record->tier >= 0)
				known[record->tier]++;
		}
		raw_spin_unlock_irqrestore(&records[i].lock, flags);
		cond_resched();
	}
}

/* Raw memory tells nobody who got it: by tier and count, then. */
static void count_raw(struct bytepool *pool, struct site_table *table)
{
	u64 known[BYTEPOOL_MAX_TIERS] = {};
	struct class_sum sum;
	unsigned int i;
	u64 in_use;

	count_records(pool, table, known);
	for (i = 0; i < pool->nr_tiers; i++) {
		objpool_sum(&pool->objects, class_raw(i), &sum);
		in_use = sum_in_use(&sum);
		if (in_use > known[i])
			site_count(table, KIND_RAW, i, 0, in_use - known[i],
				   (in_use - known[i]) * pool->tier[i].size);
	}
}

/* Most bytes first; unused rows, which have none, last. */
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
	return pool->flags & POOL_TYPED ? "object" : "raw";
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
 * outstanding_show() - the debugfs file of that name
 * @pool: the pool
 * @m: where to
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
 * report_outstanding() - say what a destroyed pool still has out
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

void report_module_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(records); i++)
		raw_spin_lock_init(&records[i].lock);
}

/**
 * pool_outstanding() - how much of a killed pool is out
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
		objpool_sum(&pool->objects, i, &sum);
		out += sum_in_use(&sum);
	}
	return out;
}
