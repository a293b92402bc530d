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
#include <linux/mm.h>

DEFINE_PER_CPU(bool, bytepool_cpu_locked);

/* Offset of the field in struct page, in bytes. */
unsigned long slab_cache_offset;
/*
 * Size of the direct map at load, in bytes. A put of memory that is added later
 * takes the slow path.
 */
unsigned long slab_linear_size;

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

/**
 * slab_cache_of_init() - prepare slab_cache_of()
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM; -EOPNOTSUPP if the field is not found, or not certain.
 */
int slab_cache_of_init(void)
{
	struct kmem_cache *slab;

	slab = kmem_cache_create_usercopy("bytepool_probe", 64, 64, 0, 0, 64,
					  NULL);
	if (!slab)
		return -ENOMEM;
	slab_cache_offset = find_word(slab) * sizeof(void *);
	slab_linear_size = (unsigned long)high_memory - PAGE_OFFSET;
	kmem_cache_destroy(slab);
	return slab_cache_offset ? 0 : -EOPNOTSUPP;
}
