// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - the place of an object's slab cache, which no kernel tells
 * modules; and the CPU locks
 *
 * kfree() finds the cache of an object in the page it lies in, in a field that
 * <linux/mm.h> does not show. find_word() looks for the place of the field
 * once, in the page of an object whose cache is known. Without it a caller of
 * bytepool_put() would have to pass the size. ksize() would tell sizes alone,
 * by an out-of-line call.
 */
#include <linux/align.h>
#include <linux/cache.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/sched.h>

DEFINE_PER_CPU(bool, bytepool_cpu_locked);

/* Offset of the field in struct page, in bytes. */
unsigned long slab_cache_offset;
/*
 * The largest range of the direct map without a hole, as it was at load: begin,
 * its page, and size in bytes. A put of memory elsewhere, such as what lies below
 * the hole for PCI or is added later, takes the slow path, which asks for each
 * address whether it has a page.
 */
unsigned long slab_linear_start __ro_after_init;
struct page *slab_linear_page __ro_after_init;
unsigned long slab_linear_size __ro_after_init;

static unsigned int find_word(struct kmem_cache *slab)
{
	void *obj = kmem_cache_alloc(slab, GFP_KERNEL);
	unsigned int i, word = 0, nr = 0;
	void *const *words;

	if (!obj)
		return 0;
	words = (void *const *)virt_to_head_page(obj);
	for (i = 1; i < sizeof(struct page) / sizeof(*words); i++) {
		if (words[i] == slab) {
			word = i;
			nr++;
		}
	}
	kmem_cache_free(slab, obj);
	return nr == 1 ? word : 0;
}

/* Holes of memory maps are multiples of this. */
#if defined(CONFIG_SPARSEMEM_VMEMMAP)
#define PFN_STEP PAGES_PER_SUBSECTION
#elif defined(CONFIG_SPARSEMEM)
#define PFN_STEP PAGES_PER_SECTION
#else
#define PFN_STEP pageblock_nr_pages
#endif

/* Find the first page frame. The direct map may begin long before it. */
static unsigned long first_pfn(void)
{
	unsigned long first = ULONG_MAX;
	int node;

	for_each_online_node(node)
		if (node_present_pages(node))
			first = min(first, node_start_pfn(node));
	return ALIGN_DOWN(first, PFN_STEP);
}

/* Find the largest range of page frames that are all valid. */
static void find_linear(void)
{
	unsigned long pfn = first_pfn(), start = pfn, best = pfn, nr = 0;
	unsigned long end = PHYS_PFN(__pa(high_memory - 1)) + 1;

	for (; pfn < end; pfn += PFN_STEP) {
		cond_resched();
		if (!pfn_valid(pfn)) {
			start = pfn + PFN_STEP;
			continue;
		}
		if (min(pfn + PFN_STEP, end) - start <= nr)
			continue;
		best = start;
		nr = min(pfn + PFN_STEP, end) - start;
	}
	if (!nr)
		return;
	slab_linear_start = (unsigned long)__va(PFN_PHYS(best));
	slab_linear_page = pfn_to_page(best);
	slab_linear_size = nr << PAGE_SHIFT;
}

/**
 * slab_cache_of_init() - prepare slab_cache_of()
 *
 * If the field is not found, or not certain, slab_cache_of() knows no cache, and
 * raw memory has to be known in another way.
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int slab_cache_of_init(void)
{
	struct kmem_cache *slab;

	slab = kmem_cache_create_usercopy("bytepool_probe", 64, 64, 0, 0, 64,
					  NULL);
	if (!slab)
		return -ENOMEM;
	slab_cache_offset = find_word(slab) * sizeof(void *);
	kmem_cache_destroy(slab);
	if (slab_cache_offset)
		find_linear();
	else
		pr_warn("bytepool: the slab cache of memory is not to be found: raw memory is tracked\n");
	return 0;
}
