// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's formats, its log, and its reports. Nothing here allocates or
 * takes a lock of the C library's: interrupts and signal handlers print too.
 */
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/random.h>
#include <linux/ratelimit.h>
#include <linux/refcount.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <shim.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The caller has not the program's rights: he is told no addresses. */
bool shim_secure;

/* Where standard error went at the beginning. */
static struct stat first_stderr;

static __attribute__((__constructor__(101))) void print_init(void)
{
	shim_secure = getauxval(AT_SECURE);
	/* Nowhere, else: what has no links is nothing that can be opened. */
	if (fstat(STDERR_FILENO, &first_stderr))
		first_stderr = (struct stat){};
}

/* === Formats === */

/* Where formatted text goes: @pos counts on when the buffer is full. */
struct out {
	char *buf;
	size_t size;
	size_t pos;
};

/**
 * struct spec - a conversion specification
 * @left: justified to the left
 * @zero: padded with zeros
 * @alt: with a prefix
 * @plus: with a sign
 * @space: with a sign or a space
 * @width: at least so many characters
 * @precision: so many digits at least, or characters at most; -1: not given
 * @size: of the argument, in bytes
 */
struct spec {
	bool left, zero, alt, plus, space;
	int width;
	int precision;
	size_t size;
};

static void out_char(struct out *out, char c)
{
	if (out->pos < out->size)
		out->buf[out->pos] = c;
	out->pos++;
}

static void out_pad(struct out *out, char c, int nr)
{
	while (nr-- > 0)
		out_char(out, c);
}

static void out_string(struct out *out, const char *s, const struct spec *spec)
{
	size_t max = spec->precision < 0 ? SIZE_MAX : (size_t)spec->precision;
	size_t len, i;

	if (!s)
		s = "(null)";
	len = strnlen(s, max);
	if (!spec->left)
		out_pad(out, ' ', spec->width - (int)len);
	for (i = 0; i < len; i++)
		out_char(out, s[i]);
	if (spec->left)
		out_pad(out, ' ', spec->width - (int)len);
}

static void out_number(struct out *out, u64 val, const char *sign,
		       unsigned int base, bool upper, const struct spec *spec)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	int nr = 0, zeros, pad, prefix = strlen(sign);
	char buf[24];

	do {
		buf[nr++] = digits[val % base];
		val /= base;
	} while (val);
	zeros = max(spec->precision - nr, 0);
	if (spec->zero && !spec->left && spec->precision < 0)
		zeros = max(spec->width - prefix - nr, 0);
	pad = spec->width - prefix - zeros - nr;
	if (!spec->left)
		out_pad(out, ' ', pad);
	while (*sign)
		out_char(out, *sign++);
	out_pad(out, '0', zeros);
	while (nr)
		out_char(out, buf[--nr]);
	if (spec->left)
		out_pad(out, ' ', pad);
}

static void out_text(struct out *out, const char *s)
{
	const struct spec plain = { .precision = -1 };

	out_string(out, s, &plain);
}

static void out_address(struct out *out, unsigned long addr, const char *prefix,
			const struct spec *spec)
{
	if (shim_secure)
		out_text(out, "(address)");
	else
		out_number(out, addr, prefix, 16, false, spec);
}

/* A function, or an offset into a file without names. */
static void out_symbol(struct out *out, unsigned long addr)
{
	const struct spec plain = { .precision = -1 };
	unsigned long offset = addr, size = 0;
	const char *name, *slash;
	Dl_info info;
	bool found;

	shim_shield();
	name = shim_symbol(addr, &offset, &size);
	found = !name && dladdr((void *)addr, &info);
	shim_unshield();
	if (found) {
		name = info.dli_sname;
		offset = addr - (unsigned long)info.dli_saddr;
		if (!name) {
			slash = strrchr(info.dli_fname, '/');
			name = slash ? slash + 1 : info.dli_fname;
			offset = addr - (unsigned long)info.dli_fbase;
		}
	}
	if (!name) {
		out_address(out, addr, "0x", &plain);
		return;
	}
	out_text(out, name);
	out_char(out, '+');
	out_number(out, offset, "0x", 16, false, &plain);
	if (size)
		out_number(out, size, "/0x", 16, false, &plain);
}

static const char *const gfp_names[] = {
	"__GFP_DMA",
	"__GFP_HIGHMEM",
	"__GFP_DMA32",
	"__GFP_MOVABLE",
	"__GFP_RECLAIMABLE",
	"__GFP_HIGH",
	"__GFP_IO",
	"__GFP_FS",
	"__GFP_ZERO",
	"__GFP_DIRECT_RECLAIM",
	"__GFP_KSWAPD_RECLAIM",
	"__GFP_WRITE",
	"__GFP_NOWARN",
	"__GFP_RETRY_MAYFAIL",
	"__GFP_NOFAIL",
	"__GFP_NORETRY",
	"__GFP_MEMALLOC",
	"__GFP_COMP",
	"__GFP_NOMEMALLOC",
	"__GFP_HARDWALL",
	"__GFP_THISNODE",
	"__GFP_ACCOUNT",
};

static_assert(__GFP_BITS_MASK == BIT(ARRAY_SIZE(gfp_names)) - 1);

/* The flags by their names, without the kernel's names for combinations. */
static void out_gfp(struct out *out, gfp_t gfp)
{
	const struct spec plain = { .precision = -1 };
	const char *separator = "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gfp_names); i++) {
		if (!(gfp & BIT(i)))
			continue;
		out_text(out, separator);
		out_text(out, gfp_names[i]);
		separator = "|";
	}
	if (gfp & ~__GFP_BITS_MASK || !gfp) {
		out_text(out, separator);
		out_number(out, gfp & ~__GFP_BITS_MASK, "0x", 16, false,
			   &plain);
	}
}

static void out_format(struct out *out, const char *fmt, va_list *args);

/* Returns the end of the letters that belong to the %p. */
static const char *out_pointer(struct out *out, const char *fmt, void *ptr,
			       struct spec *spec)
{
	const struct va_format *vaf = ptr;
	va_list args;

	switch (*fmt) {
	case 'S':
	case 's':
	case 'B':
		out_symbol(out, (unsigned long)ptr);
		return fmt + 1;
	case 'V':
		va_copy(args, *vaf->va);
		out_format(out, vaf->fmt, &args);
		va_end(args);
		return fmt + 1;
	case 'e':
		if (IS_ERR(ptr) && strerrorname_np(-PTR_ERR(ptr))) {
			out_char(out, '-');
			out_text(out, strerrorname_np(-PTR_ERR(ptr)));
			return fmt + 1;
		}
		fmt++;
		break;
	case 'G':
		out_gfp(out, *(const gfp_t *)ptr);
		return fmt + (fmt[1] == 'g' ? 2 : 1);
	case 'x':
		out_address(out, (unsigned long)ptr, "", spec);
		return fmt + 1;
	}
	spec->zero = true;
	spec->width = 2 * sizeof(ptr);
	out_address(out, (unsigned long)ptr, "", spec);
	return fmt;
}

static const char *parse_flags(const char *fmt, struct spec *spec)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-':
			spec->left = true;
			continue;
		case '0':
			spec->zero = true;
			continue;
		case '#':
			spec->alt = true;
			continue;
		case '+':
			spec->plus = true;
			continue;
		case ' ':
			spec->space = true;
			continue;
		}
		return fmt;
	}
}

static const char *parse_int(const char *fmt, va_list *args, int *val)
{
	if (*fmt == '*') {
		*val = va_arg(*args, int);
		return fmt + 1;
	}
	for (*val = 0; *fmt >= '0' && *fmt <= '9'; fmt++)
		*val = *val * 10 + *fmt - '0';
	return fmt;
}

static const char *parse_size(const char *fmt, struct spec *spec)
{
	spec->size = sizeof(int);
	for (;; fmt++) {
		switch (*fmt) {
		case 'h':
			spec->size /= 2;
			continue;
		case 'l':
		case 'L':
		case 'z':
		case 't':
			spec->size = sizeof(long);
			continue;
		}
		return fmt;
	}
}

static const char *parse_spec(const char *fmt, va_list *args, struct spec *spec)
{
	*spec = (struct spec){ .precision = -1 };
	fmt = parse_flags(fmt, spec);
	fmt = parse_int(fmt, args, &spec->width);
	if (spec->width < 0) {
		spec->left = true;
		spec->width = -spec->width;
	}
	if (*fmt == '.')
		fmt = parse_int(fmt + 1, args, &spec->precision);
	return parse_size(fmt, spec);
}

static void out_signed(struct out *out, s64 val, const struct spec *spec)
{
	const char *sign = "";

	if (val < 0)
		sign = "-";
	else if (spec->plus)
		sign = "+";
	else if (spec->space)
		sign = " ";
	out_number(out, val < 0 ? -(u64)val : (u64)val, sign, 10, false, spec);
}

/* Returns the end of the specification. */
static const char *out_conversion(struct out *out, const char *fmt,
				  va_list *args)
{
	unsigned int base = 10;
	struct spec spec;
	u64 val;
	char c;

	fmt = parse_spec(fmt, args, &spec);
	c = *fmt++;
	switch (c) {
	case '%':
		out_char(out, '%');
		return fmt;
	case 'c':
		c = va_arg(*args, int);
		spec.precision = 1;
		out_string(out, (char[]){ c, 0 }, &spec);
		return fmt;
	case 's':
		out_string(out, va_arg(*args, const char *), &spec);
		return fmt;
	case 'p':
		return out_pointer(out, fmt, va_arg(*args, void *), &spec);
	case 'x':
	case 'X':
		base = 16;
		break;
	case 'o':
		base = 8;
		break;
	case 'd':
	case 'i':
	case 'u':
		break;
	default:
		WARN(1, "conversion %%%c is not known\n", c);
		return fmt;
	}
	if (spec.size == sizeof(long)) {
		val = va_arg(*args, unsigned long);
		if (c == 'd' || c == 'i') {
			out_signed(out, val, &spec);
			return fmt;
		}
	} else {
		int small = va_arg(*args, int);

		if (c == 'd' || c == 'i') {
			out_signed(out, small, &spec);
			return fmt;
		}
		val = (unsigned int)small & (~0U >> (32 - 8 * spec.size));
	}
	out_number(out, val, spec.alt && base == 16 ? "0x" : "", base, c == 'X',
		   &spec);
	return fmt;
}

static void out_format(struct out *out, const char *fmt, va_list *args)
{
	while (*fmt) {
		if (*fmt == '%')
			fmt = out_conversion(out, fmt + 1, args);
		else
			out_char(out, *fmt++);
	}
}

int shim_vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out out = { .buf = buf, .size = size };
	va_list copy;

	va_copy(copy, args);
	out_format(&out, fmt, &copy);
	va_end(copy);
	if (size)
		buf[min(out.pos, size - 1)] = '\0';
	return out.pos;
}

int shim_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = shim_vsnprintf(buf, size, fmt, args);
	va_end(args);
	return len;
}

int shim_sprintf(char *buf, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = shim_vsnprintf(buf, INT_MAX, fmt, args);
	va_end(args);
	return len;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	int len = shim_vsnprintf(buf, size, fmt, args);

	if (len < (int)size)
		return len;
	return size ? size - 1 : 0;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vscnprintf(buf, size, fmt, args);
	va_end(args);
	return len;
}

/* === The log === */

/* Messages of a lower level than this are printed. */
int shim_console_loglevel = 8;

/*
 * Whether standard error is where it went at first, or where a program means it
 * to go. A file that is opened when the descriptor has been closed gets it too,
 * but is not opened to append.
 */
static bool stderr_is_for_reports(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st))
		return false;
	if (st.st_dev == first_stderr.st_dev &&
	    st.st_ino == first_stderr.st_ino && first_stderr.st_nlink)
		return true;
	if (S_ISREG(st.st_mode))
		return fcntl(STDERR_FILENO, F_GETFL) & O_APPEND;
	return S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode);
}

/* A pipe that has room has it for a line. */
static bool stderr_has_room(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&fd, 1, 0) == 1 && fd.revents == POLLOUT;
}

/* Nobody may read it any more by now: the program is not to die of that. */
static void write_without_signal(const char *buf, size_t len)
{
	const struct timespec at_once = {};
	sigset_t pipe, before, pending;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	sigpending(&pending);
	if (write(STDERR_FILENO, buf, len) < 0 && errno == EPIPE &&
	    !sigismember(&pending, SIGPIPE))
		sigtimedwait(&pipe, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* A report is lost rather than that it does harm. */
static void write_report(const char *buf, size_t len)
{
	int before = shim_libc_enter();

	if (stderr_is_for_reports() && stderr_has_room())
		write_without_signal(buf, len);
	shim_libc_leave(before);
}

int _printk(const char *fmt, ...)
{
	int level = 4, len;
	char line[1024];
	va_list args;

	if (fmt[0] == KERN_SOH[0] && fmt[1]) {
		/* A continuation belongs to a line that was printed. */
		level = fmt[1] == 'c' ? 0 : fmt[1] - '0';
		fmt += 2;
	}
	if (level >= READ_ONCE(shim_console_loglevel))
		return 0;
	va_start(args, fmt);
	len = vscnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	write_report(line, len);
	return len;
}

static void write_result(const char *buf, size_t len)
{
	while (len) {
		ssize_t done = write(STDOUT_FILENO, buf, len);

		if (done <= 0)
			return;
		buf += done;
		len -= done;
	}
}

/* What the test cases print: results, of any level, to standard output. */
int shim_print_result(const char *fmt, ...)
{
	char line[1024];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vscnprintf(line, sizeof(line),
			 fmt + (fmt[0] == KERN_SOH[0] ? 2 : 0), args);
	va_end(args);
	write_result(line, len);
	return len;
}

/* The first backtrace() loads a library, which must not be in a handler. */
static bool can_unwind;

void dump_stack(void)
{
	void *frames[32];
	int nr, i;

	if (!can_unwind)
		return;
	shim_shield();
	nr = backtrace(frames, ARRAY_SIZE(frames));
	shim_unshield();
	/* The first one is this function. */
	for (i = 1; i < nr; i++)
		printk(KERN_ERR "  [<%px>] %pS\n", frames[i], frames[i]);
}

/* After that of a static program's start-up code, which tells the unwinder. */
static __attribute__((__constructor__)) void stack_init(void)
{
	void *frame;

	backtrace(&frame, 1);
	can_unwind = true;
}

/* === Reports === */

unsigned int shim_warnings;

/* What has been said once. */
static struct shim_once *said_once;

bool shim_first_time(struct shim_once *once)
{
	if (xchg(&once->said, true))
		return false;
	once->next = READ_ONCE(said_once);
	while (!try_cmpxchg(&said_once, &once->next, once))
		;
	return true;
}

/* Between test cases: nothing else runs. */
void shim_forget_once(void)
{
	struct shim_once *once = xchg(&said_once, NULL), *next;

	for (; once; once = next) {
		next = once->next;
		smp_store_release(&once->said, false);
	}
}

void shim_warn(const char *file, int line, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	__atomic_fetch_add(&shim_warnings, 1, __ATOMIC_RELAXED);
	va_start(args, fmt);
	vaf.va = &args;
	printk(KERN_WARNING "WARNING: at %s:%d: %pV", file, line, &vaf);
	va_end(args);
	dump_stack();
}

void shim_bug(const char *file, int line)
{
	printk(KERN_EMERG "BUG: at %s:%d\n", file, line);
	dump_stack();
	abort();
}

void shim_refcount_saturate(refcount_t *r, const char *what)
{
	refcount_set(r, REFCOUNT_SATURATED);
	WARN(1, "refcount_t: %s\n", what);
}

void shim_list_corrupt(const struct list_head *entry, const char *what)
{
	WARN(1, "list entry %p: %s\n", entry, what);
}

int shim_ratelimit(struct ratelimit_state *rs, const char *func)
{
	unsigned long flags;
	int missed = 0;
	bool allowed;

	if (!rs->interval)
		return 1;
	/* A handler above the holder is one too many anyway. */
	if (!lock_unless_held(&rs->lock, &flags))
		return 0;
	if (!rs->begin || time_after(jiffies, rs->begin + rs->interval)) {
		rs->begin = jiffies;
		rs->printed = 0;
		missed = rs->missed;
		rs->missed = 0;
	}
	allowed = rs->printed < rs->burst;
	if (allowed)
		rs->printed++;
	else
		rs->missed++;
	raw_spin_unlock_irqrestore(&rs->lock, flags);
	if (missed)
		pr_warn("%s: %d callbacks suppressed\n", func, missed);
	return allowed;
}

/* === Random numbers, strings and arrays === */

/* From the kernel, which gives each program 16 random bytes: it cannot fail. */
u64 get_random_u64(void)
{
	u64 number;

	memcpy(&number, (const void *)getauxval(AT_RANDOM), sizeof(number));
	return number;
}

ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t len = strnlen(src, size);

	if (!size)
		return -E2BIG;
	if (len == size) {
		memcpy(dst, src, size - 1);
		dst[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(dst, src, len + 1);
	return len;
}

void *memchr_inv(const void *mem, int c, size_t size)
{
	const u8 *byte = mem;

	for (; size; size--, byte++)
		if (*byte != (u8)c)
			return (void *)byte;
	return NULL;
}

void sort(void *base, size_t num, size_t size,
	  int (*cmp)(const void *a, const void *b),
	  void (*swap_fn)(void *a, void *b, int size))
{
	shim_shield();
	qsort(base, num, size, cmp);
	shim_unshield();
}

/* Equal but for the newline that echo(1) leaves at the end of one. */
static bool streq_sysfs(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == '\n' && !a[1])
		a++;
	if (*b == '\n' && !b[1])
		b++;
	return !*a && !*b;
}

int __sysfs_match_string(const char *const *array, size_t n, const char *s)
{
	size_t i;

	for (i = 0; i < n && array[i]; i++)
		if (streq_sysfs(array[i], s))
			return i;
	return -EINVAL;
}
