// SPDX-License-Identifier: GPL-2.0
/* bytepool test cases - typed object pools */
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "cases.h"

#define MARK 0x600df00d

/**
 * struct thing - an object that is something to construct
 * @serial: which one it is
 * @mark: set by who has it; 0 as constructed
 * @owned: memory that init gets and fini gives back
 */
struct thing {
	u64 serial;
	u32 mark;
	void *owned;
};

/**
 * struct wide_thing - an object that is aligned to more than most
 * @value: something
 */
struct wide_thing {
	u32 value;
} __aligned(256);

DEFINE_BYTEPOOL_OBJECTS(thing, struct thing);
DEFINE_BYTEPOOL_OBJECTS(wide, struct wide_thing);
DEFINE_BYTEPOOL_OBJECTS(number, int);

/* What the functions below have seen: they get nothing but the object. */
static struct {
	atomic_t init;
	atomic_t fini;
	atomic_t in_wrong_context;
	unsigned int fail_at;
	gfp_t gfp;
} seen;

static int thing_init(struct thing *thing, gfp_t gfp)
{
	unsigned int nr = atomic_inc_return(&seen.init);

	WRITE_ONCE(seen.gfp, gfp);
	if (nr == seen.fail_at)
		return -ENOMEM;
	thing->serial = nr;
	thing->mark = 0;
	thing->owned = kmalloc(16, gfp);
	return thing->owned ? 0 : -ENOMEM;
}

static void thing_fini(struct thing *thing)
{
	if (!in_task() || irqs_disabled())
		atomic_inc(&seen.in_wrong_context);
	kfree(thing->owned);
	atomic_inc(&seen.fini);
}

static int objects_init(struct kunit *test)
{
	atomic_set(&seen.init, 0);
	atomic_set(&seen.fini, 0);
	atomic_set(&seen.in_wrong_context, 0);
	seen.fail_at = 0;
	return bpt_init(test);
}

static struct thing_pool *thing_pool(struct kunit *test)
{
	struct thing_pool *pool;

	pool = thing_pool_create("kunit", thing_init, thing_fini);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	return pool;
}

/* Destroys a pool whose objects are all back. */
static void destroy_thing_pool(struct kunit *test, struct thing_pool *pool)
{
	unsigned int made = atomic_read(&seen.init) - !!seen.fail_at;

	thing_pool_destroy(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.fini), made);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.in_wrong_context), 0);
}

/* === Construction === */

static void objects_are_constructed_by_init(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);
	struct thing *thing[3];
	unsigned int i;

	KUNIT_EXPECT_EQ(test, atomic_read(&seen.init), 0);
	for (i = 0; i < 3; i++) {
		thing[i] = thing_pool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, thing[i]);
		KUNIT_EXPECT_EQ(test, thing[i]->serial, i + 1);
		KUNIT_EXPECT_EQ(test, thing[i]->mark, 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.fini), 0);
	while (i)
		thing_pool_put(pool, thing[--i]);
	destroy_thing_pool(test, pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.fini), 3);
}

static void objects_keep_their_content(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);
	struct thing *thing;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		int made = atomic_read(&seen.init);

		thing = thing_pool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, thing);
		/* As the last put left it, or as init made it just now. */
		KUNIT_EXPECT_EQ(test, thing->mark,
				!i || atomic_read(&seen.init) > made ? 0 :
								       MARK);
		thing->mark = MARK;
		thing_pool_put(pool, thing);
	}
	if (bpt_recycles(test, 0))
		KUNIT_EXPECT_EQ(test, atomic_read(&seen.init), 1);
	destroy_thing_pool(test, pool);
}

/* Zeroing would undo the construction, so __GFP_ZERO does not. */
static void objects_are_not_zeroed(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);
	struct thing *thing;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		thing = thing_pool_get(pool, GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(test, thing);
		KUNIT_EXPECT_NE(test, thing->serial, 0);
		KUNIT_EXPECT_NOT_NULL(test, thing->owned);
		thing_pool_put(pool, thing);
	}
	destroy_thing_pool(test, pool);
}

static void objects_init_gets_the_callers_gfp(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);
	struct thing *thing[2];

	thing[0] = thing_pool_get(pool, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, seen.gfp & __GFP_DIRECT_RECLAIM);
	thing[1] = thing_pool_get(pool, GFP_ATOMIC);
	KUNIT_EXPECT_FALSE(test, seen.gfp & __GFP_DIRECT_RECLAIM);
	thing_pool_put(pool, thing[0]);
	thing_pool_put(pool, thing[1]);
	destroy_thing_pool(test, pool);
}

static const unsigned int failures[] = { 1, 2, 5, 20 };

static void failure_desc(const unsigned int *nr, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "at object %u", *nr);
}

KUNIT_ARRAY_PARAM(failure, failures, failure_desc);

/* The get fails, the next one does not, and fini sees only what init made. */
static void objects_init_fails_at_the_nth(struct kunit *test)
{
	const unsigned int *nr = test->param_value;
	struct thing_pool *pool = thing_pool(test);
	struct thing *thing[20];
	unsigned int i;

	seen.fail_at = *nr;
	for (i = 0; i < 20; i++) {
		thing[i] = thing_pool_get(pool, GFP_KERNEL);
		if (i + 1 == *nr)
			KUNIT_EXPECT_NULL(test, thing[i]);
		else
			KUNIT_EXPECT_NOT_NULL(test, thing[i]);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.init), 20);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.fini), 0);
	for (i = 0; i < 20; i++)
		if (thing[i])
			thing_pool_put(pool, thing[i]);
	destroy_thing_pool(test, pool);
}

static void objects_without_init_and_fini(struct kunit *test)
{
	struct thing_pool *pool = thing_pool_create("kunit", NULL, NULL);
	struct thing *thing[20];
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	for (i = 0; i < 20; i++) {
		thing[i] = thing_pool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, thing[i]);
		bpt_stamp(thing[i], sizeof(*thing[i]), i);
	}
	for (i = 0; i < 20; i++) {
		KUNIT_EXPECT_TRUE(test,
				  bpt_stamped(thing[i], sizeof(*thing[i]), i));
		thing_pool_put(pool, thing[i]);
	}
	thing_pool_destroy(pool);
}

static void objects_with_init_alone(struct kunit *test)
{
	struct thing_pool *pool = thing_pool_create("kunit", thing_init, NULL);
	struct thing *thing;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	thing = thing_pool_get(pool, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, thing);
	KUNIT_EXPECT_EQ(test, thing->serial, 1);
	kfree(thing->owned);
	thing_pool_put(pool, thing);
	thing_pool_destroy(pool);
}

/* === Types === */

static void objects_of_int(struct kunit *test)
{
	struct number_pool *pool = number_pool_create("kunit", NULL, NULL);
	int *number[100], i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	for (i = 0; i < 100; i++) {
		number[i] = number_pool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, number[i]);
		*number[i] = i;
	}
	for (i = 0; i < 100; i++) {
		KUNIT_EXPECT_EQ(test, *number[i], i);
		number_pool_put(pool, number[i]);
	}
	number_pool_destroy(pool);
}

static int wide_init(struct wide_thing *wide, gfp_t gfp)
{
	wide->value = MARK;
	return 0;
}

static void objects_of_an_overaligned_type(struct kunit *test)
{
	struct wide_pool *pool = wide_pool_create("kunit", wide_init, NULL);
	struct wide_thing *wide[20];
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	for (i = 0; i < 20; i++) {
		wide[i] = wide_pool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, wide[i]);
		KUNIT_EXPECT_EQ(test, (unsigned long)wide[i] % 256, 0);
		KUNIT_EXPECT_EQ(test, wide[i]->value, MARK);
	}
	while (i)
		wide_pool_put(pool, wide[--i]);
	wide_pool_destroy(pool);
}

/* === Refusals === */

static void expect_refused(struct kunit *test, struct thing_pool *pool, int err)
{
	KUNIT_EXPECT_TRUE(test, IS_ERR(pool));
	KUNIT_EXPECT_EQ(test, PTR_ERR(pool), err);
	thing_pool_destroy(pool);
}

static const char *const bad_names[] = {
	NULL,  "",     ".",   "..",
	"a/b", "a b",  "a\n", "p\303\266l",
	"a%s", "a\"b", "a\\", "abcdefghijklmnopqrstuvwxyz012345",
};

static void objects_bad_name_is_refused(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_names); i++)
		expect_refused(test,
			       thing_pool_create(bad_names[i], thing_init,
						 thing_fini),
			       -EINVAL);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.init), 0);
	destroy_thing_pool(test, thing_pool(test));
}

static void objects_name_in_use_exists(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);

	expect_refused(test, thing_pool_create("kunit", NULL, NULL), -EEXIST);
	destroy_thing_pool(test, pool);
	destroy_thing_pool(test, thing_pool(test));
}

static void objects_and_buffers_share_the_names(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct thing_pool *things = thing_pool(test);
	struct bytepool *pool = bytepool_create(&config);

	KUNIT_EXPECT_TRUE(test, IS_ERR(pool));
	KUNIT_EXPECT_EQ(test, PTR_ERR(pool), -EEXIST);
	bytepool_destroy(pool);
	destroy_thing_pool(test, things);
	bpt_pool(test, &config);
	expect_refused(test, thing_pool_create("kunit", NULL, NULL), -EEXIST);
}

static void objects_bad_gfp_is_refused(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);

	KUNIT_EXPECT_NULL(test, thing_pool_get(pool, GFP_KERNEL | __GFP_DMA));
	KUNIT_EXPECT_NULL(test,
			  thing_pool_get(pool, GFP_KERNEL | __GFP_ACCOUNT));
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.init), 0);
	destroy_thing_pool(test, pool);
}

static void objects_use_of_no_pool_is_refused(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);

	KUNIT_EXPECT_NULL(test, thing_pool_get(NULL, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, thing_pool_get(ERR_PTR(-ENOMEM), GFP_KERNEL));
	thing_pool_put(NULL, NULL);
	thing_pool_put(pool, NULL);
	destroy_thing_pool(test, pool);
}

static void objects_destroy_of_no_pool_does_nothing(struct kunit *test)
{
	thing_pool_destroy(NULL);
	thing_pool_destroy(ERR_PTR(-ENOMEM));
}

/* === The end of a pool === */

static void objects_fini_runs_before_destroy_returns(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);
	struct thing *thing[200];
	unsigned int i;

	for (i = 0; i < 200; i++) {
		thing[i] = thing_pool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, thing[i]);
	}
	while (i)
		thing_pool_put(pool, thing[--i]);
	destroy_thing_pool(test, pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.fini), 200);
}

struct end {
	struct work_struct work;
	struct thing_pool *pool;
};

static void end_fn(struct work_struct *work)
{
	thing_pool_destroy(container_of(work, struct end, work)->pool);
}

/*
 * Drivers reset and remove devices in such workers. What waits for a queue
 * without a rescuer there is a warning.
 */
static void objects_destroy_in_a_worker_with_a_rescuer(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);
	struct workqueue_struct *wq;
	struct thing *thing[200];
	struct end end = { .pool = pool };
	unsigned int i;

	wq = alloc_workqueue("kunit", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	KUNIT_ASSERT_NOT_NULL(test, wq);
	INIT_WORK_ONSTACK(&end.work, end_fn);
	for (i = 0; i < 200; i++) {
		thing[i] = thing_pool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, thing[i]);
	}
	/* Some are on their way to the pool's own worker meanwhile. */
	while (i)
		thing_pool_put(pool, thing[--i]);
	queue_work(wq, &end.work);
	flush_work(&end.work);
	destroy_work_on_stack(&end.work);
	destroy_workqueue(wq);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.fini), 200);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.in_wrong_context), 0);
}

/* An object that owns pools: its fini ends them. */
struct owner {
	struct bytepool *pool;
	struct thing_pool *things;
	struct thing *thing;
};

DEFINE_BYTEPOOL_OBJECTS(owner, struct owner);

static int owner_init(struct owner *owner, gfp_t gfp)
{
	owner->pool = NULL;
	owner->things = NULL;
	return 0;
}

static void owner_fini(struct owner *owner)
{
	bytepool_destroy(owner->pool);
	if (!owner->things)
		return;
	/* Where things are not recycled, one is on its way to a worker then. */
	thing_pool_put(owner->things, owner->thing);
	thing_pool_destroy(owner->things);
}

static void objects_fini_may_destroy_a_pool(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct owner_pool *pool;
	struct owner *owner;

	pool = owner_pool_create("kunit-owners", owner_init, owner_fini);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	owner = owner_pool_get(pool, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, owner);
	config.name = "kunit-owned";
	owner->pool = bytepool_create(&config);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, owner->pool);
	bytepool_put(owner->pool, bpt_get(test, owner->pool, 100));
	owner_pool_put(pool, owner);
	owner_pool_destroy(pool);
	/* Its name is free again. */
	bpt_pool(test, &config);
}

/*
 * In a pool that does not recycle the worker calls fini. Waiting there for other
 * work of its own queue is an error that lockdep knows.
 */
static void objects_fini_may_destroy_a_typed_pool(struct kunit *test)
{
	struct owner_pool *pool;
	struct owner *owner;
	unsigned int i;

	pool = owner_pool_create("kunit-owners", owner_init, owner_fini);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	for (i = 0; i < 20; i++) {
		owner = owner_pool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, owner);
		/* The next owner's pool has its name. */
		owner->things = thing_pool(test);
		owner->thing = thing_pool_get(owner->things, GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL(test, owner->thing);
		owner_pool_put(pool, owner);
		owner_pool_destroy(pool);
		KUNIT_EXPECT_EQ(test, atomic_read(&seen.fini), i + 1);
		pool = owner_pool_create("kunit-owners", owner_init,
					 owner_fini);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	}
	owner_pool_destroy(pool);
}

/* The memory of what is out goes back without fini, whose module may go. */
static void objects_out_at_destroy_are_not_finished(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);
	struct thing *out[3], *back;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		out[i] = thing_pool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, out[i]);
	}
	back = thing_pool_get(pool, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, back);
	thing_pool_put(pool, back);
	thing_pool_destroy(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.fini), 1);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, out[i]->serial, i + 1);
		kfree(out[i]->owned);
		thing_pool_put(pool, out[i]);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.fini), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.in_wrong_context), 0);
}

static void objects_get_from_a_dead_pool_is_refused(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);
	struct thing *out = thing_pool_get(pool, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, out);
	thing_pool_destroy(pool);
	KUNIT_EXPECT_NULL(test, thing_pool_get(pool, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.init), 1);
	/* The name is free, while the object is out. */
	thing_pool_destroy(thing_pool(test));
	kfree(out->owned);
	thing_pool_put(pool, out);
}

/* === Contexts and CPUs === */

/* fini runs in process context even if put finds no room in another. */
static void objects_put_with_interrupts_off(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);
	struct thing *thing[200];
	unsigned long flags;
	unsigned int i;
	bool off;

	local_irq_save(flags);
	for (i = 0; i < 200; i++)
		thing[i] = thing_pool_get(pool, GFP_ATOMIC);
	off = irqs_disabled();
	local_irq_restore(flags);
	KUNIT_EXPECT_TRUE(test, off);
	/* On PREEMPT_RT none can be made there. */
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.init),
			IS_ENABLED(CONFIG_PREEMPT_RT) ? 0 : 200);
	for (i = 0; i < 200; i++) {
		thing[i] = thing[i] ?: thing_pool_get(pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, thing[i]);
	}
	local_irq_save(flags);
	while (i--)
		thing_pool_put(pool, thing[i]);
	off = irqs_disabled();
	local_irq_restore(flags);
	KUNIT_EXPECT_TRUE(test, off);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen.init), 200);
	destroy_thing_pool(test, pool);
}

static void use_things(struct bpt_crew *crew, unsigned int thread)
{
	struct thing *thing[8];
	unsigned int i, j;

	for (i = 0; i < BPT_ROUNDS; i++) {
		for (j = 0; j < 8; j++) {
			thing[j] = thing_pool_get(crew->arg, GFP_KERNEL);
			if (thing[j])
				WRITE_ONCE(thing[j]->mark, 8 * thread + j);
		}
		for (j = 0; j < 8; j++) {
			KUNIT_EXPECT_NOT_NULL(crew->test, thing[j]);
			if (!thing[j])
				continue;
			KUNIT_EXPECT_EQ(crew->test, thing[j]->mark,
					8 * thread + j);
			thing_pool_put(crew->arg, thing[j]);
		}
	}
}

static void objects_have_one_owner_on_all_cpus(struct kunit *test)
{
	struct thing_pool *pool = thing_pool(test);

	bpt_run(test, bpt_nr_threads(), use_things, pool);
	destroy_thing_pool(test, pool);
}

static struct kunit_case objects_cases[] = {
	KUNIT_CASE(objects_are_constructed_by_init),
	KUNIT_CASE(objects_keep_their_content),
	KUNIT_CASE(objects_are_not_zeroed),
	KUNIT_CASE(objects_init_gets_the_callers_gfp),
	KUNIT_CASE_PARAM(objects_init_fails_at_the_nth, failure_gen_params),
	KUNIT_CASE(objects_without_init_and_fini),
	KUNIT_CASE(objects_with_init_alone),
	KUNIT_CASE(objects_of_int),
	KUNIT_CASE(objects_of_an_overaligned_type),
	KUNIT_CASE(objects_bad_name_is_refused),
	KUNIT_CASE(objects_name_in_use_exists),
	KUNIT_CASE(objects_and_buffers_share_the_names),
	KUNIT_CASE(objects_bad_gfp_is_refused),
	KUNIT_CASE(objects_use_of_no_pool_is_refused),
	KUNIT_CASE(objects_destroy_of_no_pool_does_nothing),
	KUNIT_CASE(objects_fini_runs_before_destroy_returns),
	KUNIT_CASE(objects_destroy_in_a_worker_with_a_rescuer),
	KUNIT_CASE(objects_fini_may_destroy_a_pool),
	KUNIT_CASE(objects_fini_may_destroy_a_typed_pool),
	KUNIT_CASE(objects_out_at_destroy_are_not_finished),
	KUNIT_CASE(objects_get_from_a_dead_pool_is_refused),
	KUNIT_CASE(objects_put_with_interrupts_off),
	KUNIT_CASE(objects_have_one_owner_on_all_cpus),
	{}
};

struct kunit_suite bpt_objects_suite = {
	.name = "bytepool_objects",
	.init = objects_init,
	.exit = bpt_exit,
	.test_cases = objects_cases,
};
