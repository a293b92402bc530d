// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - names of call sites whose code goes
 *
 * A call site is an address. Once the code there is gone, another module may be
 * loaded to the address, and would be named for what it never did. That is so
 * for the init function of a module, which is freed once it has returned, and
 * for a module that is unloaded. So a notifier finds the sites of code that is
 * about to go, while its names are still known, and has each replaced by the
 * address of an entry of a table with the name.
 */

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pool.h"

/* Names kept at most: those of few call sites are ever needed. */
#define NR_NAMES 256

struct site_entry {
	char name[SITE_NAME_LEN];
};

/* Written under sites_mutex, read by anyone; NULL before the first. */
static struct site_entry *names;
static unsigned int nr_names;

/* For what finds no room in the table. */
static const struct site_entry gone = { .name = "code that is gone" };

/* Serializes the changes. Taken under pools_mutex. */
static DEFINE_MUTEX(sites_mutex);

static bool is_entry(unsigned long site)
{
	const struct site_entry *table = READ_ONCE(names);

	return site == (unsigned long)&gone ||
	       (table &&
		site - (unsigned long)table < NR_NAMES * sizeof(*table));
}

/**
 * site_text() - name a call site
 * @site: the site, as a handle or an entry of tracked memory has it
 * @text: where the name goes
 *
 * Context: any.
 * Return: @text.
 */
const char *site_text(unsigned long site, char text[SITE_NAME_LEN])
{
	if (is_entry(site))
		strscpy(text, ((const struct site_entry *)site)->name,
			SITE_NAME_LEN);
	else
		snprintf(text, SITE_NAME_LEN, "%pS", (void *)site);
	return text;
}

static unsigned long keep_name(unsigned long site)
{
	char text[SITE_NAME_LEN];
	unsigned int i;

	lockdep_assert_held(&sites_mutex);
	site_text(site, text);
	for (i = 0; i < nr_names; i++)
		if (!strcmp(names[i].name, text))
			return (unsigned long)&names[i];
	if (!names || nr_names == NR_NAMES)
		return (unsigned long)&gone;
	strscpy(names[nr_names].name, text, SITE_NAME_LEN);
	/* Pairs with the dependency through the site in site_text(). */
	smp_wmb();
	return (unsigned long)&names[nr_names++];
}

/* What is about to go: all of a module, or its init functions. */
struct going {
	struct module *module;
	bool all;
};

static bool goes(const struct going *going, unsigned long site)
{
	return within_module_init(site, going->module) ||
	       (going->all && within_module_core(site, going->module));
}

static void look_at_buf(struct bytepool_buf *buf, void *arg)
{
	unsigned long site = READ_ONCE(buf->site);

	/* The owner may write another site at any time: then leave that. */
	if (site && goes(arg, site))
		cmpxchg(&buf->site, site, keep_name(site));
}

/* Look at the first handles of a list, and move them to the end. */
static void look_at_first(struct list_head *list, unsigned int nr,
			  struct going *going)
{
	for (; nr && !list_empty(list); nr--) {
		look_at_buf(list_first_entry(list, struct bytepool_buf, link),
			    going);
		list_move_tail(list->next, list);
	}
}

/*
 * Look at the handles of a list that is not live_list, after those in it, where
 * they come from. What is added meanwhile goes to the end, too, so that all that
 * were there have been first.
 */
static void look_at_list(struct bytepool *pool, struct list_head *list,
			 const unsigned int *count, struct going *going)
{
	unsigned long flags;
	unsigned int left, nr;

	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	left = *count;
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	for (; left; left -= nr) {
		nr = min(left, WALK_BATCH);
		raw_spin_lock_irqsave(&pool->handles_lock, flags);
		look_at_first(list, nr, going);
		raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
		cond_resched();
	}
}

static void look_at_track(struct track *track, void *arg)
{
	if (goes(arg, track->site))
		track->site = keep_name(track->site);
}

static bool go_on(void *arg)
{
	cond_resched();
	return true;
}

/**
 * sites_keep() - keep the names of a pool's sites in code that is about to go
 * @pool: the pool
 * @module: the module
 * @all: all of it goes, and not just its init functions
 *
 * Context: may sleep.
 */
void sites_keep(struct bytepool *pool, struct module *module, bool all)
{
	struct going going = { .module = module, .all = all };
	unsigned int i;

	/* What rests would be reported by sites that are gone. */
	rest_drain(pool);
	mutex_lock(&sites_mutex);
	if (!names)
		WRITE_ONCE(names,
			   kcalloc(NR_NAMES, sizeof(*names), GFP_KERNEL));
	handles_for_each(pool, look_at_buf, go_on, &going);
	look_at_list(pool, &pool->retired, &pool->nr_retired, &going);
	for (i = 0; i < pool->nr_tiers; i++)
		look_at_list(pool, &pool->queues[i].reserve,
			     &pool->queues[i].nr, &going);
	track_for_each(pool, look_at_track, go_on, &going);
	mutex_unlock(&sites_mutex);
}

void sites_module_exit(void)
{
	kfree(names);
}
