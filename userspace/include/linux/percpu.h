/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: a per-CPU pointer is the first CPU's, and the other copies are at
 * multiples of one stride, so that members have per-CPU pointers too. The
 * this_cpu_ operations are atomic even against other threads, which only those
 * that share SHIM_NO_CPU need. The checking builds report a this_cpu_ptr() in
 * a section that may sleep, and with AddressSanitizer an access right behind
 * what was allocated.
 */
#ifndef _LINUX_PERCPU_H
#define _LINUX_PERCPU_H

#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>

/*
 * From one CPU's copy to the next, and the most that one allocation can be: two
 * cache lines, for processors that fetch them in pairs.
 */
#define PCPU_STRIDE 128UL

void *__alloc_percpu(size_t size, size_t align);
void free_percpu(void *ptr);

#define alloc_percpu(type) \
	((__typeof__(type) *)__alloc_percpu(sizeof(type), __alignof__(type)))

#define per_cpu_ptr(ptr, cpu) \
	((__typeof__(ptr))((char *)(ptr) + PCPU_STRIDE * (cpu)))
#define raw_cpu_ptr(ptr) \
	((__typeof__(ptr))((char *)(ptr) + shim_thread.cpu_offset))

#ifdef SHIM_STRICT
void shim_check_this_cpu(void);
#else
#define shim_check_this_cpu() ((void)0)
#endif
#define this_cpu_ptr(ptr)              \
	({                             \
		shim_check_this_cpu(); \
		raw_cpu_ptr(ptr);      \
	})

#define this_cpu_read(pcp) READ_ONCE(*raw_cpu_ptr(&(pcp)))
#define raw_cpu_read(pcp)  this_cpu_read(pcp)
#define this_cpu_add_return(pcp, val) \
	__atomic_add_fetch(raw_cpu_ptr(&(pcp)), val, __ATOMIC_RELAXED)
#define this_cpu_add(pcp, val) ((void)this_cpu_add_return(pcp, val))
#define this_cpu_inc(pcp)      this_cpu_add(pcp, 1)

/* As kernel/host.h has it for kernels: what another thread may write. */
#define this_cpu_read_once(pcp) READ_ONCE(*this_cpu_ptr(&(pcp)))

#endif /* _LINUX_PERCPU_H */
