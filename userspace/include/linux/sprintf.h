/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: see <linux/printk.h>. */
#ifndef _LINUX_SPRINTF_H
#define _LINUX_SPRINTF_H

#include <linux/compiler.h>
#include <stdarg.h>
#include <stddef.h>

__printf(3, 0) int shim_vsnprintf(char *buf, size_t size, const char *fmt,
				  va_list args);
__printf(3, 4) int shim_snprintf(char *buf, size_t size, const char *fmt, ...);
__printf(3, 0) int vscnprintf(char *buf, size_t size, const char *fmt,
			      va_list args);
__printf(3, 4) int scnprintf(char *buf, size_t size, const char *fmt, ...);
__printf(2, 3) int shim_sprintf(char *buf, const char *fmt, ...);

/* The names are the C library's too. */
#undef sprintf
#define sprintf shim_sprintf
#undef snprintf
#define snprintf shim_snprintf
#undef vsnprintf
#define vsnprintf shim_vsnprintf

#endif /* _LINUX_SPRINTF_H */
