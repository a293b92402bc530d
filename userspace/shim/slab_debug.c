// SPDX-License-Identifier: GPL-2.0
/*
 * Memory in the checking builds: every object is an allocation of its own.
 *
 * Nothing is kept for the next user, so that AddressSanitizer sees an access
 * after the free or beyond the end. The exception is what SLAB_TYPESAFE_BY_RCU
 * asks for: every other object of such a cache is issued again at once, its
 * readers notwithstanding, and the rest is freed after a grace period.
 *
 * What exists is in a tree by address, so that any pointer at all can be asked
 * about.
 */
#include <linux/bug.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <shim.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef SHIM_TSAN
#include <sanitizer/tsan_interface.h>

/*
 * The tree and its mutex belong to the checker, not to what is checked: two
 * threads that allocate are not ordered by it.
 */
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

static void unseen_begin(void)
{
	AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
}

static void unseen_end(void)
{
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
	AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
}

/*
 * But who gets an object that was freed comes after him who freed it: where it
 * is the same memory, the checker has to be told.
 */
#define object_freed(obj)  __tsan_release(obj)
#define object_reused(obj) __tsan_acquire(obj)
#else
#define object_freed(obj)  ((void)(obj))
#define object_reused(obj) ((void)(obj))

static void unseen_begin(void)
{
}

static void unseen_end(void)
{
}
#endif

enum kind {
	KIND_SLAB,
	KIND_KMALLOC,
	KIND_VMALLOC,
};

static const char *const kind_names[] = {
	[KIND_SLAB] = "slab object",
	[KIND_KMALLOC] = "kmalloc memory",
	[KIND_VMALLOC] = "vmalloc memory",
};

/* So many objects of a type-safe cache rest, to be issued again. */
#define MAX_RESTING 16

/**
 * struct area - memory that somebody was given
 * @start: address of the first byte
 * @size: how many bytes there are
 * @kind: who was asked
 * @cache: of a slab object
 * @next: at rest in a type-safe cache, or in another list
 * @rcu: waits for a grace period
 * @site: who asked
 */
struct area {
	unsigned long start;
	size_t size;
	enum kind kind;
	struct kmem_cache *cache;
	struct area *next;
	struct rcu_head rcu;
	unsigned long site;
};

/**
 * struct kmem_cache - a slab cache
 * @next: in the list of all
 * @name: its name, unique
 * @size: of an object, in bytes
 * @align: of an object, in bytes
 * @flags: SLAB_*
 * @ctor: constructor, or NULL
 * @nr_live: objects that somebody has
 * @nr_freed: objects that came back, for the choice of what rests
 * @resting: areas of objects that may be issued again
 * @nr_resting: how many
 */
struct kmem_cache {
	struct kmem_cache *next;
	char name[64];
	unsigned int size;
	unsigned int align;
	slab_flags_t flags;
	void (*ctor)(void *obj);
	long nr_live;
	unsigned long nr_freed;
	struct area *resting;
	unsigned int nr_resting;
};

bool shim_init_on_alloc;
bool shim_init_on_free;
bool shim_slab_cache_hidden;

/* Protects the tree, the caches and their counts. */
static pthread_mutex_t tree_mutex = PTHREAD_MUTEX_INITIALIZER;
static void *tree;
static struct kmem_cache *caches;

static void tree_lock(void)
{
	shim_shield();
	unseen_begin();
	pthread_mutex_lock(&tree_mutex);
}

static void tree_unlock(void)
{
	pthread_mutex_unlock(&tree_mutex);
	unseen_end();
	shim_unshield();
}

/* === Failing on purpose === */

static __thread long fail_countdown;

long shim_fail_nth(long n)
{
	long before = fail_countdown;

	fail_countdown = n;
	return before;
}

bool shim_should_fail(gfp_t gfp)
{
	if (!fail_countdown || (gfp & __GFP_NOFAIL) || in_interrupt())
		return false;
	return fail_countdown < 0 || !--fail_countdown;
}

/* === The tree === */

/* Equal if one has an address in common with the other. */
static int compare(const void *a, const void *b)
{
	const struct area *x = a, *y = b;

	if (x->start + x->size <= y->start)
		return -1;
	return y->start + y->size <= x->start;
}

/* The area that an address is in, or NULL. Valid while the lock is held. */
static struct area *area_find(const void *mem)
{
	const struct area key = { .start = (unsigned long)mem, .size = 1 };
	struct area **found = tfind(&key, &tree, compare);

	return found ? *found : NULL;
}

static struct area area_of(const void *mem)
{
	struct area *area, copy = {};

	tree_lock();
	area = area_find(mem);
	if (area)
		copy = *area;
	tree_unlock();
	return copy;
}

static void fill(void *mem, size_t size, bool init)
{
	/* Whoever relies on zeroes that nobody promised shall notice. */
	memset(mem, init ? 0 : 0xa5, size);
}

static struct area *area_create(enum kind kind, size_t size, size_t align)
{
	struct area *area;
	void *mem = NULL;

	/* One byte at least, so that no two areas are equal. */
	area = calloc(1, sizeof(*area));
	if (!area ||
	    posix_memalign(&mem, max(align, sizeof(void *)), size ?: 1)) {
		free(area);
		return NULL;
	}
	area->start = (unsigned long)mem;
	area->size = size ?: 1;
	area->kind = kind;
	if (!tsearch(area, &tree, compare)) {
		free(mem);
		free(area);
		return NULL;
	}
	return area;
}

static void area_free(struct area *area)
{
	tdelete(area, &tree, compare);
	free((void *)area->start);
	free(area);
}

/* === Checks === */

#define GFP_SLAB_BUG_MASK (__GFP_DMA32 | __GFP_HIGHMEM | ~__GFP_BITS_MASK)

static void check_context(gfp_t gfp)
{
	might_alloc(gfp);
	WARN(in_nmi(), "allocation in an NMI\n");
	WARN(gfp & GFP_SLAB_BUG_MASK, "flags that slab does not know: %#x\n",
	     gfp);
	WARN(IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible(),
	     "slab's locks sleep: not legal here on PREEMPT_RT\n");
}

static void check_free_context(void)
{
	WARN(in_nmi(), "free in an NMI\n");
	WARN(IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible(),
	     "slab's locks sleep: not legal here on PREEMPT_RT\n");
}

static void *alloc(enum kind kind, size_t size, size_t align, gfp_t gfp,
		   bool init, unsigned long site)
{
	struct area *area;

	if (shim_should_fail(gfp))
		return NULL;
	tree_lock();
	area = area_create(kind, size, align);
	if (area)
		area->site = site;
	tree_unlock();
	if (!area)
		return NULL;
	fill((void *)area->start, size, init);
	return (void *)area->start;
}

/* Takes what begins at an address out of the tree; anything else is a bug. */
static void release(const void *mem, enum kind kind)
{
	struct area *area, copy = {};

	tree_lock();
	area = area_find(mem);
	if (area)
		copy = *area;
	if (area && copy.start == (unsigned long)mem && copy.kind == kind)
		area_free(area);
	else
		area = NULL;
	tree_unlock();
	if (area)
		return;
	if (copy.start)
		printk(KERN_ERR "%p is at %lu of a %s of %zu bytes from %pS\n",
		       mem, (unsigned long)mem - copy.start,
		       kind_names[copy.kind], copy.size, (void *)copy.site);
	WARN(1, "%p freed, which is no %s\n", mem, kind_names[kind]);
	BUG();
}

/* === kmalloc and vmalloc === */

/* What kmalloc() promises: the largest power of two that divides the size. */
static size_t kmalloc_align(size_t size)
{
	size_t align = size & -size;

	return clamp_t(size_t, align, ARCH_KMALLOC_MINALIGN, PAGE_SIZE);
}

void *kmalloc(size_t size, gfp_t gfp)
{
	check_context(gfp);
	if (size > KMALLOC_MAX_SIZE) {
		WARN(!(gfp & __GFP_NOWARN), "kmalloc() of %zu bytes\n", size);
		return NULL;
	}
	return alloc(KIND_KMALLOC, size, kmalloc_align(size), gfp,
		     want_init_on_alloc(gfp), _RET_IP_);
}

void kfree(const void *mem)
{
	if (!mem)
		return;
	check_free_context();
	release(mem, KIND_KMALLOC);
}

void *__vmalloc(size_t size, gfp_t gfp)
{
	WARN(in_interrupt(), "vmalloc() in an interrupt\n");
	might_sleep();
	if (!size || size > (size_t)totalram_pages() << PAGE_SHIFT) {
		WARN(!(gfp & __GFP_NOWARN), "vmalloc() of %zu bytes\n", size);
		return NULL;
	}
	return alloc(KIND_VMALLOC, size, PAGE_SIZE, gfp,
		     want_init_on_alloc(gfp), _RET_IP_);
}

void vfree(const void *mem)
{
	if (!mem)
		return;
	/* Puts the work off in interrupts; with them off it may not sleep. */
	if (!in_interrupt())
		might_sleep();
	release(mem, KIND_VMALLOC);
}

void *kvmalloc(size_t size, gfp_t gfp)
{
	gfp_t first = gfp;
	void *mem;

	if (size > PAGE_SIZE)
		first |= __GFP_NOWARN | __GFP_NORETRY;
	mem = kmalloc(size, first);
	if (mem || size <= PAGE_SIZE || !gfpflags_allow_blocking(gfp))
		return mem;
	if (size > INT_MAX) {
		WARN(!(gfp & __GFP_NOWARN), "kvmalloc() of %zu bytes\n", size);
		return NULL;
	}
	return __vmalloc(size, gfp);
}

void kvfree(const void *mem)
{
	if (is_vmalloc_addr(mem))
		vfree(mem);
	else
		kfree(mem);
}

bool is_vmalloc_addr(const void *mem)
{
	struct area area = area_of(mem);

	return area.start && area.kind == KIND_VMALLOC;
}

bool virt_addr_valid(const void *mem)
{
	struct area area = area_of(mem);

	return area.start && area.kind != KIND_VMALLOC;
}

/* A cache of kmalloc()'s own is none that anybody else has a pointer to. */
struct kmem_cache *slab_cache_of(const void *mem)
{
	return area_of(mem).cache;
}

unsigned long totalram_pages(void)
{
	return sysconf(_SC_PHYS_PAGES);
}

/* === Slab caches === */

static struct kmem_cache *cache_find(const char *name)
{
	struct kmem_cache *cache;

	for (cache = caches; cache; cache = cache->next)
		if (!strcmp(cache->name, name))
			return cache;
	return NULL;
}

static bool cache_legal(const char *name, unsigned int size, unsigned int align,
			unsigned int offset, unsigned int window)
{
	return name && size >= sizeof(void *) && size <= KMALLOC_MAX_SIZE &&
	       align <= PAGE_SIZE && !(align & (align - 1)) && window <= size &&
	       offset <= size - window;
}

struct kmem_cache *
kmem_cache_create_usercopy(const char *name, unsigned int size,
			   unsigned int align, slab_flags_t flags,
			   unsigned int useroffset, unsigned int usersize,
			   void (*ctor)(void *obj))
{
	struct kmem_cache *cache;
	bool twice;

	might_sleep();
	if (WARN(!cache_legal(name, size, align, useroffset, usersize),
		 "illegal slab cache\n"))
		return NULL;
	if (shim_should_fail(GFP_KERNEL))
		return NULL;
	if ((flags & SLAB_HWCACHE_ALIGN) && size > 32)
		align = max(align, 64U);
	tree_lock();
	twice = cache_find(name);
	cache = twice ? NULL : calloc(1, sizeof(*cache));
	if (cache) {
		strscpy(cache->name, name, sizeof(cache->name));
		cache->size = size;
		cache->align = align ?: ARCH_KMALLOC_MINALIGN;
		cache->flags = flags;
		cache->ctor = ctor;
		cache->next = caches;
		caches = cache;
	}
	tree_unlock();
	/* As 6.1 has it, where the name is a file's in sysfs. */
	WARN(twice, "slab cache %s exists already\n", name);
	return cache;
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     unsigned int align, slab_flags_t flags,
				     void (*ctor)(void *obj))
{
	return kmem_cache_create_usercopy(name, size, align, flags, 0, 0, ctor);
}

static void free_after_grace(struct rcu_head *head)
{
	struct area *area = container_of(head, struct area, rcu);

	tree_lock();
	area_free(area);
	tree_unlock();
}

int kmem_cache_shrink(struct kmem_cache *cache)
{
	struct area *area, *next;

	might_sleep();
	tree_lock();
	area = cache->resting;
	cache->resting = NULL;
	cache->nr_resting = 0;
	tree_unlock();
	for (; area; area = next) {
		next = area->next;
		call_rcu(&area->rcu, free_after_grace);
	}
	return 0;
}

static void cache_unlink(struct kmem_cache *cache)
{
	struct kmem_cache **pos = &caches;

	while (*pos && *pos != cache)
		pos = &(*pos)->next;
	if (*pos)
		*pos = cache->next;
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	bool leak;

	if (!cache)
		return;
	might_sleep();
	kmem_cache_shrink(cache);
	if (cache->flags & SLAB_TYPESAFE_BY_RCU)
		rcu_barrier();
	tree_lock();
	leak = cache->nr_live;
	if (!leak) {
		cache_unlink(cache);
		free(cache);
	}
	tree_unlock();
	/* It stays, as in the kernel: whoever has an object can free it. */
	WARN(leak, "slab cache %s still has %ld objects\n", cache->name,
	     cache->nr_live);
}

unsigned int kmem_cache_size(struct kmem_cache *cache)
{
	return cache->size;
}

/* An object that has just been freed, to whose content readers may cling. */
static void *cache_alloc_resting(struct kmem_cache *cache)
{
	struct area *area;

	tree_lock();
	area = cache->resting;
	if (area) {
		cache->resting = area->next;
		cache->nr_resting--;
		cache->nr_live++;
	}
	tree_unlock();
	if (!area)
		return NULL;
	object_reused((void *)area->start);
	return (void *)area->start;
}

/* What readers may look at, or a constructor has made, is not zeroed. */
static bool cache_inits(const struct kmem_cache *cache, gfp_t gfp)
{
	if (cache->ctor || (cache->flags & SLAB_TYPESAFE_BY_RCU))
		return gfp & __GFP_ZERO;
	return want_init_on_alloc(gfp);
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	struct area *area;
	void *obj;

	check_context(gfp);
	WARN((gfp & __GFP_ZERO) && cache->ctor, "zeroed and constructed\n");
	obj = cache_alloc_resting(cache);
	if (obj) {
		if (gfp & __GFP_ZERO)
			memset(obj, 0, cache->size);
		return obj;
	}
	obj = alloc(KIND_SLAB, cache->size, cache->align, gfp,
		    cache_inits(cache, gfp), _RET_IP_);
	if (!obj)
		return NULL;
	tree_lock();
	area = area_find(obj);
	area->cache = cache;
	cache->nr_live++;
	tree_unlock();
	if (cache->ctor)
		cache->ctor(obj);
	return obj;
}

/* Returns false if the object is to be freed after a grace period. */
static bool cache_rest(struct kmem_cache *cache, struct area *area)
{
	if (cache->nr_resting == MAX_RESTING || cache->nr_freed++ % 2)
		return false;
	area->next = cache->resting;
	cache->resting = area;
	cache->nr_resting++;
	return true;
}

static bool is_resting(struct kmem_cache *cache, const struct area *area)
{
	const struct area *pos = cache->resting;

	while (pos && pos != area)
		pos = pos->next;
	return pos;
}

void kmem_cache_free(struct kmem_cache *cache, void *obj)
{
	bool ok, now = !(cache->flags & SLAB_TYPESAFE_BY_RCU), later = false;
	struct area *area;

	if (!obj)
		return;
	check_free_context();
	object_freed(obj);
	tree_lock();
	area = area_find(obj);
	ok = area && area->start == (unsigned long)obj &&
	     area->kind == KIND_SLAB && area->cache == cache &&
	     !is_resting(cache, area) && !area->rcu.func;
	if (ok) {
		cache->nr_live--;
		if (now)
			area_free(area);
		else
			later = !cache_rest(cache, area);
		/* Marks it as freed, for the check above. */
		if (later)
			area->rcu.func = free_after_grace;
	}
	tree_unlock();
	if (later)
		call_rcu(&area->rcu, free_after_grace);
	if (!ok) {
		WARN(1, "%p freed, which is no object in use of %s\n", obj,
		     cache->name);
		BUG();
	}
}

/* === What is left === */

static unsigned int nr_leaks;

static void count_leak(const void *node, VISIT visit, int depth)
{
	const struct area *area = *(const struct area *const *)node;

	if (visit != postorder && visit != leaf)
		return;
	nr_leaks++;
	printk(KERN_ERR "leak: %s of %zu bytes from %pS\n",
	       kind_names[area->kind], area->size, (void *)area->site);
}

unsigned int shim_report_leaks(void)
{
	struct kmem_cache *cache;

	rcu_barrier();
	tree_lock();
	nr_leaks = 0;
	twalk(tree, count_leak);
	for (cache = caches; cache; cache = cache->next) {
		nr_leaks++;
		printk(KERN_ERR "leak: slab cache %s\n", cache->name);
	}
	tree_unlock();
	return nr_leaks;
}
