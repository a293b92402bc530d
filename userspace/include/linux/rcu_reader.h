/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inside of RCU read-side sections: no kernel header. Instrumented in the
 * checking builds. In the fast one these are liburcu's own inline functions: a
 * load or two and a store either way, and no barrier where the kernel has
 * membarrier(2). They register a thread on its first section, with signals
 * blocked, so that the first may be in a signal handler.
 */
#ifndef _LINUX_RCU_READER_H
#define _LINUX_RCU_READER_H

#ifdef SHIM_STRICT
void shim_reader_enter(void);
void shim_reader_leave(void);
#else
#include <linux/build_bug.h>
#include <urcu/static/urcu-bp.h>

/* The C library's <assert.h> comes with it, and has one of its own. */
#undef static_assert
#define static_assert SHIM_STATIC_ASSERT_OR_TEXT

#define shim_reader_enter() _urcu_bp_read_lock()
#define shim_reader_leave() _urcu_bp_read_unlock()
#endif

#endif /* _LINUX_RCU_READER_H */
