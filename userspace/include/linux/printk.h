/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: every extension of %p that the sources use, and no call into the
 * C library but write(2), so that interrupts may print. Goes to standard
 * error; the library prints warnings and worse.
 */
#ifndef _LINUX_PRINTK_H
#define _LINUX_PRINTK_H

#include <linux/compiler.h>
#include <stdarg.h>

#define KERN_SOH     "\001"
#define KERN_EMERG   KERN_SOH "0"
#define KERN_ERR     KERN_SOH "3"
#define KERN_WARNING KERN_SOH "4"
#define KERN_NOTICE  KERN_SOH "5"
#define KERN_INFO    KERN_SOH "6"

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif

struct va_format {
	const char *fmt;
	va_list *va;
};

__printf(1, 2) int _printk(const char *fmt, ...);
void dump_stack(void);

/* In the files of the test cases, what they print is their result. */
#ifdef SHIM_RESULTS
__printf(1, 2) int shim_print_result(const char *fmt, ...);
#define _printk shim_print_result
#endif

#define printk(fmt, ...)  _printk(fmt, ##__VA_ARGS__)
#define pr_err(fmt, ...)  printk(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...) printk(KERN_WARNING pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...) printk(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)

#endif /* _LINUX_PRINTK_H */
