/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instrumented. A thread is a CPU: it gets a number from a table when it first
 * does something that may sleep, and gives it back as it exits, with the
 * hotplug callbacks of either. A thread without a number, because the table is
 * full, or it has never slept, or it is exiting, is on SHIM_NO_CPU, a possible
 * CPU that is never online and that such threads share. The last possible CPU
 * is nobody's: the copies of CPUs that become possible are made from its own.
 */
#ifndef _LINUX_THREAD_INFO_H
#define _LINUX_THREAD_INFO_H

#include <linux/compiler.h>
#include <linux/types.h>

#ifndef CONFIG_NR_CPUS
#define CONFIG_NR_CPUS 4095
#endif
#define SHIM_NO_CPU   0
#define SHIM_LAST_CPU (CONFIG_NR_CPUS - 2)

/**
 * struct thread_info - what the shim knows of the calling thread
 * @cpu: number of its CPU, or SHIM_NO_CPU
 * @cpu_offset: from a per-CPU pointer to this CPU's copy
 * @section: fast build: what <linux/rcu_reader.h> says
 * @marked: checking builds: the CPU lock
 * @preempt_count: laid out as the kernel's; see <linux/preempt.h>
 * @irqs_off: interrupts are off: a signal that is one waits
 * @shielded: how often the shim has entered the C library, whose locks an
 *	interrupt must not meet
 * @exiting: gives its CPU back, and gets no other
 * @bringing_up: a hotplug callback runs
 * @bound: checking builds: preemption does not move the thread
 * @moves: checking builds: last number of the sequence that tells when it does
 * @rcu_nesting: depth of RCU read-side sections
 * @locks_held: locks of any kind; laid out as lock.c says
 * @hardirqs: interrupts that wait, a bit for each
 * @softirqs: the same
 * @worker: runs work items, for which others wait
 * @mutexes_held: of the locks, how many are mutexes
 * @uncancelled: how often pthread_cancel() has been put off
 * @cancel_state: what it was before
 */
struct thread_info {
	unsigned int cpu;
	size_t cpu_offset;
	u64 section;
	unsigned int preempt_count;
	bool irqs_off;
	bool exiting;
	bool bringing_up;
	bool bound;
	bool marked;
	unsigned int shielded;
	unsigned int rcu_nesting;
	unsigned int locks_held;
	unsigned long hardirqs;
	unsigned long softirqs;
	bool worker;
	unsigned int mutexes_held;
	unsigned int uncancelled;
	int cancel_state;
	u32 moves;
};

/*
 * The initial-exec model is one instruction, and no call that would allocate
 * on a thread's first access, which may be in a signal handler.
 */
extern __thread struct thread_info shim_thread
	__attribute__((__tls_model__("initial-exec")));

#endif /* _LINUX_THREAD_INFO_H */
