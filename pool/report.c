// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - misuse that is refused, and gets that fail
 *
 * Misuse is refused, counted, and reported with the call sites that are known
 * and the stack of the present one.
 */
#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bug.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "pool.h"

static bool warn_misuse;
module_param_named(warn, warn_misuse, bool, 0644);
/* clang-format off */
MODULE_PARM_DESC(warn,
		 "Report misuse as a kernel warning, which panic_on_warn turns into a panic (default: off)");
/* clang-format on */

/* === Misuse === */

/* The operation refused, and the one that the buffer's other call site did. */
static const struct {
	const char *what;
	const char *other;
} misuse_texts[] = {
	[MISUSE_POOL] = { "call with what is no such pool", NULL },
	[MISUSE_DEAD_POOL] = { "get from a destroyed pool", NULL },
	[MISUSE_RELEASE] = { "release of a dead buffer", "released last" },
	[MISUSE_RETAIN] = { "retain of a dead buffer", "released last" },
	[MISUSE_TRYRETAIN] = { "tryretain in a pool without BYTEPOOL_RCU",
			       "got or released" },
	[MISUSE_SATURATED] = { "retain past the largest count", "got" },
	[MISUSE_CORRUPT] = { "idle buffer is not as it was left",
			     "released last" },
	[MISUSE_WRAP] = { "wrap without memory, length or function", NULL },
	[MISUSE_WAITER] = { "wait by a waiter that cannot wait", NULL },
	[MISUSE_WAITER_LEFT] = { "destroy with a waiter armed", NULL },
	[MISUSE_PUT_FOREIGN] = { "put of memory that is no tier's", NULL },
	[MISUSE_PUT_UNKNOWN] = { "put of memory that is not out", NULL },
	[MISUSE_PUT_OTHER_POOL] = { "put of another pool's memory", "got" },
	[MISUSE_PUT_TWICE] = { "put of memory that was put already", NULL },
	[MISUSE_DEAD_BUFFER] = { "change of a dead buffer", "released last" },
};

static_assert(ARRAY_SIZE(misuse_texts) == NR_MISUSE);

/* For misuse of no pool. Each pool has a limit of its own, so that none hides another's. */
static DEFINE_RATELIMIT_STATE(no_pool_reports, REPORT_INTERVAL, REPORT_BURST);

static bool may_report(struct bytepool *pool)
{
	return __ratelimit(pool ? &pool->reports : &no_pool_reports);
}

static void show_stack(void)
{
	if (READ_ONCE(warn_misuse))
		WARN(1, "bytepool: misuse\n");
	else
		dump_stack();
}

/**
 * report_misuse() - count and report an operation that is refused
 * @pool: the pool; NULL if the caller passed none
 * @what: the operation
 * @mem: the memory or handle that the caller passed
 * @site: call site of the operation
 * @other_site: call site of an earlier operation on the buffer; 0: none
 *
 * Context: any but NMI.
 */
void report_misuse(struct bytepool *pool, enum misuse what, const void *mem,
		   unsigned long site, unsigned long other_site)
{
	const char *name = pool ? pool->name : "-";
	char other[SITE_NAME_LEN];

	if (pool)
		atomic64_inc(&pool->misuse);
	if (!may_report(pool))
		return;
	if (other_site && misuse_texts[what].other)
		pr_err("%s: %s: %p by %pS, %s by %s\n", name,
		       misuse_texts[what].what, mem, (void *)site,
		       misuse_texts[what].other, site_text(other_site, other));
	else
		pr_err("%s: %s: %p by %pS\n", name, misuse_texts[what].what,
		       mem, (void *)site);
	show_stack();
}

/**
 * report_checked() - count and report what a check of memory has found
 * @pool: the pool
 * @fmt: the text, after the name of the pool
 *
 * Context: any but NMI.
 */
void report_checked(struct bytepool *pool, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	atomic64_inc(&pool->misuse);
	if (!may_report(pool))
		return;
	va_start(args, fmt);
	vaf.va = &args;
	pr_err("%s: %pV", pool->name, &vaf);
	va_end(args);
	show_stack();
}

/* === Pools that callers pass, and gets that fail === */

/**
 * pool_usable() - report a NULL or ERR_PTR pool
 * @pool: the caller's pool
 * @site: the call site
 *
 * Return: true if it can be a pool.
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
 * @class: class of the get; a class past the last one stands for no tier
 * @site: the call site
 *
 * Return: NULL, for the caller to return.
 */
void *get_failed(struct bytepool *pool, unsigned int class, unsigned long site)
{
	/* Who has a limit says it there. */
	if (!pool->limit)
		note_starved(pool);
	if (READ_ONCE(pool->objects.dead))
		report_misuse(pool, MISUSE_DEAD_POOL, NULL, site, 0);
	else if (class < pool->objects.nr_classes &&
		 objcache_start(&pool->objects, GFP_NOWAIT))
		atomic64_inc(&counts_of(&pool->objects, class)->fail);
	else
		atomic64_inc(&pool->fail);
	return NULL;
}

/**
 * get_failed_oversize() - count a failed get larger than the largest tier
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
 * report_gfp() - report a get whose gfp flags cannot be honoured
 * @pool: the pool
 * @gfp: the flags
 * @site: the call site
 */
void report_gfp(struct bytepool *pool, gfp_t gfp, unsigned long site)
{
	gfp_t refused = gfp & ~BYTEPOOL_GFP_MASK;

	report_checked(pool,
		       "get with gfp flags refused: %pGg, of %pGg, by %pS\n",
		       &refused, &gfp, (void *)site);
}

/**
 * get_allowed_slow() - report a get that no pool can serve
 * @pool: the caller's pool, which may be valid: ptr_valid() refuses addresses
 *	with a tag in their top byte
 * @gfp: what the caller asks of the allocator
 * @site: the call site
 *
 * Return: true if the get may go on.
 */
bool get_allowed_slow(struct bytepool *pool, gfp_t gfp, unsigned long site)
{
	if (!pool_usable(pool, site))
		return false;
	if (!(gfp & ~BYTEPOOL_GFP_MASK))
		return true;
	report_gfp(pool, gfp, site);
	return false;
}
