// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the shim: what makes the green of the other tests mean something.
 * Each thing that the shim is to catch is done here, and has to be caught.
 *
 * What ends a process is done in a child of its own.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/processor.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <shim.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kunit/test.h>

#ifdef SHIM_STRICT
static const bool strict = true;
#define sections_are_shared() false
#else
static const bool strict;
/* Without membarrier(2) no section is outermost, for all are liburcu's. */
#define sections_are_shared() shim_section_is_shared(&shim_thread)
#endif

static const unsigned int rt = IS_ENABLED(CONFIG_PREEMPT_RT);

/* Runs something and expects so many warnings of the checking builds. */
#define EXPECT_WARNINGS(test, nr, what)                                  \
	do {                                                             \
		unsigned int before = READ_ONCE(shim_warnings);          \
		unsigned int expected = strict ? (nr) : 0;               \
		what;                                                    \
		KUNIT_EXPECT_EQ(test, READ_ONCE(shim_warnings) - before, \
				expected);                               \
		shim_expect_warnings(expected);                          \
	} while (0)

#define EXPECT_NO_WARNINGS(test, what) EXPECT_WARNINGS(test, 0, what)

/* Runs something that no process survives. */
static bool dies(void (*fn)(void *arg), void *arg)
{
	int status, null;
	pid_t pid;

	shim_shield();
	pid = fork();
	if (!pid) {
		/* Nobody needs to see what the sanitizers say to it. */
		null = open("/dev/null", O_WRONLY);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		fn(arg);
		_exit(EXIT_SUCCESS);
	}
	waitpid(pid, &status, 0);
	shim_unshield();
	return pid > 0 && !(WIFEXITED(status) && !WEXITSTATUS(status));
}

/* === Contexts === */

static void sleeping_in_atomic_is_caught(struct kunit *test)
{
	DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags;

	EXPECT_NO_WARNINGS(test, might_sleep());
	preempt_disable();
	EXPECT_WARNINGS(test, 1, might_sleep());
	preempt_enable();
	rcu_read_lock();
	EXPECT_WARNINGS(test, 1, might_sleep());
	rcu_read_unlock();
	local_irq_save(flags);
	EXPECT_WARNINGS(test, 1, might_sleep());
	local_irq_restore(flags);
	raw_spin_lock(&lock);
	EXPECT_WARNINGS(test, 1, might_sleep());
	raw_spin_unlock(&lock);
	EXPECT_NO_WARNINGS(test, might_sleep());
}

static void allocation_that_may_sleep_is_caught(struct kunit *test)
{
	DEFINE_MUTEX(mutex);

	preempt_disable();
	/* On PREEMPT_RT neither kmalloc() nor kfree() is legal here. */
	EXPECT_WARNINGS(test, 1 + 2 * rt, kfree(kmalloc(8, GFP_KERNEL)));
	EXPECT_WARNINGS(test, 2 * rt, kfree(kmalloc(8, GFP_ATOMIC)));
	EXPECT_WARNINGS(test, 1 + 2 * rt, kfree(kmalloc(8, GFP_NOIO)));
	EXPECT_WARNINGS(test, 1, mutex_lock(&mutex));
	EXPECT_NO_WARNINGS(test, mutex_unlock(&mutex));
	EXPECT_WARNINGS(test, 1, cond_resched());
	preempt_enable();
}

static void unbalanced_preemption_is_caught(struct kunit *test)
{
	unsigned long flags;

	if (!strict)
		return;
	local_irq_save(flags);
	local_irq_restore(flags);
	EXPECT_WARNINGS(test, 1, shim_irq_restore(0));
}

static void interrupts_off_nest(struct kunit *test)
{
	unsigned long outer, inner;

	KUNIT_EXPECT_FALSE(test, irqs_disabled());
	local_irq_save(outer);
	KUNIT_EXPECT_TRUE(test, irqs_disabled());
	local_irq_save(inner);
	local_irq_restore(inner);
	KUNIT_EXPECT_TRUE(test, irqs_disabled());
	local_irq_restore(outer);
	KUNIT_EXPECT_FALSE(test, irqs_disabled());
}

static void this_cpu_where_it_may_change_is_caught(struct kunit *test)
{
	int __percpu *counter = alloc_percpu(int);

	KUNIT_ASSERT_NOT_NULL(test, counter);
	EXPECT_WARNINGS(test, 1, (void)this_cpu_ptr(counter));
	EXPECT_WARNINGS(test, 1, (void)smp_processor_id());
	preempt_disable();
	EXPECT_NO_WARNINGS(test, (void)this_cpu_ptr(counter));
	EXPECT_NO_WARNINGS(test, (void)smp_processor_id());
	preempt_enable();
	EXPECT_NO_WARNINGS(test, this_cpu_inc(*counter));
	free_percpu(counter);
}

static void mark_is_set_once(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, cpu_trylock());
	KUNIT_EXPECT_FALSE(test, cpu_trylock());
	KUNIT_EXPECT_FALSE(test, cpu_trylock_fast());
	/* What is entered and left inside leaves it as it was. */
	preempt_disable();
	rcu_read_lock();
	KUNIT_EXPECT_FALSE(test, cpu_trylock());
	rcu_read_unlock();
	preempt_enable();
	KUNIT_EXPECT_FALSE(test, cpu_trylock());
	cpu_unlock();

	KUNIT_ASSERT_TRUE(test, cpu_trylock());
	cpu_unlock();
	if (sections_are_shared())
		return;

	KUNIT_ASSERT_TRUE(test, cpu_trylock_fast());
	KUNIT_EXPECT_FALSE(test, cpu_trylock());
	cpu_unlock_fast();
	KUNIT_ASSERT_TRUE(test, cpu_trylock_fast());
	cpu_unlock();
	KUNIT_ASSERT_TRUE(test, cpu_trylock());
	cpu_unlock();
}

/* Cleared, it leaves a section without preemption behind. */
static void mark_is_apart_from_its_section(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, cpu_trylock());
	__cpu_unlock();
	KUNIT_EXPECT_FALSE(test, cpu_trylock_fast());
	EXPECT_WARNINGS(test, 1, might_sleep());
	KUNIT_ASSERT_TRUE(test, cpu_trylock());
	cpu_unlock();
	preempt_enable();
	EXPECT_NO_WARNINGS(test, might_sleep());

	preempt_disable();
	KUNIT_EXPECT_FALSE(test, cpu_trylock_fast());
	KUNIT_ASSERT_TRUE(test, cpu_trylock());
	cpu_unlock();
	preempt_enable();
	rcu_read_lock();
	KUNIT_EXPECT_FALSE(test, cpu_trylock_fast());
	rcu_read_unlock();
	if (sections_are_shared())
		return;

	KUNIT_ASSERT_TRUE(test, cpu_trylock_fast());
	__cpu_unlock();
	KUNIT_EXPECT_FALSE(test, cpu_trylock_fast());
	preempt_enable();
	KUNIT_ASSERT_TRUE(test, cpu_trylock_fast());
	cpu_unlock_fast();
}

/* === Locks === */

static void lock_of_another_is_caught(struct kunit *test)
{
	DEFINE_RAW_SPINLOCK(lock);
	DEFINE_MUTEX(mutex);

	EXPECT_WARNINGS(test, 1, lockdep_assert_held(&mutex));
	mutex_lock(&mutex);
	EXPECT_NO_WARNINGS(test, lockdep_assert_held(&mutex));
	KUNIT_EXPECT_FALSE(test, mutex_trylock(&mutex));
	mutex_unlock(&mutex);

	EXPECT_WARNINGS(test, 1, lockdep_assert_held(&lock));
	raw_spin_lock(&lock);
	EXPECT_NO_WARNINGS(test, lockdep_assert_held(&lock));
	KUNIT_EXPECT_FALSE(test, raw_spin_trylock(&lock));
	raw_spin_unlock(&lock);
}

static void lock_twice(void *arg)
{
	raw_spinlock_t *lock = arg;

	raw_spin_lock(lock);
	raw_spin_lock(lock);
}

static void mutex_twice(void *arg)
{
	struct mutex *mutex = arg;

	mutex_lock(mutex);
	mutex_lock(mutex);
}

static void deadlock_with_oneself_is_caught(struct kunit *test)
{
	DEFINE_RAW_SPINLOCK(lock);
	DEFINE_MUTEX(mutex);

	KUNIT_EXPECT_TRUE(test, dies(lock_twice, &lock));
	KUNIT_EXPECT_TRUE(test, dies(mutex_twice, &mutex));
}

static bool irq_work_done;

static void set_work_done(struct irq_work *work)
{
	irq_work_done = in_hardirq();
}

static void irq_work_runs_in_an_interrupt(struct kunit *test)
{
	DEFINE_IRQ_WORK(work, set_work_done);

	irq_work_done = false;
	KUNIT_EXPECT_TRUE(test, irq_work_queue(&work));
	irq_work_sync(&work);
	KUNIT_EXPECT_TRUE(test, irq_work_done);
	KUNIT_EXPECT_FALSE(test, in_hardirq());
}

/* It has come inside of a section, or it has not: only then it may use the CPU. */
static void nmi_finds_the_cpu_lock_taken(struct kunit *test)
{
	unsigned int nr_taken = 0;

	preempt_disable();
	preempt_count() += NMI_OFFSET;
	nr_taken += !cpu_trylock();
	preempt_count() -= NMI_OFFSET;
	KUNIT_EXPECT_TRUE(test, cpu_trylock());
	preempt_count() += NMI_OFFSET;
	nr_taken += !cpu_trylock();
	preempt_count() -= NMI_OFFSET;
	cpu_unlock();
	preempt_enable();
	KUNIT_EXPECT_EQ(test, nr_taken, 2);
}

static void lock_unless_held_tells(struct kunit *test)
{
	DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags, more;

	KUNIT_EXPECT_TRUE(test, lock_unless_held(&lock, &flags));
	KUNIT_EXPECT_TRUE(test, irqs_disabled());
	/* With an application's signal handlers; a deadlock elsewhere. */
	if (!strict)
		KUNIT_EXPECT_FALSE(test, lock_unless_held(&lock, &more));
	raw_spin_unlock_irqrestore(&lock, flags);
	KUNIT_EXPECT_FALSE(test, irqs_disabled());
}

/* === Counts, lists, once === */

static void refcount_saturates(struct kunit *test)
{
	refcount_t ref;

	refcount_set(&ref, 0);
	shim_expect_warnings(4);
	refcount_inc(&ref);
	KUNIT_EXPECT_EQ(test, (int)refcount_read(&ref), REFCOUNT_SATURATED);
	refcount_set(&ref, INT_MAX);
	refcount_inc(&ref);
	KUNIT_EXPECT_EQ(test, (int)refcount_read(&ref), REFCOUNT_SATURATED);
	refcount_set(&ref, 0);
	KUNIT_EXPECT_FALSE(test, refcount_dec_and_test(&ref));
	KUNIT_EXPECT_EQ(test, (int)refcount_read(&ref), REFCOUNT_SATURATED);
	refcount_set(&ref, 1);
	refcount_dec(&ref);
	KUNIT_EXPECT_EQ(test, (int)refcount_read(&ref), REFCOUNT_SATURATED);

	refcount_set(&ref, 0);
	KUNIT_EXPECT_FALSE(test, refcount_inc_not_zero(&ref));
	refcount_set(&ref, 2);
	KUNIT_EXPECT_TRUE(test, refcount_inc_not_zero(&ref));
	KUNIT_EXPECT_EQ(test, refcount_read(&ref), 3);
	KUNIT_EXPECT_FALSE(test, refcount_dec_and_test(&ref));
	KUNIT_EXPECT_FALSE(test, refcount_dec_if_one(&ref));
	KUNIT_EXPECT_TRUE(test, refcount_dec_not_one(&ref));
	KUNIT_EXPECT_FALSE(test, refcount_dec_not_one(&ref));
	KUNIT_EXPECT_TRUE(test, refcount_dec_and_test(&ref));
}

static void broken_list_is_caught(struct kunit *test)
{
	struct list_head entry, other;
	LIST_HEAD(list);

	shim_expect_warnings(2);
	list_add(&entry, &list);
	list_del(&entry);
	list_del(&entry);
	KUNIT_EXPECT_TRUE(test, list_empty(&list));
	list_add(&entry, &list);
	list.next = &other;
	INIT_LIST_HEAD(&other);
	list_add(&other, &list);
}

static void once_is_once(struct kunit *test)
{
	int i;

	shim_expect_warnings(1);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, WARN_ON_ONCE(i < 3));
}

static void ratelimit_limits(struct kunit *test)
{
	DEFINE_RATELIMIT_STATE(state, 100 * HZ, 3);
	unsigned int i, nr = 0;

	for (i = 0; i < 10; i++)
		nr += __ratelimit(&state);
	KUNIT_EXPECT_EQ(test, nr, 3);
}

/* === Formats === */

static void kernel_formats_are_printed(struct kunit *test)
{
	char buf[128];

	KUNIT_EXPECT_EQ(test, scnprintf(buf, 4, "%s", "abcdef"), 3);
	KUNIT_EXPECT_STREQ(test, buf, "abc");
	KUNIT_EXPECT_EQ(test, snprintf(buf, 4, "%s", "abcdef"), 6);
	snprintf(buf, sizeof(buf), "%5d|%-5u|%05d|%+d|%#x|%X|%.3s|%c|%%", -42,
		 7U, -42, 1, 255, 255, "abcdef", 'x');
	KUNIT_EXPECT_STREQ(test, buf, "  -42|7    |-0042|+1|0xff|FF|abc|x|%");
	snprintf(buf, sizeof(buf), "%llu %zu %ld %hhu %*d %.*s", U64_MAX,
		 (size_t)5, -1L, (unsigned char)255, 4, 1, 2, "xyz");
	KUNIT_EXPECT_STREQ(test, buf, "18446744073709551615 5 -1 255    1 xy");
	snprintf(buf, sizeof(buf), "%pe %s", ERR_PTR(-ENOMEM), (char *)NULL);
	KUNIT_EXPECT_STREQ(test, buf, "-ENOMEM (null)");
	snprintf(buf, sizeof(buf), "%pS", (void *)shim_might_sleep);
	/* As in the kernel: how far inside, of how much. */
	KUNIT_EXPECT_EQ(test, strncmp(buf, "shim_might_sleep+0x0/0x", 23), 0);
	snprintf(buf, sizeof(buf), "%pS", (void *)kernel_formats_are_printed);
	KUNIT_EXPECT_EQ(test,
			strncmp(buf, "kernel_formats_are_printed+0x0/", 31), 0);
}

/* === Time === */

/* Whether a worker keeps it up to date or the clock is asked. */
static void jiffies_are_never_ahead_of_the_clock(struct kunit *test)
{
	unsigned long end = get_jiffies_64() + HZ / 5, now, clock;
	unsigned int nr_wrong = 0;

	do {
		now = jiffies;
		clock = get_jiffies_64();
		nr_wrong += time_after(now, clock);
	} while (time_before(clock, end));
	KUNIT_EXPECT_EQ(test, nr_wrong, 0);
}

/* Who looks at it at rest asks for the tick, which goes on by itself. */
static void jiffies_tick(struct kunit *test)
{
#ifndef SHIM_STRICT
	unsigned long end = get_jiffies_64() + 60 * HZ;
	u64 first;

	while (!READ_ONCE(shim_tick.now) &&
	       time_before((unsigned long)get_jiffies_64(), end))
		(void)jiffies;
	first = READ_ONCE(shim_tick.now);
	KUNIT_EXPECT_NE(test, first, 0);
	while (READ_ONCE(shim_tick.now) == first &&
	       time_before((unsigned long)get_jiffies_64(), end))
		cpu_relax();
	KUNIT_EXPECT_NE(test, READ_ONCE(shim_tick.now), first);
#endif
}

/* === Memory === */

static void nth_allocation_fails(struct kunit *test)
{
	void *mem[3];
	unsigned int i;

	if (!strict)
		return;
	shim_fail_nth(2);
	for (i = 0; i < 3; i++)
		mem[i] = kmalloc(8, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, shim_fail_nth(0), 0);
	KUNIT_EXPECT_NOT_NULL(test, mem[0]);
	KUNIT_EXPECT_NULL(test, mem[1]);
	KUNIT_EXPECT_NOT_NULL(test, mem[2]);
	kfree(mem[0]);
	kfree(mem[2]);

	shim_fail_nth(1);
	mem[0] = kmalloc(8, GFP_KERNEL | __GFP_NOFAIL);
	KUNIT_EXPECT_NOT_NULL(test, mem[0]);
	KUNIT_EXPECT_NULL(test, vmalloc(8));
	shim_fail_nth(0);
	kfree(mem[0]);
}

static void flags_that_slab_does_not_know_are_caught(struct kunit *test)
{
	EXPECT_WARNINGS(test, 1, kfree(kmalloc(8, GFP_KERNEL | __GFP_DMA32)));
	EXPECT_WARNINGS(test, 1, kfree(kmalloc(8, GFP_KERNEL | 1U << 31)));
}

static void absurd_size_is_caught(struct kunit *test)
{
	shim_expect_warnings(1);
	KUNIT_EXPECT_NULL(test, kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, kmalloc(SIZE_MAX, GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_NULL(test, kmalloc_array(SIZE_MAX / 2, 4,
					      GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_NULL(test, kvmalloc(SIZE_MAX, GFP_KERNEL | __GFP_NOWARN));
}

static void memory_is_as_promised(struct kunit *test)
{
	size_t size;
	void *mem;

	for (size = 8; size <= KMALLOC_MAX_SIZE; size *= 2) {
		mem = kzalloc(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, mem);
		KUNIT_EXPECT_NULL(test, memchr_inv(mem, 0, size));
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)mem,
						   min(size, PAGE_SIZE)));
		memset(mem, 1, size);
		KUNIT_EXPECT_TRUE(test, virt_addr_valid(mem));
		KUNIT_EXPECT_FALSE(test, is_vmalloc_addr(mem));
		kfree(mem);
	}
	mem = vzalloc(5 * PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_EXPECT_NULL(test, memchr_inv(mem, 0, 5 * PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)mem, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, virt_addr_valid(mem));
	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(mem));
	kvfree(mem);
	KUNIT_EXPECT_FALSE(test, virt_addr_valid(test->name));
	KUNIT_EXPECT_FALSE(test, virt_addr_valid(&size));
	KUNIT_EXPECT_FALSE(test, virt_addr_valid(NULL));
	KUNIT_EXPECT_NULL(test, slab_cache_of(&size));
}

static void init_on_alloc_zeroes(struct kunit *test)
{
	struct kmem_cache *plain, *typesafe;
	void *obj, *kept;

	plain = kmem_cache_create("shim_plain", 64, 0, 0, NULL);
	typesafe = kmem_cache_create("shim_typesafe", 64, 0,
				     SLAB_TYPESAFE_BY_RCU, NULL);
	KUNIT_ASSERT_NOT_NULL(test, plain);
	KUNIT_ASSERT_NOT_NULL(test, typesafe);
	shim_init_on_alloc = true;
	obj = kmem_cache_alloc(plain, GFP_KERNEL);
	KUNIT_EXPECT_NULL(test, memchr_inv(obj, 0, 64));
	kmem_cache_free(plain, obj);
	/* Readers may still look at what such an object had before. */
	kept = kmem_cache_alloc(typesafe, GFP_KERNEL);
	memset(kept, 1, 64);
	kmem_cache_free(typesafe, kept);
	obj = kmem_cache_alloc(typesafe, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, obj, kept);
	KUNIT_EXPECT_NULL(test, memchr_inv(obj, 1, 64));
	kmem_cache_free(typesafe, obj);
	shim_init_on_alloc = false;
	kmem_cache_destroy(plain);
	kmem_cache_destroy(typesafe);
}

struct reuse {
	struct kmem_cache *cache;
	unsigned long *obj;
	bool freed;
};

static int write_and_free(void *data)
{
	struct reuse *reuse = data;

	*reuse->obj = 1;
	kmem_cache_free(reuse->cache, reuse->obj);
	WRITE_ONCE(reuse->freed, true);
	return 0;
}

/* Who gets the memory comes after him who freed it, whatever else tells so. */
static void object_is_ordered_after_its_last_use(struct kunit *test)
{
	struct reuse reuse = {};
	struct task_struct *task;

	reuse.cache = kmem_cache_create("shim_reuse", 64, 0,
					SLAB_TYPESAFE_BY_RCU, NULL);
	KUNIT_ASSERT_NOT_NULL(test, reuse.cache);
	reuse.obj = kmem_cache_alloc(reuse.cache, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, reuse.obj);
	task = kthread_create(write_and_free, &reuse, "shim");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	get_task_struct(task);
	wake_up_process(task);
	while (!READ_ONCE(reuse.freed))
		cpu_relax();
	KUNIT_EXPECT_PTR_EQ(test, kmem_cache_alloc(reuse.cache, GFP_KERNEL),
			    (void *)reuse.obj);
	/* ThreadSanitizer has a look. */
	*reuse.obj = 2;
	kmem_cache_free(reuse.cache, reuse.obj);
	while (!shim_kthread_exited(task))
		cpu_relax();
	put_task_struct(task);
	kmem_cache_destroy(reuse.cache);
}

/* In how many pages of what begins at an address a cache is found. */
static unsigned int nr_pages_of(const struct kmem_cache *cache, const char *mem,
				size_t size)
{
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < size; i += PAGE_SIZE)
		nr += slab_cache_of_linear(mem + i) == cache;
	return nr;
}

/* A whole slab each, of as many blocks as there can be. */
static void cache_is_found_all_over_its_slabs(struct kunit *test)
{
	const size_t size = KMALLOC_MAX_SIZE, nr_pages = size / PAGE_SIZE;
	struct kmem_cache *cache[2];
	void *obj[2];
	int i;

	cache[0] = kmem_cache_create("shim_a", size, 0, 0, NULL);
	cache[1] = kmem_cache_create("shim_b", size, 0, 0, NULL);
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_NOT_NULL(test, cache[i]);
		obj[i] = kmem_cache_alloc(cache[i], GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, obj[i]);
	}
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, nr_pages_of(cache[i], obj[i], size),
				nr_pages);
		KUNIT_EXPECT_PTR_EQ(test,
				    slab_cache_of_linear(obj[i] + size - 1),
				    cache[i]);
		kmem_cache_free(cache[i], obj[i]);
		kmem_cache_destroy(cache[i]);
		/* The other one's stays. */
		KUNIT_EXPECT_EQ(test, nr_pages_of(NULL, obj[i], size),
				nr_pages);
	}
}

/* Memory that has been a slab is another one's, and then nobody's. */
static void cache_is_that_of_the_last_slab(struct kunit *test)
{
	size_t size = KMALLOC_MAX_SIZE / 2, large = KMALLOC_MAX_SIZE;
	struct kmem_cache *cache;
	void *mem;

	for (; size >= PAGE_SIZE; size /= 2) {
		cache = kmem_cache_create("shim_last", size, 0, 0, NULL);
		KUNIT_ASSERT_NOT_NULL(test, cache);
		mem = kmem_cache_alloc(cache, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, mem);
		KUNIT_EXPECT_EQ(test, nr_pages_of(cache, mem, size),
				size / PAGE_SIZE);
		kmem_cache_free(cache, mem);
		kmem_cache_shrink(cache);
		KUNIT_EXPECT_EQ(test, nr_pages_of(NULL, mem, size),
				size / PAGE_SIZE);
		mem = kmalloc(large, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, mem);
		KUNIT_EXPECT_EQ(test, nr_pages_of(cache, mem, large), 0);
		kfree(mem);
		KUNIT_EXPECT_EQ(test, nr_pages_of(NULL, mem, large),
				large / PAGE_SIZE);
		kmem_cache_destroy(cache);
	}
}

static void addresses_elsewhere_have_no_cache(struct kunit *test)
{
	char *mem = vmalloc(PAGE_SIZE);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_EXPECT_NULL(test, slab_cache_of_linear(mem));
	vfree(mem);
	KUNIT_EXPECT_NULL(test, slab_cache_of_linear(NULL));
	KUNIT_EXPECT_NULL(test, slab_cache_of_linear((void *)1));
	KUNIT_EXPECT_NULL(test, slab_cache_of_linear((void *)LONG_MAX));
	KUNIT_EXPECT_NULL(test, slab_cache_of_linear((void *)LONG_MIN));
	KUNIT_EXPECT_NULL(test, slab_cache_of_linear((void *)ULONG_MAX));
	KUNIT_EXPECT_NULL(test, slab_cache_of_linear(&mem));
	KUNIT_EXPECT_NULL(test, slab_cache_of_linear(&shim_warnings));
	KUNIT_EXPECT_NULL(test, slab_cache_of_linear(nr_pages_of));
}

/* Of the arena no address but in slabs, and none beside it. */
static void addresses_around_slabs_have_no_cache(struct kunit *test)
{
#ifndef SHIM_STRICT
	size_t size = shim_arena.nr_blocks << SHIM_BLOCK_SHIFT;
	char *base = shim_arena.base, *end = base + size;
	size_t i;

	KUNIT_ASSERT_GT(test, shim_arena.nr_blocks, 0);
	for (i = 1; i <= size; i *= 2) {
		KUNIT_EXPECT_NULL(test, slab_cache_of_linear(base - i));
		KUNIT_EXPECT_NULL(test, slab_cache_of_linear(end + i - 1));
	}
	/* What is not in use yet: the end comes first. */
	for (i = 1; i <= size / 2; i *= 2)
		KUNIT_EXPECT_NULL(test, slab_cache_of_linear(base + i));
#endif
}

struct kept {
	struct kmem_cache *cache;
	void *obj;
};

static void free_and_shrink(void *arg)
{
	struct kept *kept = arg;

	kmem_cache_free(kept->cache, kept->obj);
	kmem_cache_shrink(kept->cache);
	if (slab_cache_of_linear(kept->obj))
		abort();
}

static void forked_child_frees_for_itself(struct kunit *test)
{
	struct kept kept;

	kept.cache = kmem_cache_create("shim_kept", SZ_64K, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, kept.cache);
	kept.obj = kmem_cache_alloc(kept.cache, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, kept.obj);
	KUNIT_EXPECT_FALSE(test, dies(free_and_shrink, &kept));
	KUNIT_EXPECT_PTR_EQ(test, slab_cache_of_linear(kept.obj), kept.cache);
	kmem_cache_free(kept.cache, kept.obj);
	kmem_cache_destroy(kept.cache);
}

static void destroying_a_cache_in_use_is_caught(struct kunit *test)
{
	struct kmem_cache *cache;
	void *obj;

	cache = kmem_cache_create("shim_leak", 100, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	obj = kmem_cache_alloc(cache, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	KUNIT_EXPECT_PTR_EQ(test, slab_cache_of(obj), cache);
	shim_expect_warnings(1);
	kmem_cache_destroy(cache);
	/* It is still there for who has the object. */
	kmem_cache_free(cache, obj);
	kmem_cache_destroy(cache);
}

static void second_cache_of_a_name_is_caught(struct kunit *test)
{
	struct kmem_cache *cache;

	if (!strict)
		return;
	cache = kmem_cache_create("shim_name", 100, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	shim_expect_warnings(1);
	KUNIT_EXPECT_NULL(test,
			  kmem_cache_create("shim_name", 100, 0, 0, NULL));
	kmem_cache_destroy(cache);
}

static void free_once(void *arg)
{
	kfree(kmalloc(100, GFP_KERNEL));
}

static void free_twice(void *arg)
{
	void *mem = kmalloc(100, GFP_KERNEL);

	kfree(mem);
	kfree(mem);
}

static void free_inside(void *arg)
{
	kfree(kmalloc(100, GFP_KERNEL) + 8);
}

static void free_stack(void *arg)
{
	kfree(&arg);
}

static void free_as_kmalloc(void *arg)
{
	kfree(vmalloc(100));
}

static void write_after_free(void *arg)
{
	char *mem = kmalloc(100, GFP_KERNEL);

	kfree(mem);
	*(volatile char *)mem = 1;
}

static void write_beyond(void *arg)
{
	*(volatile char *)(kmalloc(100, GFP_KERNEL) + 100) = 1;
}

static void write_beyond_percpu(void *arg)
{
	*(volatile char *)(__alloc_percpu(100, 4) + 104) = 1;
}

static void misuse_of_memory_is_caught(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, dies(free_once, NULL));
	if (!strict)
		return;
	KUNIT_EXPECT_TRUE(test, dies(free_twice, NULL));
	KUNIT_EXPECT_TRUE(test, dies(free_inside, NULL));
	KUNIT_EXPECT_TRUE(test, dies(free_stack, NULL));
	KUNIT_EXPECT_TRUE(test, dies(free_as_kmalloc, NULL));
	if (!IS_ENABLED(SHIM_ASAN))
		return;
	KUNIT_EXPECT_TRUE(test, dies(write_after_free, NULL));
	KUNIT_EXPECT_TRUE(test, dies(write_beyond, NULL));
	KUNIT_EXPECT_TRUE(test, dies(write_beyond_percpu, NULL));
}

/* === CPUs === */

struct hotplug {
	struct hlist_node node;
	unsigned int nr_up;
	unsigned int nr_down;
	unsigned int nr_dead;
	unsigned int cpu;
	bool down_is_private;
	bool dead_is_private;
};

static bool has_own_cpu(void)
{
	return shim_thread.cpu != SHIM_NO_CPU;
}

static int hotplug_up(unsigned int cpu, struct hlist_node *node)
{
	struct hotplug *hp = hlist_entry(node, struct hotplug, node);

	hp->nr_up++;
	hp->cpu = cpu;
	return 0;
}

static int hotplug_down(unsigned int cpu, struct hlist_node *node)
{
	struct hotplug *hp = hlist_entry(node, struct hotplug, node);

	hp->nr_down++;
	hp->down_is_private = has_own_cpu() && raw_smp_processor_id() == cpu &&
			      cpu_online(cpu);
	return 0;
}

static int hotplug_dead(unsigned int cpu, struct hlist_node *node)
{
	struct hotplug *hp = hlist_entry(node, struct hotplug, node);

	hp->nr_dead++;
	hp->dead_is_private = has_own_cpu() || cpu_online(cpu);
	return 0;
}

struct cpu_note {
	struct completion done;
	unsigned int cpu;
};

static int note_cpu(void *data)
{
	struct cpu_note *note = data;
	unsigned int cpu = raw_smp_processor_id();

	note->cpu = cpu;
	complete(&note->done);
	return has_own_cpu() && cpu_online(cpu) ? 0 : -EINVAL;
}

/* The CPU that a thread was, or SHIM_NO_CPU. */
static unsigned int cpu_of_thread(void)
{
	struct task_struct *task;
	struct cpu_note note;
	int ret;

	init_completion(&note.done);
	task = kthread_create(note_cpu, &note, "shim");
	if (IS_ERR(task))
		return SHIM_NO_CPU;
	get_task_struct(task);
	wake_up_process(task);
	wait_for_completion(&note.done);
	ret = kthread_stop(task);
	put_task_struct(task);
	return ret ? SHIM_NO_CPU : note.cpu;
}

static void thread_is_a_cpu(struct kunit *test)
{
	struct hotplug hp = {};
	int online, dead;
	unsigned int cpu;

	online = cpuhp_setup_state_multi(CPUHP_AP_ONLINE_DYN, "shim:online",
					 hotplug_up, hotplug_down);
	dead = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN, "shim:dead", NULL,
				       hotplug_dead);
	KUNIT_ASSERT_GT(test, online, 0);
	KUNIT_ASSERT_GT(test, dead, 0);
	cpuhp_state_add_instance_nocalls(online, &hp.node);
	cpu = cpu_of_thread();
	KUNIT_EXPECT_NE(test, cpu, SHIM_NO_CPU);
	KUNIT_EXPECT_EQ(test, hp.nr_up, 1);
	KUNIT_EXPECT_EQ(test, hp.cpu, cpu);
	KUNIT_EXPECT_NE(test, cpu, raw_smp_processor_id());
	KUNIT_EXPECT_EQ(test, hp.nr_down, 1);
	KUNIT_EXPECT_TRUE(test, hp.down_is_private);
	KUNIT_EXPECT_FALSE(test, cpu_online(cpu));
	cpuhp_state_remove_instance_nocalls(online, &hp.node);

	cpuhp_state_add_instance_nocalls(dead, &hp.node);
	KUNIT_EXPECT_NE(test, cpu_of_thread(), SHIM_NO_CPU);
	KUNIT_EXPECT_EQ(test, hp.nr_dead, 1);
	KUNIT_EXPECT_FALSE(test, hp.dead_is_private);
	cpuhp_state_remove_instance_nocalls(dead, &hp.node);
	cpuhp_remove_multi_state(online);
	cpuhp_remove_multi_state(dead);
}

struct mover {
	struct completion done;
	unsigned int nr_moves;
	unsigned int nr_moves_within;
	unsigned int nr_moves_bound;
};

static int move_about(void *data)
{
	struct mover *mover = data;
	unsigned int i, before, within;

	might_sleep();
	before = raw_smp_processor_id();
	for (i = 0; i < 2000; i++) {
		if (i == 1000)
			set_cpus_allowed_ptr(current, cpumask_of(before));
		preempt_disable();
		within = smp_processor_id();
		rcu_read_lock();
		rcu_read_unlock();
		mover->nr_moves_within += within != smp_processor_id();
		preempt_enable();
		if (before != raw_smp_processor_id() && i >= 1000)
			mover->nr_moves_bound++;
		else if (before != raw_smp_processor_id())
			mover->nr_moves++;
		before = raw_smp_processor_id();
	}
	complete(&mover->done);
	return 0;
}

/* Who is not bound to a CPU has another one after a section, sometimes. */
static void preemption_moves_threads(struct kunit *test)
{
	struct task_struct *task;
	struct mover mover = {};

	init_completion(&mover.done);
	task = kthread_run(move_about, &mover, "shim");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	wait_for_completion(&mover.done);
	if (IS_ENABLED(SHIM_STRICT))
		KUNIT_EXPECT_GT(test, mover.nr_moves, 10);
	else
		KUNIT_EXPECT_EQ(test, mover.nr_moves, 0);
	KUNIT_EXPECT_EQ(test, mover.nr_moves_within, 0);
	KUNIT_EXPECT_EQ(test, mover.nr_moves_bound, 0);
}

struct crowd {
	struct completion go;
	int __percpu *counter;
	atomic_t nr_private;
	atomic_t nr_ready;
};

static int join_crowd(void *data)
{
	struct crowd *crowd = data;
	unsigned int i;

	atomic_add(has_own_cpu(), &crowd->nr_private);
	atomic_inc(&crowd->nr_ready);
	wait_for_completion(&crowd->go);
	/* Those that share a CPU lose no count either. */
	for (i = 0; i < 1000; i++)
		this_cpu_inc(*crowd->counter);
	return 0;
}

static void more_threads_than_cpus(struct kunit *test)
{
	static struct task_struct *task[CONFIG_NR_CPUS + 20];
	struct crowd crowd = {};
	unsigned int i, cpu;
	int sum = 0;

	crowd.counter = alloc_percpu(int);
	KUNIT_ASSERT_NOT_NULL(test, crowd.counter);
	init_completion(&crowd.go);
	for (i = 0; i < ARRAY_SIZE(task); i++) {
		task[i] = kthread_run(join_crowd, &crowd, "shim");
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task[i]);
		get_task_struct(task[i]);
	}
	while (atomic_read(&crowd.nr_ready) < (int)ARRAY_SIZE(task))
		msleep(1);
	KUNIT_EXPECT_LE(test, atomic_read(&crowd.nr_private), SHIM_LAST_CPU);
	KUNIT_EXPECT_EQ(test, num_online_cpus(), SHIM_LAST_CPU);
	complete_all(&crowd.go);
	for (i = 0; i < ARRAY_SIZE(task); i++) {
		kthread_stop(task[i]);
		put_task_struct(task[i]);
	}
	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(crowd.counter, cpu);
	KUNIT_EXPECT_EQ(test, sum, 1000 * (int)ARRAY_SIZE(task));
	free_percpu(crowd.counter);
}

static void percpu_memory_is_zeroed_and_apart(struct kunit *test)
{
	u64 __percpu *a, *b;
	unsigned int cpu, round;

	for (round = 0; round < 2; round++) {
		a = alloc_percpu(u64);
		b = alloc_percpu(u64);
		KUNIT_ASSERT_NOT_NULL(test, a);
		KUNIT_ASSERT_NOT_NULL(test, b);
		for_each_possible_cpu(cpu) {
			KUNIT_EXPECT_EQ(test, *per_cpu_ptr(a, cpu), 0);
			*per_cpu_ptr(a, cpu) = cpu + 1;
		}
		for_each_possible_cpu(cpu)
			KUNIT_EXPECT_EQ(test, *per_cpu_ptr(b, cpu), 0);
		free_percpu(a);
		free_percpu(b);
	}
}

/* === Interrupts === */

struct irq_seen {
	struct hrtimer timer;
	pthread_t thread;
	unsigned int nr;
	unsigned int nr_wrong;
	bool soft;
};

static enum hrtimer_restart see_irq(struct hrtimer *timer)
{
	struct irq_seen *seen = container_of(timer, struct irq_seen, timer);
	bool right = pthread_equal(seen->thread, pthread_self());

	if (seen->soft)
		right &= in_serving_softirq() && !in_hardirq() &&
			 !irqs_disabled();
	else
		right &= in_hardirq() && irqs_disabled();
	right &= in_interrupt() && !in_task();
	seen->nr_wrong += !right;
	WRITE_ONCE(seen->nr, seen->nr + 1);
	hrtimer_forward_now(timer, ns_to_ktime(100000));
	return HRTIMER_RESTART;
}

static void start_irqs(struct irq_seen *seen, bool soft)
{
	*seen = (struct irq_seen){ .thread = pthread_self(), .soft = soft };
	hrtimer_setup(&seen->timer, see_irq, CLOCK_MONOTONIC,
		      soft ? HRTIMER_MODE_REL_PINNED_SOFT :
			     HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&seen->timer, ns_to_ktime(100000),
		      soft ? HRTIMER_MODE_REL_PINNED_SOFT :
			     HRTIMER_MODE_REL_PINNED_HARD);
}

/* Far longer than they take: one that is lost fails the case. */
#define IRQ_TIMEOUT (60 * HZ)

static void wait_for_irqs(struct kunit *test, struct irq_seen *seen,
			  unsigned int nr)
{
	unsigned long end = jiffies + IRQ_TIMEOUT;

	while (READ_ONCE(seen->nr) < nr && time_before(jiffies, end))
		cpu_relax();
	KUNIT_EXPECT_GE(test, READ_ONCE(seen->nr), nr);
}

static void signals_are_interrupts(struct kunit *test)
{
	struct irq_seen hard, soft;

	start_irqs(&hard, false);
	start_irqs(&soft, true);
	wait_for_irqs(test, &hard, 20);
	wait_for_irqs(test, &soft, 20);
	hrtimer_cancel(&hard.timer);
	hrtimer_cancel(&soft.timer);
	KUNIT_EXPECT_EQ(test, hard.nr_wrong, 0);
	KUNIT_EXPECT_EQ(test, soft.nr_wrong, 0);
	KUNIT_EXPECT_TRUE(test, in_task());
}

/* Hard and soft ones, each at any moment on the way of the others. */
static void interrupts_are_not_lost(struct kunit *test)
{
	struct irq_seen seen[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seen); i++)
		start_irqs(&seen[i], i % 2);
	for (i = 0; i < ARRAY_SIZE(seen); i++)
		wait_for_irqs(test, &seen[i], 2000);
	for (i = 0; i < ARRAY_SIZE(seen); i++) {
		hrtimer_cancel(&seen[i].timer);
		KUNIT_EXPECT_EQ(test, seen[i].nr_wrong, 0);
	}
}

static void interrupts_wait_while_they_are_off(struct kunit *test)
{
	struct irq_seen seen;
	unsigned long flags;
	unsigned int nr;

	start_irqs(&seen, false);
	wait_for_irqs(test, &seen, 1);
	local_irq_save(flags);
	nr = READ_ONCE(seen.nr);
	udelay(2000);
	KUNIT_EXPECT_EQ(test, READ_ONCE(seen.nr), nr);
	local_irq_restore(flags);
	/* The one that has waited runs at once. */
	KUNIT_EXPECT_GT(test, READ_ONCE(seen.nr), nr);
	hrtimer_cancel(&seen.timer);
}

struct late_irq {
	struct irq_seen seen;
	struct completion stopped;
	bool waits;
	bool go_on;
};

static int stop_timer_while_irq_waits(void *data)
{
	unsigned long end = jiffies + IRQ_TIMEOUT;
	struct late_irq *late = data;
	unsigned long flags;

	local_irq_save(flags);
	start_irqs(&late->seen, false);
	while (!shim_thread.hardirqs && time_before(jiffies, end))
		cpu_relax();
	late->waits = shim_thread.hardirqs;
	hrtimer_cancel(&late->seen.timer);
	complete(&late->stopped);
	while (!READ_ONCE(late->go_on))
		cpu_relax();
	local_irq_restore(flags);
	return 0;
}

/* It may be the same interrupt that still waits elsewhere. */
static void interrupts_that_wait_keep_nobody_elses(struct kunit *test)
{
	struct late_irq late = {};
	struct task_struct *task;
	struct irq_seen seen;

	init_completion(&late.stopped);
	task = kthread_run(stop_timer_while_irq_waits, &late, "shim");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	get_task_struct(task);
	wait_for_completion(&late.stopped);
	start_irqs(&seen, false);
	wait_for_irqs(test, &seen, 20);
	WRITE_ONCE(late.go_on, true);
	kthread_stop(task);
	put_task_struct(task);
	hrtimer_cancel(&seen.timer);
	KUNIT_EXPECT_TRUE(test, late.waits);
	KUNIT_EXPECT_EQ(test, late.seen.nr, 0);
	KUNIT_EXPECT_EQ(test, seen.nr_wrong, 0);
}

static enum hrtimer_restart allocate_in_irq(struct hrtimer *timer)
{
	if (!rt)
		kfree(kmalloc(100, GFP_ATOMIC));
	return see_irq(timer);
}

static void interrupts_do_not_meet_the_c_library(struct kunit *test)
{
	unsigned long end = jiffies + IRQ_TIMEOUT;
	struct irq_seen seen;

	start_irqs(&seen, false);
	seen.timer.function = allocate_in_irq;
	while (READ_ONCE(seen.nr) < 200 && time_before(jiffies, end))
		kfree(kmalloc(100, GFP_KERNEL));
	hrtimer_cancel(&seen.timer);
	KUNIT_EXPECT_GE(test, seen.nr, 200);
	KUNIT_EXPECT_EQ(test, seen.nr_wrong, 0);
}

static void lock_in_irq(raw_spinlock_t *lock)
{
	/* Stands for an interrupt: the lock's use in one is what counts. */
	preempt_count() += HARDIRQ_OFFSET;
	raw_spin_lock(lock);
	raw_spin_unlock(lock);
	preempt_count() -= HARDIRQ_OFFSET;
}

static void lock_that_an_interrupt_may_deadlock_on_is_caught(struct kunit *test)
{
	DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	raw_spin_unlock_irqrestore(&lock, flags);
	EXPECT_NO_WARNINGS(test, lock_in_irq(&lock));
	EXPECT_WARNINGS(test, 1, raw_spin_lock(&lock));
	raw_spin_unlock(&lock);
}

/* === RCU === */

enum reader_kind {
	READER_RCU,
	READER_PREEMPT,
	READER_IRQ,
	READER_MARK,
	READER_OUTERMOST,
	READER_CLEARED,
	NR_READERS,
};

struct reader {
	struct completion inside;
	bool leave;
	bool left;
	enum reader_kind kind;
};

static unsigned long read_begin(enum reader_kind kind)
{
	unsigned long flags = 0;

	if (kind == READER_RCU)
		rcu_read_lock();
	else if (kind == READER_PREEMPT)
		preempt_disable();
	else if (kind == READER_IRQ)
		local_irq_save(flags);
	else if (!(kind == READER_OUTERMOST ? cpu_trylock_fast() :
					      cpu_trylock()))
		BUG();
	if (kind == READER_CLEARED)
		__cpu_unlock();
	return flags;
}

static void read_end(enum reader_kind kind, unsigned long flags)
{
	if (kind == READER_RCU)
		rcu_read_unlock();
	else if (kind == READER_IRQ)
		local_irq_restore(flags);
	else if (kind == READER_MARK)
		cpu_unlock();
	else if (kind == READER_OUTERMOST)
		cpu_unlock_fast();
	else
		preempt_enable();
}

static int read_for_a_while(void *data)
{
	struct reader *reader = data;
	enum reader_kind kind = reader->kind;
	unsigned long flags;

	if (kind == READER_OUTERMOST && sections_are_shared())
		kind = READER_MARK;
	flags = read_begin(kind);
	complete(&reader->inside);
	while (!READ_ONCE(reader->leave))
		cpu_relax();
	WRITE_ONCE(reader->left, true);
	read_end(kind, flags);
	return 0;
}

static int let_go(void *data)
{
	struct reader *reader = data;

	msleep(20);
	WRITE_ONCE(reader->leave, true);
	return 0;
}

static void grace_period_waits_for_readers(struct kunit *test)
{
	struct task_struct *task, *helper;
	struct reader reader;
	enum reader_kind kind;

	for (kind = 0; kind < NR_READERS; kind++) {
		reader = (struct reader){ .kind = kind };
		init_completion(&reader.inside);
		task = kthread_run(read_for_a_while, &reader, "shim");
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
		get_task_struct(task);
		wait_for_completion(&reader.inside);
		helper = kthread_run(let_go, &reader, "shim");
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, helper);
		get_task_struct(helper);
		synchronize_rcu();
		KUNIT_EXPECT_TRUE_MSG(test, READ_ONCE(reader.left),
				      "kind of reader %d", kind);
		kthread_stop(helper);
		kthread_stop(task);
		put_task_struct(helper);
		put_task_struct(task);
	}
}

struct called {
	struct rcu_head rcu;
	unsigned int nr;
	bool in_softirq;
};

static void note_call(struct rcu_head *head)
{
	struct called *called = container_of(head, struct called, rcu);

	called->nr++;
	called->in_softirq = in_serving_softirq();
}

static void callbacks_have_run_after_a_barrier(struct kunit *test)
{
	struct called called = {};

	call_rcu(&called.rcu, note_call);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, called.nr, 1);
	KUNIT_EXPECT_TRUE(test, called.in_softirq);
}

static void wait_as_reader(void *arg)
{
	rcu_read_lock();
	synchronize_rcu();
}

static void reader_that_waits_for_readers_is_caught(struct kunit *test)
{
	if (strict)
		KUNIT_EXPECT_TRUE(test, dies(wait_as_reader, NULL));
}

/* === Work items === */

struct job {
	struct work_struct work;
	struct completion *wait;
	struct completion began;
	atomic_t nr;
	atomic_t running;
	bool overlapped;
};

static void do_job(struct work_struct *work)
{
	struct job *job = container_of(work, struct job, work);

	if (atomic_inc_return(&job->running) > 1)
		job->overlapped = true;
	complete(&job->began);
	if (job->wait)
		wait_for_completion(job->wait);
	else
		msleep(1);
	atomic_dec(&job->running);
	atomic_inc(&job->nr);
}

static void init_job(struct job *job, struct completion *wait)
{
	memset(job, 0, sizeof(*job));
	INIT_WORK(&job->work, do_job);
	init_completion(&job->began);
	job->wait = wait;
}

static void work_items_run_once_at_a_time(struct kunit *test)
{
	struct workqueue_struct *wq = alloc_workqueue("shim", 0, 0);
	unsigned int i;
	struct job job;

	KUNIT_ASSERT_NOT_NULL(test, wq);
	init_job(&job, NULL);
	for (i = 0; i < 20; i++) {
		queue_work(wq, &job.work);
		usleep_range(200, 200);
	}
	flush_work(&job.work);
	KUNIT_EXPECT_FALSE(test, job.overlapped);
	KUNIT_EXPECT_GT(test, atomic_read(&job.nr), 0);
	KUNIT_EXPECT_FALSE(test, work_pending(&job.work));
	destroy_workqueue(wq);
}

static void work_items_may_wait_for_others(struct kunit *test)
{
	struct workqueue_struct *wq = alloc_workqueue("shim", 0, 1);
	struct completion done;
	struct job first, second;

	KUNIT_ASSERT_NOT_NULL(test, wq);
	init_completion(&done);
	init_job(&first, &done);
	init_job(&second, NULL);
	queue_work(wq, &first.work);
	wait_for_completion(&first.began);
	KUNIT_EXPECT_TRUE(test, queue_work(wq, &second.work));
	flush_work(&second.work);
	KUNIT_EXPECT_EQ(test, atomic_read(&second.nr), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&first.nr), 0);
	complete(&done);
	destroy_workqueue(wq);
	KUNIT_EXPECT_EQ(test, atomic_read(&first.nr), 1);
}

static void do_nothing(struct work_struct *work)
{
}

static void cancelled_work_items_do_not_run(struct kunit *test)
{
	struct workqueue_struct *wq = alloc_workqueue("shim", 0, 0);
	struct delayed_work dwork;

	KUNIT_ASSERT_NOT_NULL(test, wq);
	INIT_DELAYED_WORK(&dwork, do_nothing);
	KUNIT_EXPECT_TRUE(test, queue_delayed_work(wq, &dwork, 1000 * HZ));
	KUNIT_EXPECT_FALSE(test, queue_delayed_work(wq, &dwork, 1));
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&dwork));
	KUNIT_EXPECT_TRUE(test, cancel_delayed_work_sync(&dwork));
	KUNIT_EXPECT_FALSE(test, cancel_delayed_work_sync(&dwork));
	queue_delayed_work(wq, &dwork, 1000 * HZ);
	KUNIT_EXPECT_TRUE(test, mod_delayed_work(wq, &dwork, 1));
	while (delayed_work_pending(&dwork))
		msleep(1);
	destroy_workqueue(wq);
}

#define NR_QUEUED 64

struct queueing {
	struct workqueue_struct *wq;
	struct work_struct works[NR_QUEUED];
};

static int queue_until_stopped(void *arg)
{
	struct queueing *q = arg;
	unsigned int i = 0;

	while (!kthread_should_stop())
		queue_work(q->wq, &q->works[i++ % NR_QUEUED]);
	return 0;
}

/* What was marked and not queued was waited for without end. */
static void flush_in_child(struct queueing *q)
{
	unsigned int i;

	shim_work_fork_child();
	shim_cpu_fork_child();
	shim_lock_fork_done(true);
	signal(SIGALRM, SIG_DFL);
	alarm(20);
	for (i = 0; i < NR_QUEUED; i++)
		flush_work(&q->works[i]);
	_exit(EXIT_SUCCESS);
}

static bool child_flushes(struct queueing *q)
{
	int status;
	pid_t pid;

	shim_lock_fork_prepare();
	pid = fork();
	if (!pid)
		flush_in_child(q);
	shim_lock_fork_done(false);
	waitpid(pid, &status, 0);
	return pid > 0 && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* As the library forks. */
static void forked_child_has_all_work_or_none(struct kunit *test)
{
	struct task_struct *thread;
	struct queueing *q;
	bool ok = true;
	unsigned int i;

	if (strict)
		return;
	q = kunit_kzalloc(test, sizeof(*q), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, q);
	q->wq = alloc_workqueue("shim_queueing", WQ_UNBOUND, 0);
	KUNIT_ASSERT_NOT_NULL(test, q->wq);
	for (i = 0; i < NR_QUEUED; i++)
		INIT_WORK(&q->works[i], do_nothing);
	thread = kthread_run(queue_until_stopped, q, "shim_queueing");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	for (i = 0; i < 100 && ok; i++)
		ok = child_flushes(q);
	KUNIT_EXPECT_TRUE(test, ok);
	kthread_stop(thread);
	destroy_workqueue(q->wq);
}

static enum hrtimer_restart queue_in_irq(struct hrtimer *timer)
{
	struct irq_seen *seen = container_of(timer, struct irq_seen, timer);
	struct job **job = (struct job **)(seen + 1);

	queue_work((*job)->work.wq, &(*job)->work);
	return see_irq(timer);
}

static void work_items_are_queued_in_interrupts(struct kunit *test)
{
	struct workqueue_struct *wq = alloc_workqueue("shim", 0, 0);
	unsigned long end = jiffies + IRQ_TIMEOUT;
	struct {
		struct irq_seen seen;
		struct job *job;
	} irq;
	struct job job;

	KUNIT_ASSERT_NOT_NULL(test, wq);
	init_job(&job, NULL);
	job.work.wq = wq;
	irq.job = &job;
	start_irqs(&irq.seen, false);
	irq.seen.timer.function = queue_in_irq;
	while (atomic_read(&job.nr) < 5 && time_before(jiffies, end))
		msleep(1);
	hrtimer_cancel(&irq.seen.timer);
	flush_work(&job.work);
	KUNIT_EXPECT_GE(test, atomic_read(&job.nr), 5);
	KUNIT_EXPECT_FALSE(test, job.overlapped);
	destroy_workqueue(wq);
}

/* === debugfs === */

struct shown {
	struct completion inside;
	struct completion go;
	bool hold;
	unsigned int nr_shown;
	unsigned int nr_lines;
};

static int shown_show(struct seq_file *m, void *unused)
{
	struct shown *shown = m->private;
	unsigned int i;

	shown->nr_shown++;
	if (shown->hold) {
		complete(&shown->inside);
		wait_for_completion(&shown->go);
	}
	for (i = 0; i < shown->nr_lines; i++)
		seq_printf(m, "line %u\n", i);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(shown);

static int read_shown(void *data)
{
	char buf[64];

	return shim_debugfs_read("shim/file", buf, sizeof(buf)) <= 0;
}

static int release_shown(void *data)
{
	struct shown *shown = data;

	msleep(20);
	shown->nr_lines = 1;
	complete(&shown->go);
	return 0;
}

static void debugfs_names_are_unique(struct kunit *test)
{
	struct dentry *dir = debugfs_create_dir("shim", NULL);
	struct dentry *file;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dir);
	KUNIT_EXPECT_EQ(test, PTR_ERR(debugfs_create_dir("shim", NULL)),
			-EEXIST);
	file = debugfs_create_file("file", 0400, dir, NULL, &shown_fops);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, file);
	file = debugfs_create_file("file", 0400, dir, NULL, &shown_fops);
	KUNIT_EXPECT_EQ(test, PTR_ERR(file), -EEXIST);
	file = debugfs_create_file("file", 0400, ERR_PTR(-ENOMEM), NULL,
				   &shown_fops);
	KUNIT_EXPECT_EQ(test, PTR_ERR(file), -ENOMEM);
	debugfs_remove(dir);
	dir = debugfs_create_dir("shim", NULL);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, dir);
	debugfs_remove(dir);
}

static void debugfs_buffer_grows(struct kunit *test)
{
	struct shown shown = { .nr_lines = 5000 };
	struct dentry *dir = debugfs_create_dir("shim", NULL);
	char *buf = kvzalloc(100000, GFP_KERNEL);
	ssize_t len;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	debugfs_create_file("file", 0400, dir, &shown, &shown_fops);
	len = shim_debugfs_read("shim/file", buf, 99999);
	KUNIT_EXPECT_EQ(test, len, 10 * 7 + 90 * 8 + 900 * 9 + 4000 * 10);
	KUNIT_EXPECT_STREQ(test, buf + len - 10, "line 4999\n");
	KUNIT_EXPECT_GT(test, shown.nr_shown, 1);
	KUNIT_EXPECT_EQ(test, shim_debugfs_read("shim/none", buf, 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, shim_debugfs_read("shim", buf, 1), -EISDIR);
	kvfree(buf);
	debugfs_remove(dir);
}

static void debugfs_removal_waits_for_readers(struct kunit *test)
{
	struct shown shown = { .hold = true };
	struct task_struct *reader, *helper;
	struct shim_file *file;
	struct dentry *dir;
	char buf[64];

	init_completion(&shown.inside);
	init_completion(&shown.go);
	dir = debugfs_create_dir("shim", NULL);
	debugfs_create_file("file", 0400, dir, &shown, &shown_fops);
	file = shim_debugfs_open("shim/file");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_GT(test, module_refcount(THIS_MODULE), 0);
	reader = kthread_run(read_shown, NULL, "shim");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, reader);
	get_task_struct(reader);
	wait_for_completion(&shown.inside);
	helper = kthread_run(release_shown, &shown, "shim");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, helper);
	get_task_struct(helper);
	debugfs_remove(dir);
	KUNIT_EXPECT_EQ(test, shown.nr_lines, 1);
	/* Nothing begins any more, on a file that was open before either. */
	KUNIT_EXPECT_EQ(test, shim_debugfs_read_file(file, buf, sizeof(buf)),
			-EIO);
	shim_debugfs_close(file);
	KUNIT_EXPECT_EQ(test, kthread_stop(reader), 0);
	kthread_stop(helper);
	put_task_struct(reader);
	put_task_struct(helper);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), 0);
}

/* === Modules and shrinkers === */

static void module_with_users_stays(struct kunit *test)
{
	__module_get(&shim_module);
	KUNIT_EXPECT_EQ(test, shim_unload_module(), -EBUSY);
	module_put(&shim_module);
	KUNIT_EXPECT_EQ(test, module_refcount(&shim_module), 0);
	shim_expect_warnings(1);
	module_put(&shim_module);
	__module_get(&shim_module);
}

static unsigned long count_some(struct shrinker *shrinker,
				struct shrink_control *sc)
{
	return *(unsigned long *)shrinker->private_data;
}

static unsigned long scan_some(struct shrinker *shrinker,
			       struct shrink_control *sc)
{
	unsigned long *some = shrinker->private_data;
	unsigned long nr = min(*some, sc->nr_to_scan);

	*some -= nr;
	return nr;
}

static void shrinkers_are_called(struct kunit *test)
{
	struct shrinker *shrinker = shrinker_alloc(0, "shim");
	unsigned long some = 10;

	KUNIT_ASSERT_NOT_NULL(test, shrinker);
	shrinker->count_objects = count_some;
	shrinker->scan_objects = scan_some;
	shrinker->private_data = &some;
	shrinker_register(shrinker);
	shim_shrink_all(4);
	KUNIT_EXPECT_EQ(test, some, 6);
	shrinker_free(shrinker);
	shim_shrink_all(4);
	KUNIT_EXPECT_EQ(test, some, 6);
}

static struct kunit_case shim_cases[] = {
	KUNIT_CASE(sleeping_in_atomic_is_caught),
	KUNIT_CASE(allocation_that_may_sleep_is_caught),
	KUNIT_CASE(unbalanced_preemption_is_caught),
	KUNIT_CASE(interrupts_off_nest),
	KUNIT_CASE(this_cpu_where_it_may_change_is_caught),
	KUNIT_CASE(mark_is_set_once),
	KUNIT_CASE(mark_is_apart_from_its_section),
	KUNIT_CASE(lock_of_another_is_caught),
	KUNIT_CASE(deadlock_with_oneself_is_caught),
	KUNIT_CASE(irq_work_runs_in_an_interrupt),
	KUNIT_CASE(nmi_finds_the_cpu_lock_taken),
	KUNIT_CASE(lock_unless_held_tells),
	KUNIT_CASE(refcount_saturates),
	KUNIT_CASE(broken_list_is_caught),
	KUNIT_CASE(once_is_once),
	KUNIT_CASE(ratelimit_limits),
	KUNIT_CASE(kernel_formats_are_printed),
	KUNIT_CASE(jiffies_are_never_ahead_of_the_clock),
	KUNIT_CASE(jiffies_tick),
	KUNIT_CASE(nth_allocation_fails),
	KUNIT_CASE(flags_that_slab_does_not_know_are_caught),
	KUNIT_CASE(absurd_size_is_caught),
	KUNIT_CASE(memory_is_as_promised),
	KUNIT_CASE(init_on_alloc_zeroes),
	KUNIT_CASE(object_is_ordered_after_its_last_use),
	KUNIT_CASE(cache_is_found_all_over_its_slabs),
	KUNIT_CASE(cache_is_that_of_the_last_slab),
	KUNIT_CASE(addresses_elsewhere_have_no_cache),
	KUNIT_CASE(addresses_around_slabs_have_no_cache),
	KUNIT_CASE(forked_child_frees_for_itself),
	KUNIT_CASE(destroying_a_cache_in_use_is_caught),
	KUNIT_CASE(second_cache_of_a_name_is_caught),
	KUNIT_CASE(misuse_of_memory_is_caught),
	KUNIT_CASE(thread_is_a_cpu),
	KUNIT_CASE(more_threads_than_cpus),
	KUNIT_CASE(preemption_moves_threads),
	KUNIT_CASE(percpu_memory_is_zeroed_and_apart),
	KUNIT_CASE(signals_are_interrupts),
	KUNIT_CASE(interrupts_are_not_lost),
	KUNIT_CASE(interrupts_wait_while_they_are_off),
	KUNIT_CASE(interrupts_that_wait_keep_nobody_elses),
	KUNIT_CASE(interrupts_do_not_meet_the_c_library),
	KUNIT_CASE(lock_that_an_interrupt_may_deadlock_on_is_caught),
	KUNIT_CASE(grace_period_waits_for_readers),
	KUNIT_CASE(callbacks_have_run_after_a_barrier),
	KUNIT_CASE(reader_that_waits_for_readers_is_caught),
	KUNIT_CASE(work_items_run_once_at_a_time),
	KUNIT_CASE(work_items_may_wait_for_others),
	KUNIT_CASE(cancelled_work_items_do_not_run),
	KUNIT_CASE(forked_child_has_all_work_or_none),
	KUNIT_CASE(work_items_are_queued_in_interrupts),
	KUNIT_CASE(debugfs_names_are_unique),
	KUNIT_CASE(debugfs_buffer_grows),
	KUNIT_CASE(debugfs_removal_waits_for_readers),
	KUNIT_CASE(module_with_users_stays),
	KUNIT_CASE(shrinkers_are_called),
	{}
};

static struct kunit_suite shim_suite = {
	.name = "shim",
	.test_cases = shim_cases,
};

kunit_test_suites(&shim_suite);
