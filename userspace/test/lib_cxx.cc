// SPDX-License-Identifier: GPL-2.0
/*
 * The library's header in C++, beside names of the program's own that are the
 * kernel's as well.
 */
#include <cstdint>
#include <cstdio>
#include <cstring>

typedef std::uint64_t u64;
typedef std::uint32_t u32;

#include <bytepool.h>

namespace
{
struct point {
	double x, y;
};

DEFINE_BYTEPOOL_OBJECTS(point, struct point);

int point_init(struct point *point, gfp_t gfp)
{
	(void)gfp;
	point->x = 1;
	point->y = 2;
	return 0;
}

bool typed_objects()
{
	struct point_pool *pool = point_pool_create("points", point_init, NULL);
	struct point *point;
	bool ok;

	if (IS_ERR(pool))
		return false;
	point = point_pool_get(pool, GFP_KERNEL);
	ok = point && point->x == 1 && point->y == 2;
	point_pool_put(pool, point);
	point_pool_destroy(pool);
	return ok;
}

bool buffers()
{
	struct bytepool_config config = bytepool_config();
	struct bytepool_stats stats;
	struct bytepool_view view;
	struct bytepool_buf *buf;
	struct bytepool *pool;
	char text[4096];

	config.name = "cxx";
	config.sizes = bytepool_sizes_stream;
	config.nr_sizes = BYTEPOOL_NR_STREAM;
	pool = bytepool_create(&config);
	if (IS_ERR_OR_NULL(pool))
		return false;
	buf = bytepool_get_buf(pool, 100, GFP_KERNEL);
	std::memset(bytepool_buf_data(buf), 1, 100);
	view = bytepool_buf_slice(buf, 10, 20);
	bytepool_buf_release(buf);
	bytepool_view_release(&view);
	bytepool_get_stats(pool, &stats);
	bool ok = stats.total_get == 1 && stats.total_put == 1 &&
		  bytepool_debugfs_read("cxx/stats", text, sizeof(text)) > 0;
	bytepool_destroy(pool);
	return ok;
}
} /* namespace */

int main()
{
	bool typed = typed_objects(), bufs = buffers();

	std::printf("KTAP version 1\n1..2\n%s 1 typed_objects_in_cxx\n",
		    typed ? "ok" : "not ok");
	std::printf("%s 2 buffers_in_cxx\n", bufs ? "ok" : "not ok");
	return !(typed && bufs);
}
