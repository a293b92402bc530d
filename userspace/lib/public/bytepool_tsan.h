/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - what ThreadSanitizer does not see of a release that is not the last
 *
 * Included by <bytepool.h>. The library is compiled without the sanitizer, and
 * its atomic operations are out of its sight. What comes before a release in one
 * thread comes before the next use of the memory in any: the library says so
 * where memory becomes idle, but a release of a buffer that others hold has no
 * instruction to spare for it.
 */
#ifndef _BYTEPOOL_TSAN_H
#define _BYTEPOOL_TSAN_H

#if defined(__SANITIZE_THREAD__)
#define BYTEPOOL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BYTEPOOL_TSAN 1
#endif
#endif

#ifdef BYTEPOOL_TSAN

#ifdef __cplusplus
extern "C" {
#endif

void __tsan_release(void *addr);

#ifdef __cplusplus
}
#endif

/* The library's part is where the memory is used again: it acquires that. */
static inline void bytepool_tsan_release(struct bytepool_buf *buf)
{
	void *data = bytepool_buf_data(buf);

	if (data)
		__tsan_release(data);
}

static inline void bytepool_tsan_buf_release(struct bytepool_buf *buf)
{
	bytepool_tsan_release(buf);
	bytepool_buf_release(buf);
}

static inline void bytepool_tsan_view_release(struct bytepool_view *view)
{
	if (view)
		bytepool_tsan_release(view->buf);
	bytepool_view_release(view);
}

static inline void bytepool_tsan_release_bufs(unsigned int nr,
					      struct bytepool_buf **bufs)
{
	unsigned int i;

	for (i = 0; bufs && i < nr; i++)
		bytepool_tsan_release(bufs[i]);
	bytepool_release_bufs(nr, bufs);
}

#define bytepool_buf_release  bytepool_tsan_buf_release
#define bytepool_view_release bytepool_tsan_view_release
#define bytepool_release_bufs bytepool_tsan_release_bufs

#endif /* BYTEPOOL_TSAN */

#endif /* _BYTEPOOL_TSAN_H */
