// SPDX-License-Identifier: GPL-2.0
/* bytepool test cases - what bytepool_create() takes, and what it refuses */
#include <linux/device.h>
#include <linux/limits.h>
#include <linux/sizes.h>

#include "cases.h"

/* === Refusals === */

/**
 * struct refusal - a config that cannot be
 * @why: what is wrong
 * @config: the config
 */
struct refusal {
	const char *why;
	struct bytepool_config config;
};

static const size_t size_page[] = { 4096 };
static const size_t size_zero[] = { 0 };
static const size_t size_zero_later[] = { 64, 0 };
static const size_t size_descending[] = { 8192, 4096 };
static const size_t size_twice[] = { 4096, 4096 };
static const size_t size_twice_rounded[] = { 65, 128 };
static const size_t size_descending_rounded[] = { 128, 100 };
static const size_t size_too_large[] = { BYTEPOOL_MAX_SIZE + 1 };
static const size_t size_too_large_later[] = { 64, BYTEPOOL_MAX_SIZE + 64 };
static const size_t size_absurd[] = { SIZE_MAX };
static const size_t size_wraps[] = { SIZE_MAX - 62 };

/* One more than there may be. */
static const size_t size_33[BYTEPOOL_MAX_TIERS + 1] = {
	64,   128,  192,  256,	320,  384,  448,  512,	576,  640,  704,
	768,  832,  896,  960,	1024, 1088, 1152, 1216, 1280, 1344, 1408,
	1472, 1536, 1600, 1664, 1728, 1792, 1856, 1920, 1984, 2048, 2112,
};

/* clang-format off */
#define REFUSED_NAME(reason, text)					\
	{ reason, { .name = text, .sizes = size_page, .nr_sizes = 1 } }
#define REFUSED_NR(reason, array, nr)					\
	{ reason, { .name = "kunit", .sizes = array, .nr_sizes = nr } }
#define REFUSED_SIZES(reason, array)					\
	REFUSED_NR(reason, array, sizeof(array) / sizeof(size_t))
#define REFUSED_FIELD(reason, field, value)				\
	{ reason, { .name = "kunit", .sizes = size_page,		\
		    .nr_sizes = 1, .field = value } }
/* clang-format on */

static const struct refusal refusals[] = {
	REFUSED_NAME("no name", NULL),
	REFUSED_NAME("empty name", ""),
	REFUSED_NAME("name of 32 characters",
		     "abcdefghijklmnopqrstuvwxyz012345"),
	REFUSED_NAME("name of 40 characters",
		     "abcdefghijklmnopqrstuvwxyz01234567890123"),
	REFUSED_NAME("name is the directory itself", "."),
	REFUSED_NAME("name is the directory above", ".."),
	REFUSED_NAME("name with a slash", "a/b"),
	REFUSED_NAME("name with a space", "a b"),
	REFUSED_NAME("name with a newline", "a\n"),
	REFUSED_NAME("name with a percent sign", "a%s"),
	REFUSED_NAME("name with a quotation mark", "a\"b"),
	REFUSED_NAME("name with a backslash", "a\\b"),
	REFUSED_NAME("name beyond ASCII", "p\303\266l"),
	REFUSED_NR("sizes are NULL", NULL, 1),
	REFUSED_NR("no size", size_page, 0),
	REFUSED_NR("absurdly many sizes", size_page, UINT_MAX),
	REFUSED_SIZES("33 sizes", size_33),
	REFUSED_SIZES("a size of 0", size_zero),
	REFUSED_SIZES("a later size of 0", size_zero_later),
	REFUSED_SIZES("descending sizes", size_descending),
	REFUSED_SIZES("a size twice", size_twice),
	REFUSED_SIZES("a size twice, once rounded", size_twice_rounded),
	REFUSED_SIZES("descending, equal once rounded",
		      size_descending_rounded),
	REFUSED_SIZES("a size past the largest", size_too_large),
	REFUSED_SIZES("a later size past the largest", size_too_large_later),
	REFUSED_SIZES("an absurd size", size_absurd),
	REFUSED_SIZES("a size that wraps when rounded", size_wraps),
	REFUSED_FIELD("an unknown flag", flags, BIT(30)),
	REFUSED_FIELD("the last of unknown flags", flags, 1U << 31),
	REFUSED_FIELD("conflicting flags", flags,
		      BYTEPOOL_CONTIG | BYTEPOOL_VMALLOC),
	REFUSED_FIELD("priv_size past the largest", priv_size,
		      BYTEPOOL_MAX_PRIV + 1),
	REFUSED_FIELD("absurd priv_size", priv_size, UINT_MAX),
};

static void refusal_desc(const struct refusal *refusal, char *desc)
{
	strscpy(desc, refusal->why, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(refusal, refusals, refusal_desc);

static void expect_refused(struct kunit *test, struct bytepool *pool, int err)
{
	KUNIT_EXPECT_TRUE(test, IS_ERR(pool));
	KUNIT_EXPECT_EQ(test, PTR_ERR(pool), err);
	bytepool_destroy(pool);
}

static void create_bad_config_is_refused(struct kunit *test)
{
	const struct refusal *refusal = test->param_value;
	struct bytepool *pool = bytepool_create(&refusal->config);

	expect_refused(test, pool, -EINVAL);
}

/* Twice, and then a good one: nothing of the bad ones is in the way. */
static void create_refusal_leaves_nothing_behind(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	unsigned int i;

	for (i = 0; i < 2 * ARRAY_SIZE(refusals); i++)
		expect_refused(test, bytepool_create(&refusals[i / 2].config),
			       -EINVAL);
	bpt_pool(test, &config);
}

static void create_null_config_is_refused(struct kunit *test)
{
	expect_refused(test, bytepool_create(NULL), -EINVAL);
}

static void create_bad_config_with_reserve_is_invalid(struct kunit *test)
{
	struct bytepool_config config = bpt_config();

	config.reserve = 1;
	config.name = "";
	expect_refused(test, bytepool_create(&config), -EINVAL);
}

/* === Names === */

static const char *const good_names[] = {
	"a",	   "Z",	   "0",
	"_",	   "-",	   "+",
	":",	   "@",	   "...",
	".hidden", "a.",   "eth0:rx@0000:00:1f.6",
	"A_z.0",   "-+-+", "abcdefghijklmnopqrstuvwxyz01234",
};

static void name_desc(const char *const *name, char *desc)
{
	strscpy(desc, *name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(good_name, good_names, name_desc);

static void create_good_name_is_taken(struct kunit *test)
{
	const char *const *name = test->param_value;
	struct bytepool_config config = bpt_config();

	config.name = *name;
	bpt_pool(test, &config);
}

static void create_name_in_use_exists(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *pool = bpt_pool(test, &config);

	expect_refused(test, bytepool_create(&config), -EEXIST);
	/* The first one does not mind. */
	bytepool_put(pool, bpt_get(test, pool, 100));
}

static void create_name_is_free_after_destroy(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	unsigned int i;

	for (i = 0; i < 10; i++) {
		struct bytepool *pool = bpt_pool(test, &config);

		bytepool_put(pool, bpt_get(test, pool, 100));
		bpt_destroy(test, pool);
	}
}

static void create_names_differ_by_case(struct kunit *test)
{
	struct bytepool_config config = bpt_config();

	config.name = "pool";
	bpt_pool(test, &config);
	config.name = "POOL";
	bpt_pool(test, &config);
}

/* === What is taken === */

static void create_copies_name_and_sizes(struct kunit *test)
{
	char name[] = "kunit";
	size_t sizes[] = { 100, 1000 };
	struct bytepool_config config = {
		.name = name,
		.sizes = sizes,
		.nr_sizes = 2,
	};
	struct bytepool *pool = bpt_pool(test, &config);

	memset(name, 'x', sizeof(name) - 1);
	memset(sizes, 0, sizeof(sizes));
	memset(&config, 0xff, sizeof(config));
	KUNIT_EXPECT_EQ(test, bytepool_size_roundup(pool, 100),
			bpt_capacity(pool, 100, 128));
	KUNIT_EXPECT_EQ(test, bytepool_size_roundup(pool, 1000),
			bpt_capacity(pool, 1000, 1024));
	config = bpt_config();
	expect_refused(test, bytepool_create(&config), -EEXIST);
}

static void create_sizes_are_rounded_up_to_64(struct kunit *test)
{
	static const size_t sizes[] = { 1, 65, 1000, 5000 };
	struct bytepool_config config = bpt_config();
	struct bytepool *pool;
	size_t rounded[4];

	config.sizes = sizes;
	config.nr_sizes = ARRAY_SIZE(sizes);
	pool = bpt_pool(test, &config);
	KUNIT_EXPECT_EQ(test, bytepool_sizes(pool, rounded, 4), 4);
	KUNIT_EXPECT_EQ(test, rounded[0], 64);
	KUNIT_EXPECT_EQ(test, rounded[1], 128);
	KUNIT_EXPECT_EQ(test, rounded[2], 1024);
	KUNIT_EXPECT_EQ(test, rounded[3], 5056);
}

static void create_32_tiers(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *pool;
	unsigned int i;
	void *mem;

	config.sizes = size_33;
	config.nr_sizes = BYTEPOOL_MAX_TIERS;
	pool = bpt_pool(test, &config);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).nr_tiers, BYTEPOOL_MAX_TIERS);
	for (i = 0; i < BYTEPOOL_MAX_TIERS; i++) {
		mem = bpt_get(test, pool, size_33[i]);
		KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, i).in_use, 1);
		bytepool_put(pool, mem);
		mem = bpt_get(test, pool, size_33[i] - 63);
		KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, i).get, 2);
		bytepool_put(pool, mem);
	}
}

static void create_largest_tier_allowed(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, BYTEPOOL_MAX_SIZE, 0);

	KUNIT_EXPECT_EQ(test, bytepool_size_roundup(pool, 1),
			bpt_capacity(pool, 1, BYTEPOOL_MAX_SIZE));
}

static void create_largest_priv_allowed(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool_buf *buf;

	config.priv_size = BYTEPOOL_MAX_PRIV;
	buf = bpt_get_buf(test, bpt_pool(test, &config), 1);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(bytepool_buf_priv(buf),
					    BYTEPOOL_MAX_PRIV, 0));
	bytepool_buf_release(buf);
}

static void create_every_flag_alone_and_together(struct kunit *test)
{
	unsigned int flags;

	for (flags = 0; flags < BYTEPOOL_WIPE << 1; flags++) {
		struct bytepool *pool;

		if (flags & BYTEPOOL_CONTIG && flags & BYTEPOOL_VMALLOC)
			continue;
		pool = bpt_tier_pool(test, SZ_64K, flags);
		bytepool_buf_release(bpt_get_buf(test, pool, SZ_64K));
		bytepool_put(pool, bpt_get(test, pool, SZ_64K));
		bytepool_put(pool, bpt_get(test, pool, SZ_64K + 1));
		bpt_expect_quiet(test, pool);
		bpt_destroy(test, pool);
	}
}

static void create_a_hundred_pools(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *pool;
	unsigned int i;
	char name[32];

	config.name = name;
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "kunit-%u", i);
		pool = bpt_pool(test, &config);
		bytepool_put(pool, bpt_get(test, pool, 100));
		bytepool_buf_release(bpt_get_buf(test, pool, 1000));
	}
	expect_refused(test, bytepool_create(&config), -EEXIST);
}

/* === Other versions of the struct === */

/**
 * struct newer_config - what a newer bytepool.h may have
 * @config: what there is today
 * @later: what is appended one day
 */
struct newer_config {
	struct bytepool_config config;
	u8 later[24];
};

static void create_unknown_zero_bytes_are_taken(struct kunit *test)
{
	struct newer_config newer = { .config = bpt_config() };
	struct bytepool *pool;

	pool = __bytepool_create(&newer.config, sizeof(newer), THIS_MODULE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	bytepool_destroy(pool);
}

static void create_unknown_nonzero_bytes_are_refused(struct kunit *test)
{
	struct newer_config newer = { .config = bpt_config() };
	unsigned int i;

	for (i = 0; i < sizeof(newer.later); i++) {
		newer.later[i] = 1;
		expect_refused(test,
			       __bytepool_create(&newer.config, sizeof(newer),
						 THIS_MODULE),
			       -EINVAL);
		newer.later[i] = 0;
	}
}

static void create_older_config_means_defaults(struct kunit *test)
{
	size_t older = offsetof(struct bytepool_config, limit);
	struct bytepool_config config = bpt_config();
	struct bytepool *pool;

	/* Not there for a caller whose struct ends before it. */
	config.limit = 1;
	pool = __bytepool_create(&config, older, THIS_MODULE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	bytepool_put(pool, bpt_get(test, pool, 100));
	bytepool_destroy(pool);
}

/* The commas of a compound literal once were too many for the macro. */
static void create_from_a_compound_literal(struct kunit *test)
{
	struct bytepool *pool;

	pool = bytepool_create(&(struct bytepool_config){
		.name = "kunit",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
	});
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	bytepool_destroy(pool);
}

static void create_config_of_no_size_is_refused(struct kunit *test)
{
	struct bytepool_config config = bpt_config();

	expect_refused(test, __bytepool_create(&config, 0, THIS_MODULE),
		       -EINVAL);
}

/* === Pools of a device === */

static void devm_pool_ends_with_its_device(struct kunit *test)
{
	struct device *dev = root_device_register("kunit-device");
	struct bytepool_config config = bpt_config();
	struct bytepool *pool;
	struct bytepool_buf *buf;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	pool = devm_bytepool_create(dev, &config);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, pool);
	buf = IS_ERR(pool) ? NULL : bytepool_get_buf(pool, 100, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, buf);
	bytepool_buf_release(buf);
	/* While it lives its name is taken. */
	KUNIT_EXPECT_PTR_EQ(test, bytepool_create(&config), ERR_PTR(-EEXIST));
	root_device_unregister(dev);
	bpt_pool(test, &config);
}

static void devm_refused_config_gives_nothing_to_the_device(struct kunit *test)
{
	struct device *dev = root_device_register("kunit-device");
	struct bytepool_config config = bpt_config();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	config.nr_sizes = 0;
	KUNIT_EXPECT_PTR_EQ(test, devm_bytepool_create(dev, &config),
			    ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, devm_bytepool_create(dev, NULL),
			    ERR_PTR(-EINVAL));
	root_device_unregister(dev);
}

static struct kunit_case create_cases[] = {
	KUNIT_CASE_PARAM(create_bad_config_is_refused, refusal_gen_params),
	KUNIT_CASE(create_refusal_leaves_nothing_behind),
	KUNIT_CASE(create_null_config_is_refused),
	KUNIT_CASE(create_bad_config_with_reserve_is_invalid),
	KUNIT_CASE_PARAM(create_good_name_is_taken, good_name_gen_params),
	KUNIT_CASE(create_name_in_use_exists),
	KUNIT_CASE(create_name_is_free_after_destroy),
	KUNIT_CASE(create_names_differ_by_case),
	KUNIT_CASE(create_copies_name_and_sizes),
	KUNIT_CASE(create_sizes_are_rounded_up_to_64),
	KUNIT_CASE(create_32_tiers),
	KUNIT_CASE(create_largest_tier_allowed),
	KUNIT_CASE(create_largest_priv_allowed),
	KUNIT_CASE(create_every_flag_alone_and_together),
	KUNIT_CASE(create_a_hundred_pools),
	KUNIT_CASE(create_unknown_zero_bytes_are_taken),
	KUNIT_CASE(create_unknown_nonzero_bytes_are_refused),
	KUNIT_CASE(create_older_config_means_defaults),
	KUNIT_CASE(create_from_a_compound_literal),
	KUNIT_CASE(create_config_of_no_size_is_refused),
	KUNIT_CASE(devm_pool_ends_with_its_device),
	KUNIT_CASE(devm_refused_config_gives_nothing_to_the_device),
	{}
};

struct kunit_suite bpt_create_suite = {
	.name = "bytepool_create",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = create_cases,
};
