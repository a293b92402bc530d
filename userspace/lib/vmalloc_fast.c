// SPDX-License-Identifier: GPL-2.0
/* vmalloc() in the fast build: a mapping for each, in process context. */
#include <linux/align.h>
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <shim.h>
#include <errno.h>
#include <sys/mman.h>

/**
 * struct vm_area - memory from vmalloc(), with a page behind it that faults
 * @next: in the list of all
 * @start: its first byte
 * @size: whole pages
 *
 * With that page it is never within one mapping of the system's, nor one with
 * its neighbours: so it can be unmapped when no more mappings are to be had.
 */
struct vm_area {
	struct vm_area *next;
	char *start;
	size_t size;
};

/* Protects the list. */
static DEFINE_MUTEX(vm_mutex);
static struct vm_area *vm_areas;

static bool vm_map(struct vm_area *area)
{
	size_t size = area->size + PAGE_SIZE;
	int before = errno;
	void *mem = mmap(NULL, size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bool ok = mem != MAP_FAILED;

	area->start = mem;
	if (ok && mprotect(mem, area->size, PROT_READ | PROT_WRITE)) {
		munmap(mem, size);
		ok = false;
	}
	errno = before;
	return ok;
}

static struct vm_area *vm_remove(const void *mem)
{
	struct vm_area **pos = &vm_areas, *area;

	while (*pos && (*pos)->start != mem)
		pos = &(*pos)->next;
	area = *pos;
	if (area)
		*pos = area->next;
	return area;
}

/* Fresh pages are zeroed. */
void *__vmalloc(size_t size, gfp_t gfp)
{
	struct vm_area *area;

	might_sleep();
	if (!size || size > (size_t)totalram_pages() << PAGE_SHIFT) {
		WARN(!(gfp & __GFP_NOWARN), "vmalloc() of %zu bytes\n", size);
		return NULL;
	}
	area = kzalloc(sizeof(*area), GFP_KERNEL);
	if (!area)
		return NULL;
	area->size = PAGE_ALIGN(size);
	if (!vm_map(area)) {
		kfree(area);
		return NULL;
	}
	mutex_lock(&vm_mutex);
	area->next = vm_areas;
	vm_areas = area;
	mutex_unlock(&vm_mutex);
	return area->start;
}

void vfree(const void *mem)
{
	struct vm_area *area;

	if (!mem)
		return;
	mutex_lock(&vm_mutex);
	area = vm_remove(mem);
	mutex_unlock(&vm_mutex);
	if (WARN(!area, "%p freed, which is no vmalloc memory\n", mem))
		return;
	/* Its addresses are lost if that fails, and nobody gets them again. */
	WARN_ON_ONCE(munmap(area->start, area->size + PAGE_SIZE));
	kfree(area);
}

/* Of memory that has been allocated: what slab does not have. */
bool is_vmalloc_addr(const void *mem)
{
	return !virt_addr_valid(mem);
}

unsigned int shim_nr_vm_areas(void)
{
	struct vm_area *area;
	unsigned int nr = 0;

	mutex_lock(&vm_mutex);
	for (area = vm_areas; area; area = area->next)
		nr++;
	mutex_unlock(&vm_mutex);
	return nr;
}
