/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: what ends as a variable leaves its scope. */
#ifndef _LINUX_CLEANUP_H
#define _LINUX_CLEANUP_H

#include <linux/compiler.h>

#define __free(name) __attribute__((__cleanup__(__free_##name)))

#define DEFINE_FREE(name, type, free)                            \
	static inline __maybe_unused void __free_##name(void *p) \
	{                                                        \
		type _T = *(type *)p;                            \
		free;                                            \
	}

#define DEFINE_CLASS(name, type, exit, init, init_args...)                   \
	typedef type class_##name##_t;                                       \
	static inline __maybe_unused void class_##name##_destructor(type *p) \
	{                                                                    \
		type _T = *p;                                                \
		exit;                                                        \
	}                                                                    \
	static inline __maybe_unused type class_##name##_constructor(        \
		init_args)                                                   \
	{                                                                    \
		type t = init;                                               \
		return t;                                                    \
	}

#define CLASS(name, var)                                                  \
	class_##name##_t var                                              \
		__attribute__((__cleanup__(class_##name##_destructor))) = \
			class_##name##_constructor

#endif /* _LINUX_CLEANUP_H */
