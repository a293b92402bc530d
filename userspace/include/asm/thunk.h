/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls in the middle of a fast path that are hardly ever made, of functions
 * without arguments. A plain one would have the fast path keep all it has
 * where a function leaves it alone, and save what was there before: a third of
 * its instructions. So the function is called by way of a thunk that saves the
 * registers, as preempt_enable() calls preempt_schedule() in the kernel on x86.
 *
 * Neither this code nor what calls it uses vector registers or the red zone,
 * which a call in the compiler's back would overwrite: see the Makefile.
 */
#ifndef _ASM_THUNK_H
#define _ASM_THUNK_H

#include <linux/types.h>

#ifdef __x86_64__
/* Defines the thunk of a function, beside the function. */
#define DEFINE_THUNK(func)                                                    \
	__asm__(".pushsection .text.unlikely,\"ax\"\n"                        \
		"	.globl " #func "_thunk\n"                             \
		"	.hidden " #func "_thunk\n"                            \
		"	.type " #func "_thunk, @function\n" #func "_thunk:\n" \
		"	.cfi_startproc\n"                                           \
		"	push %rbp\n"                                                \
		"	.cfi_def_cfa_offset 16\n"                                   \
		"	.cfi_offset %rbp, -16\n"                                    \
		"	mov %rsp, %rbp\n"                                           \
		"	.cfi_def_cfa_register %rbp\n"                               \
		"	push %rcx\n"                                                \
		"	push %rdx\n"                                                \
		"	push %rsi\n"                                                \
		"	push %rdi\n"                                                \
		"	push %r8\n"                                                 \
		"	push %r9\n"                                                 \
		"	push %r10\n"                                                \
		"	push %r11\n"                                                \
		"	and $-16, %rsp\n"                                           \
		"	call " #func "\n"                                     \
		"	mov -64(%rbp), %r11\n"                                      \
		"	mov -56(%rbp), %r10\n"                                      \
		"	mov -48(%rbp), %r9\n"                                       \
		"	mov -40(%rbp), %r8\n"                                       \
		"	mov -32(%rbp), %rdi\n"                                      \
		"	mov -24(%rbp), %rsi\n"                                      \
		"	mov -16(%rbp), %rdx\n"                                      \
		"	mov -8(%rbp), %rcx\n"                                       \
		"	leave\n"                                                    \
		"	.cfi_def_cfa %rsp, 8\n"                                     \
		"	ret\n"                                                      \
		"	.cfi_endproc\n"                                             \
		"	.size " #func "_thunk, . - " #func "_thunk\n"         \
		"	.popsection")

/* Calls it; what the function returns, if it returns anything. */
#define call_thunk(func)                                \
	({                                              \
		u64 thunk_ret;                          \
                                                        \
		__asm__ volatile("call " #func "_thunk" \
				 : "=a"(thunk_ret)      \
				 :                      \
				 : "memory", "cc");     \
		thunk_ret;                              \
	})
#else
#define DEFINE_THUNK(func) _Static_assert(1, #func)
#define call_thunk(func)   func()
#endif

#endif /* _ASM_THUNK_H */
