/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reduced: the options of a 64-bit SMP kernel with debugfs, as far as the
 * sources ask for them. KASAN is on where AddressSanitizer is: both see every
 * allocation, and both are blind to what a magazine keeps. Lock checks are on
 * where the shim's are. The preemption model is the Makefile's choice. Included
 * before every file, as the kernel does it.
 */
#ifndef _LINUX_KCONFIG_H
#define _LINUX_KCONFIG_H

#if defined(__SANITIZE_ADDRESS__)
#define SHIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHIM_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define SHIM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHIM_TSAN 1
#endif
#endif

#ifdef SHIM_ASAN
#define CONFIG_KASAN 1
#endif

#ifdef SHIM_STRICT
#define CONFIG_PROVE_LOCKING	  1
#define CONFIG_DEBUG_ATOMIC_SLEEP 1
#endif

#define CONFIG_HOTPLUG_CPU 1
#define CONFIG_64BIT	   1

/*
 * An option that is 1 makes its name paste into SHIM_COMMA_1, whose comma
 * moves the 1 into second place; any other name leaves the 0 there.
 */
#define SHIM_COMMA_1			0,
#define SHIM_SECOND(first, second, ...) second
#define SHIM_PICK(comma_or_junk)	SHIM_SECOND(comma_or_junk 1, 0, 0)
#define SHIM_PASTE(value)		SHIM_PICK(SHIM_COMMA_##value)
#define SHIM_IS_ONE(value)		SHIM_PASTE(value)
#define IS_ENABLED(option)		SHIM_IS_ONE(option)

#endif /* _LINUX_KCONFIG_H */
