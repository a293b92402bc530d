// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU memory in the checking builds: an array of copies, one for each CPU, at
 * a fixed stride. The room between copies is poisoned, so that AddressSanitizer
 * sees an access behind one. All CPUs are possible from the start.
 */
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <shim.h>
#include <stdlib.h>

#ifdef SHIM_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(mem, size)   ((void)(mem), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(mem, size) ((void)(mem), (void)(size))
#endif

/* Pieces of memory that are allocated, for the end of a test. */
static unsigned int nr_percpu;

void *__alloc_percpu(size_t size, size_t align)
{
	char *copies, *end;
	unsigned int cpu;
	int before;

	might_sleep();
	if (WARN(!size || size > PCPU_STRIDE || align > PCPU_STRIDE,
		 "illegal size or alignment of per-CPU memory\n"))
		return NULL;
	if (shim_should_fail(GFP_KERNEL))
		return NULL;
	shim_shield();
	before = shim_libc_enter();
	copies = aligned_alloc(PCPU_STRIDE, nr_cpu_ids * PCPU_STRIDE);
	shim_libc_leave(before);
	shim_unshield();
	if (!copies)
		return NULL;
	memset(copies, 0, nr_cpu_ids * PCPU_STRIDE);
	for_each_possible_cpu(cpu) {
		end = per_cpu_ptr(copies, cpu) + size;
		ASAN_POISON_MEMORY_REGION(end, PCPU_STRIDE - size);
	}
	__atomic_fetch_add(&nr_percpu, 1, __ATOMIC_RELAXED);
	return copies;
}

void free_percpu(void *ptr)
{
	if (!ptr)
		return;
	__atomic_fetch_sub(&nr_percpu, 1, __ATOMIC_RELAXED);
	ASAN_UNPOISON_MEMORY_REGION(ptr, nr_cpu_ids * PCPU_STRIDE);
	shim_shield();
	free(ptr);
	shim_unshield();
}

bool shim_percpu_reach(unsigned int cpu, bool wait)
{
	return cpu_possible(cpu);
}

unsigned int shim_nr_percpu(void)
{
	return __atomic_load_n(&nr_percpu, __ATOMIC_RELAXED);
}
