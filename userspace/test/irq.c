// SPDX-License-Identifier: GPL-2.0
/*
 * Signals as interrupts, in the test programs: high-resolution timers.
 *
 * A timer's signal goes to the thread that has started it and stands for a
 * slot, not for the timer: a signal may still arrive, or wait while interrupts
 * are off, when its timer is long gone.
 */
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <shim.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/*
 * Each slot has a signal of its own, the first of which is this:
 * ThreadSanitizer remembers only one of a kind. And each is one interrupt, the
 * odd ones soft.
 */
#define IRQ_SIGNAL (SIGRTMIN + 3)
#define NR_SLOTS   24

/**
 * struct shim_timer - a slot for a timer that is armed
 * @taken: it is some timer's
 * @timer: the timer; NULL: none that may run
 * @id: the POSIX timer
 * @tid: the thread that gets the signal
 * @running: how many threads are where they may run the timer's function
 */
struct shim_timer {
	bool taken;
	struct hrtimer *timer;
	timer_t id;
	pid_t tid;
	unsigned int running;
};

static struct shim_timer slots[NR_SLOTS];

static void slot_arm(struct shim_timer *slot, u64 delay)
{
	struct itimerspec when = {
		.it_value = {
			.tv_sec = delay / NSEC_PER_SEC,
			/* Nothing at all would disarm it. */
			.tv_nsec = delay % NSEC_PER_SEC ?: 1,
		},
	};

	timer_settime(slot->id, 0, &when, NULL);
}

/*
 * A function that takes longer than the timer's period would leave its CPU no
 * time for anything else. The kernel gives it as much as the function took.
 */
static s64 next_delay(struct hrtimer *timer, s64 began)
{
	s64 now = ktime_get_ns();

	return max_t(s64, timer->expires - now,
		     min_t(s64, now - began, 100 * NSEC_PER_MSEC));
}

static void slot_fire(unsigned int irq)
{
	struct shim_timer *slot = &slots[irq];
	s64 began = ktime_get_ns();
	struct hrtimer *timer;

	/* Both seen by hrtimer_cancel(), whichever comes first. */
	__atomic_fetch_add(&slot->running, 1, __ATOMIC_SEQ_CST);
	timer = __atomic_load_n(&slot->timer, __ATOMIC_SEQ_CST);
	/* A signal of the slot's last timer's comes too early for this one. */
	if (timer && slot->tid == gettid() && began >= timer->expires &&
	    timer->function(timer) == HRTIMER_RESTART)
		slot_arm(slot, next_delay(timer, began));
	__atomic_fetch_sub(&slot->running, 1, __ATOMIC_SEQ_CST);
}

/*
 * A signal that ThreadSanitizer has kept for later comes with all signals
 * blocked, out of the first call it knows. If another one arrived just before,
 * such a call in here handles that, and what is blocked now remains so for
 * ever: there is one place for what was blocked before (until LLVM 21). So
 * nothing is blocked here that was not when the signal came, as in the other
 * builds. Where the kernel itself calls this, its frame is next to this one,
 * none has been kept, and what it restores is right.
 */
#ifdef SHIM_TSAN
static void restore_mask(const ucontext_t *context)
{
	unsigned long frame = (unsigned long)__builtin_frame_address(0);

	if ((unsigned long)context - frame >= PAGE_SIZE)
		pthread_sigmask(SIG_SETMASK, &context->uc_sigmask, NULL);
}
#else
static void restore_mask(const ucontext_t *context)
{
}
#endif

static void on_signal(int sig, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	restore_mask(context);
	shim_raise_irq(sig - IRQ_SIGNAL);
	errno = saved_errno;
}

static __attribute__((__constructor__(101))) void irq_init(void)
{
	struct sigaction action = {
		.sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER,
	};
	int i;

	sigemptyset(&action.sa_mask);
	for (i = 0; i < NR_SLOTS; i++) {
		shim_irqs[i] = (struct shim_irq){
			.soft = i % 2,
			.fn = slot_fire,
		};
		sigaction(IRQ_SIGNAL + i, &action, NULL);
	}
}

static struct shim_timer *slot_get(bool soft)
{
	unsigned int i;

	for (i = soft; i < ARRAY_SIZE(slots); i += 2)
		if (!__atomic_exchange_n(&slots[i].taken, true,
					 __ATOMIC_ACQUIRE))
			return &slots[i];
	shim_bug(__FILE__, __LINE__);
}

void hrtimer_setup(struct hrtimer *timer,
		   enum hrtimer_restart (*function)(struct hrtimer *timer),
		   clockid_t clock, enum hrtimer_mode mode)
{
	*timer = (struct hrtimer){ .function = function };
}

void hrtimer_start(struct hrtimer *timer, ktime_t delay, enum hrtimer_mode mode)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
	};
	struct shim_timer *slot;

	hrtimer_cancel(timer);
	slot = slot_get(mode & HRTIMER_MODE_SOFT);
	slot->tid = gettid();
	event.sigev_signo = IRQ_SIGNAL + (slot - slots);
	event.sigev_notify_thread_id = slot->tid;
	timer->slot = slot;
	timer->expires = ktime_get() + delay;
	shim_shield();
	if (timer_create(CLOCK_MONOTONIC, &event, &slot->id))
		shim_bug(__FILE__, __LINE__);
	shim_unshield();
	__atomic_store_n(&slot->timer, timer, __ATOMIC_SEQ_CST);
	slot_arm(slot, delay);
}

int hrtimer_cancel(struct hrtimer *timer)
{
	struct shim_timer *slot = timer->slot;

	if (!slot)
		return 0;
	timer->slot = NULL;
	__atomic_store_n(&slot->timer, NULL, __ATOMIC_SEQ_CST);
	/* Who has seen it before may arm it again. */
	while (__atomic_load_n(&slot->running, __ATOMIC_SEQ_CST))
		sched_yield();
	shim_shield();
	timer_delete(slot->id);
	shim_unshield();
	__atomic_store_n(&slot->taken, false, __ATOMIC_RELEASE);
	return 1;
}

u64 hrtimer_forward_now(struct hrtimer *timer, ktime_t interval)
{
	ktime_t now = ktime_get();
	u64 overruns = 0;

	if (timer->expires <= now) {
		overruns = (now - timer->expires) / interval + 1;
		timer->expires += overruns * interval;
	}
	return overruns;
}
