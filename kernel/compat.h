/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - maps older kernels up to the newest interfaces
 *
 * The sources are written for the newest kernel. This file alone supplies the
 * interfaces that older kernels, down to 6.1, do not have. Each is headed by
 * the version that brought it. Kbuild includes this before every file.
 */
#ifndef _BYTEPOOL_COMPAT_H
#define _BYTEPOOL_COMPAT_H

#include <linux/version.h>
#include <linux/cache.h>
#include <linux/hrtimer.h>
#include <linux/refcount.h>
#include <linux/shrinker.h>
#include <linux/slab.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "bytepool needs Linux 6.1 or later"
#endif

/* 6.5: <linux/cache.h> defines it for every architecture. */
#ifndef ARCH_DMA_MINALIGN
#define ARCH_DMA_MINALIGN __alignof__(unsigned long long)
#endif

/* 6.7: shrinkers are allocated by shrinker_alloc(). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
struct shrinker_compat {
	struct shrinker shrinker;
	const char *name;
};

static inline struct shrinker *shrinker_alloc(unsigned int flags,
					      const char *name, ...)
{
	struct shrinker_compat *sc = kzalloc(sizeof(*sc), GFP_KERNEL);

	if (!sc)
		return NULL;
	sc->shrinker.seeks = DEFAULT_SEEKS;
	sc->shrinker.flags = flags;
	sc->name = name;
	return &sc->shrinker;
}

/* Registration may fail on these kernels; then the shrinker is never called. */
static inline void shrinker_register(struct shrinker *shrinker)
{
	struct shrinker_compat *sc =
		container_of(shrinker, struct shrinker_compat, shrinker);

	if (register_shrinker(shrinker, "%s", sc->name))
		pr_warn("%s: no shrinker\n", sc->name);
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	if (!shrinker)
		return;
	/* This does nothing to a shrinker whose registration failed. */
	unregister_shrinker(shrinker);
	kfree(container_of(shrinker, struct shrinker_compat, shrinker));
}
#endif

/* 6.13: one call sets a high-resolution timer up. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *),
	      clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#endif /* _BYTEPOOL_COMPAT_H */
