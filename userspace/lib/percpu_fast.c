// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU memory in the fast build: room for the copies of all CPUs, of which only
 * pages of those that are possible are ever touched. More become so when threads
 * need their numbers. So the table can be large, while the memory of a program
 * with few threads, and the loops over its CPUs, are small.
 *
 * The copies of CPUs that become possible are made from that of the last one
 * that is so already, which no thread has ever been: the module has set it up as
 * it sets up the copies of all CPUs, with one content.
 */
#include <linux/bug.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <shim.h>
#include <errno.h>
#include <sys/mman.h>

/* How many copies a page has room for. */
#define PAGE_COPIES (PAGE_SIZE / PCPU_STRIDE)

/* An allocation: its head, and the copies of all CPUs. */
#define AREA_SIZE ((1 + nr_cpu_ids) * PCPU_STRIDE)

/**
 * struct area - an allocation
 * @list: in the list of all
 * @copies: by CPU
 */
struct area {
	struct list_head list;
	char copies[] __aligned(PCPU_STRIDE);
};

/* The first page of an area has the head, too. */
unsigned int shim_nr_possible = PAGE_COPIES - 1;

/* Protects the list, and the number of possible CPUs. */
static DEFINE_MUTEX(areas_mutex);
static LIST_HEAD(areas);
static unsigned int nr_areas;

/* Fresh pages: slab's may have been in use. Those that are locked stay. */
static struct area *area_alloc(void)
{
	struct area *area = kmalloc(AREA_SIZE, GFP_KERNEL | __GFP_NOWARN);
	int before = errno;

	if (area && madvise(area, AREA_SIZE, MADV_DONTNEED))
		memset(area, 0, AREA_SIZE);
	errno = before;
	return area;
}

void *__alloc_percpu(size_t size, size_t align)
{
	struct area *area;

	if (WARN(!size || size > PCPU_STRIDE || align > PCPU_STRIDE,
		 "illegal size or alignment of per-CPU memory\n"))
		return NULL;
	area = area_alloc();
	if (!area)
		return NULL;
	mutex_lock(&areas_mutex);
	list_add(&area->list, &areas);
	nr_areas++;
	mutex_unlock(&areas_mutex);
	return area->copies;
}

void free_percpu(void *ptr)
{
	struct area *area;

	if (!ptr)
		return;
	area = container_of(ptr, struct area, copies);
	mutex_lock(&areas_mutex);
	list_del(&area->list);
	nr_areas--;
	mutex_unlock(&areas_mutex);
	kfree(area);
}

/*
 * Sets up the copies of CPUs from @from on. Where the module is about to do that
 * itself, a word is 0 before, or what it is going to be: only what is not 0 is
 * copied.
 */
static void area_set_up(struct area *area, unsigned int from, unsigned int to)
{
	unsigned long *unused, *copy;
	unsigned long word;
	unsigned int cpu, i;

	unused = per_cpu_ptr((unsigned long *)area->copies, from - 1);
	for (cpu = from; cpu < to; cpu++) {
		copy = per_cpu_ptr((unsigned long *)area->copies, cpu);
		for (i = 0; i < PCPU_STRIDE / sizeof(*copy); i++) {
			word = READ_ONCE(unused[i]);
			if (word)
				WRITE_ONCE(copy[i], word);
		}
	}
}

static void make_possible(unsigned int nr)
{
	unsigned int before = shim_nr_possible;
	struct area *area;

	lockdep_assert_held(&areas_mutex);
	list_for_each_entry(area, &areas, list)
		area_set_up(area, before, nr);
	/* Pairs with the loads in cpu_possible(): the copies first. */
	smp_store_release(&shim_nr_possible, nr);
	/*
	 * Once more: the module may have been about to set a new area up. Pairs
	 * with the one in cpu_possible().
	 */
	smp_mb();
	list_for_each_entry(area, &areas, list)
		area_set_up(area, before, nr);
}

/**
 * shim_percpu_reach() - make a CPU possible, and one more
 * @cpu: up to SHIM_LAST_CPU
 * @wait: where the list of allocations cannot be had at once
 *
 * Return: false if there was no way to wait.
 */
bool shim_percpu_reach(unsigned int cpu, bool wait)
{
	if (cpu + 1 < READ_ONCE(shim_nr_possible))
		return true;
	if (wait)
		mutex_lock(&areas_mutex);
	else if (!mutex_trylock(&areas_mutex))
		return false;
	while (cpu + 1 >= shim_nr_possible)
		make_possible(
			min(shim_nr_possible + PAGE_COPIES, nr_cpu_ids + 0UL));
	mutex_unlock(&areas_mutex);
	return true;
}

unsigned int shim_nr_percpu(void)
{
	return READ_ONCE(nr_areas);
}
