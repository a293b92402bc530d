// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel does with a module: parameters, init and exit, the count of
 * its users; and what is called when memory is short, which belongs to modules
 * here.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/oom.h>
#include <linux/shrinker.h>
#include <linux/string.h>
#include <linux/vmstat.h>
#include <shim.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct module shim_module = { .name = "bytepool" };
struct module shim_user_module = { .name = "user" };

/* === Users === */

void __module_get(struct module *module)
{
	if (module)
		__atomic_fetch_add(&module->refcnt, 1, __ATOMIC_RELAXED);
}

bool try_module_get(struct module *module)
{
	__module_get(module);
	return true;
}

void module_put(struct module *module)
{
	if (!module)
		return;
	WARN(__atomic_fetch_sub(&module->refcnt, 1, __ATOMIC_RELEASE) <= 0,
	     "module %s released more often than held\n", module->name);
}

int module_refcount(struct module *module)
{
	return smp_load_acquire(&module->refcnt);
}

/* === Parameters === */

static int set_bool(const char *val, const struct kernel_param *kp)
{
	bool *arg = kp->arg;

	if (!val || strchr("1yYtT", val[0]))
		*arg = true;
	else if (strchr("0nNfF", val[0]))
		*arg = false;
	else
		return -EINVAL;
	return 0;
}

int param_set_uint(const char *val, const struct kernel_param *kp)
{
	unsigned long number;
	char *end;

	number = strtoul(val, &end, 0);
	if (end == val || (*end && *end != '\n') || number > UINT_MAX)
		return -EINVAL;
	*(unsigned int *)kp->arg = number;
	return 0;
}

int param_get_uint(char *buffer, const struct kernel_param *kp)
{
	return sprintf(buffer, "%u\n", *(unsigned int *)kp->arg);
}

static int set_charp(const char *val, const struct kernel_param *kp)
{
	/* From the environment, which stays. */
	*(const char **)kp->arg = val;
	return 0;
}

const struct kernel_param_ops param_ops_bool = { .set = set_bool };
const struct kernel_param_ops param_ops_uint = {
	.set = param_set_uint,
	.get = param_get_uint,
};
const struct kernel_param_ops param_ops_charp = { .set = set_charp };

/* Those of all files. */
static struct kernel_param *params;

void shim_add_param(struct kernel_param *kp)
{
	kp->next = params;
	params = kp;
}

static int set_from_environment(const struct kernel_param *kp)
{
	const char *text;
	char name[64];
	char *c;

	snprintf(name, sizeof(name), "BYTEPOOL_%s", kp->name);
	for (c = name; *c; c++)
		*c = toupper((unsigned char)*c);
	/* A program with rights of its own does not obey its caller's. */
	text = secure_getenv(name);
	if (!text)
		return 0;
	printk(KERN_NOTICE "parameter %s is %s\n", kp->name, text);
	return kp->ops->set(text, kp);
}

/**
 * shim_set_parameters() - set the module's parameters from the environment
 *
 * Return: 0, or the error of one that is refused, which is reported.
 */
int shim_set_parameters(void)
{
	const struct kernel_param *kp;
	int ret = 0, error;

	for (kp = params; kp; kp = kp->next) {
		error = set_from_environment(kp);
		if (!error)
			continue;
		printk(KERN_ERR "bytepool: parameter %s refused: %d\n",
		       kp->name, error);
		ret = error;
	}
	return ret;
}

/**
 * shim_load_module() - what insmod does
 *
 * Return: what the module's init function returned, or -EINVAL for a parameter.
 */
int shim_load_module(void)
{
	return shim_set_parameters() ?: init_module();
}

/**
 * shim_unload_module() - what rmmod does
 *
 * Return: 0, or -EBUSY if the module has users.
 */
int shim_unload_module(void)
{
	if (module_refcount(&shim_module))
		return -EBUSY;
	cleanup_module();
	return 0;
}

/* === Memory that the program has === */

#ifdef SHIM_STRICT
unsigned long global_node_page_state_pages(enum node_stat_item item)
{
	return 0;
}
#else
unsigned long global_node_page_state_pages(enum node_stat_item item)
{
	unsigned long size, resident = 0;
	FILE *statm = fopen("/proc/self/statm", "r");

	if (!statm)
		return 0;
	if (fscanf(statm, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	fclose(statm);
	return resident;
}
#endif

/* === Shrinkers === */

static DEFINE_MUTEX(shrinker_mutex);
static LIST_HEAD(shrinkers);

struct shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...)
{
	struct shrinker *shrinker;

	might_sleep();
	if (shim_should_fail(GFP_KERNEL))
		return NULL;
	shim_shield();
	shrinker = calloc(1, sizeof(*shrinker));
	shim_unshield();
	if (!shrinker)
		return NULL;
	shrinker->flags = flags;
	shrinker->seeks = DEFAULT_SEEKS;
	INIT_LIST_HEAD(&shrinker->list);
	return shrinker;
}

void shrinker_register(struct shrinker *shrinker)
{
	mutex_lock(&shrinker_mutex);
	list_add(&shrinker->list, &shrinkers);
	mutex_unlock(&shrinker_mutex);
}

void shrinker_free(struct shrinker *shrinker)
{
	if (!shrinker)
		return;
	mutex_lock(&shrinker_mutex);
	list_del_init(&shrinker->list);
	mutex_unlock(&shrinker_mutex);
	shim_shield();
	free(shrinker);
	shim_unshield();
}

static unsigned long shrink_count(struct shrinker *shrinker)
{
	struct shrink_control sc = { .gfp_mask = GFP_KERNEL };
	unsigned long count = shrinker->count_objects(shrinker, &sc);

	return count == SHRINK_EMPTY ? 0 : count;
}

/**
 * shim_shrink_count() - ask the shrinkers how much there is
 *
 * Return: the sum, each in its own unit.
 */
unsigned long shim_shrink_count(void)
{
	struct shrinker *shrinker;
	unsigned long count = 0;

	mutex_lock(&shrinker_mutex);
	list_for_each_entry(shrinker, &shrinkers, list)
		count += shrink_count(shrinker);
	mutex_unlock(&shrinker_mutex);
	return count;
}

static unsigned long shrink(struct shrinker *shrinker, unsigned long nr)
{
	struct shrink_control sc = {
		.gfp_mask = GFP_KERNEL,
		.nr_to_scan = nr,
		.nr_scanned = nr,
	};
	unsigned long freed;

	if (!shrink_count(shrinker))
		return 0;
	freed = shrinker->scan_objects(shrinker, &sc);
	return freed == SHRINK_STOP ? 0 : freed;
}

/**
 * shim_shrink_all() - what page reclaim does
 * @nr_to_scan: how much to ask each shrinker for, in its own unit
 *
 * Return: how much they say they have freed.
 */
unsigned long shim_shrink_all(unsigned long nr_to_scan)
{
	struct shrinker *shrinker;
	unsigned long freed = 0;

	mutex_lock(&shrinker_mutex);
	list_for_each_entry(shrinker, &shrinkers, list)
		freed += shrink(shrinker, nr_to_scan);
	mutex_unlock(&shrinker_mutex);
	return freed;
}

unsigned int shim_nr_shrinkers(void)
{
	struct shrinker *shrinker;
	unsigned int nr = 0;

	mutex_lock(&shrinker_mutex);
	list_for_each_entry(shrinker, &shrinkers, list)
		nr++;
	mutex_unlock(&shrinker_mutex);
	return nr;
}

/* === No memory at all === */

static DEFINE_MUTEX(oom_mutex);
static struct notifier_block *oom_notifiers;

int register_oom_notifier(struct notifier_block *nb)
{
	mutex_lock(&oom_mutex);
	nb->next = oom_notifiers;
	oom_notifiers = nb;
	mutex_unlock(&oom_mutex);
	return 0;
}

int unregister_oom_notifier(struct notifier_block *nb)
{
	struct notifier_block **link;
	int ret = -ENOENT;

	mutex_lock(&oom_mutex);
	for (link = &oom_notifiers; *link; link = &(*link)->next) {
		if (*link != nb)
			continue;
		*link = nb->next;
		ret = 0;
		break;
	}
	mutex_unlock(&oom_mutex);
	return ret;
}

/**
 * shim_out_of_memory() - what the kernel does before it kills a process
 *
 * Return: how many pages those that were told say they have freed.
 */
unsigned long shim_out_of_memory(void)
{
	unsigned long freed = 0;
	struct notifier_block *nb;

	mutex_lock(&oom_mutex);
	for (nb = oom_notifiers; nb; nb = nb->next)
		nb->notifier_call(nb, 0, &freed);
	mutex_unlock(&oom_mutex);
	return freed;
}
