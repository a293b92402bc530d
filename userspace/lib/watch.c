// SPDX-License-Identifier: GPL-2.0
/*
 * What detectors of the program are told of idle memory. The library is compiled
 * without any, and finds out as it is loaded: a sanitizer's functions are there
 * if the program is linked with one, and memcheck answers requests.
 *
 * Who asks is served by the slow paths alone, so that the fast ones need no test.
 */
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/types.h>
#include <shim.h>

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAS_MEMCHECK_H
#endif
#endif

/* NULL in programs without the sanitizer. */
#define sanitizer_function __attribute__((__weak__, __visibility__("default")))

sanitizer_function void __asan_poison_memory_region(const volatile void *mem,
						    size_t size);
sanitizer_function void __asan_unpoison_memory_region(const volatile void *mem,
						      size_t size);
sanitizer_function void __tsan_acquire(void *addr);
sanitizer_function void __tsan_release(void *addr);

bool shim_watched;
static bool has_memcheck;

#ifdef HAS_MEMCHECK_H
/* Other tools of valgrind's do not know the request. */
static bool under_memcheck(void)
{
	char byte = 0;

	return VALGRIND_MAKE_MEM_DEFINED(&byte, sizeof(byte)) == -1;
}

static void memcheck_idle(const void *mem, size_t size)
{
	VALGRIND_MAKE_MEM_NOACCESS(mem, size);
}

static void memcheck_in_use(const void *mem, size_t size)
{
	VALGRIND_MAKE_MEM_DEFINED(mem, size);
}
#else
static bool under_memcheck(void)
{
	return false;
}

static void memcheck_idle(const void *mem, size_t size)
{
}

static void memcheck_in_use(const void *mem, size_t size)
{
}
#endif

static __attribute__((__constructor__(101))) void watch_init(void)
{
	has_memcheck = under_memcheck();
	shim_watched = has_memcheck || __asan_poison_memory_region ||
		       __tsan_release;
}

/**
 * shim_memory_idle() - nobody may touch memory from now on
 * @mem: the memory
 * @size: its size, in bytes
 */
void shim_memory_idle(const void *mem, size_t size)
{
	if (__asan_poison_memory_region)
		__asan_poison_memory_region(mem, size);
	if (__tsan_release)
		__tsan_release((void *)mem);
	if (has_memcheck)
		memcheck_idle(mem, size);
}

/**
 * shim_memory_in_use() - its owner may touch memory from now on
 * @mem: the memory
 * @size: its size, in bytes
 *
 * Comes after all that was done before the memory became idle.
 */
void shim_memory_in_use(const void *mem, size_t size)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(mem, size);
	if (__tsan_acquire)
		__tsan_acquire((void *)mem);
	if (has_memcheck)
		memcheck_in_use(mem, size);
}

/**
 * shim_runs_acquire() - come after all that was done with runs of blocks before
 *
 * Pairs with shim_runs_release(): runs are split and merged in between.
 */
void shim_runs_acquire(void)
{
	if (__tsan_acquire)
		__tsan_acquire(&shim_arena);
}

/**
 * shim_runs_release() - come before all that is done with runs of blocks later
 */
void shim_runs_release(void)
{
	if (__tsan_release)
		__tsan_release(&shim_arena);
}
